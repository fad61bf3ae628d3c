"""Whoever installs wirelab elsewhere, as the tests of a project of theirs need it, has all that a lab is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.host.images.files import images_folder, names_in, tags_of

ROOT = Path(__file__).resolve().parents[2]
BUILD = "from setuptools import setup; setup()"
TAGS = """\
import json
from orchestrator.host.images.files import images_folder, names_in, tags_of
print(json.dumps([str(images_folder()), tags_of(names_in(images_folder()), images_folder())]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an installation which is not editable puts into the path."""
    folder = tmp_path_factory.mktemp("installed")
    build = ("-q", "egg_info", "--egg-base", str(folder), "build_py", "--build-lib", str(folder / "lib"))
    subprocess.run((sys.executable, "-c", BUILD, *build), cwd=ROOT, check=True, capture_output=True)
    return folder / "lib"


def python(installed: Path, *words: str) -> str:
    """What Python prints with that installation, in a folder that has nothing of this checkout."""
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    cwd = installed.parent
    done = subprocess.run((sys.executable, *words), cwd=cwd, env=environ, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.slow
def test_an_installation_has_the_images_of_the_checkout(installed: Path) -> None:
    """Their files and modes are the same, so the tags are: what was built for the one is there for the other."""
    folder, tags = json.loads(python(installed, "-c", TAGS))
    assert Path(folder).is_relative_to(installed)
    assert tags == tags_of(names_in(images_folder()), images_folder())


@pytest.mark.slow
def test_an_installation_has_the_scenarios(installed: Path) -> None:
    """By their names, wherever one stands."""
    assert python(installed, "-m", "orchestrator", "validate", "basic").startswith("basic: valid: 4 nodes, 16 checks")
