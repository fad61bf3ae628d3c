"""setup/venv tells each package that pip takes, all in the same way."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROGRAM = re.compile(r"awk '\n(.*?)' >&2", re.DOTALL)
PIP = """\
Obtaining file:///somewhere/wirelab
Collecting docker<8,>=7 (from wirelab==0.1.0)
  Using cached docker-7.2.0-py3-none-any.whl (147 kB)
Collecting uvicorn[standard]>=0.30 (from wirelab==0.1.0)
Collecting PyYAML
Processing /cache/charset_normalizer-3.4.0-py3-none-any.whl (from requests->wirelab==0.1.0)
Processing ./wheels/ghp-import-2.1.0.tar.gz
Installing collected packages: docker, PyYAML
"""


def test_packages_are_told_by_their_names_alone() -> None:
    program = PROGRAM.search((Path(__file__).parents[2] / "setup" / "venv").read_text("utf-8"))
    assert program
    told = subprocess.run(("awk", program[1]), input=PIP, capture_output=True, text=True, check=True).stdout
    names = ["docker", "uvicorn", "pyyaml", "charset-normalizer", "ghp-import", "unpacking"]
    assert told.splitlines() == [f"setup:   {name}" for name in names]
