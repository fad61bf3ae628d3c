"""Each bench can be started: it imports what it needs, and says what it measures."""

from __future__ import annotations

import subprocess
import sys

import pytest
from doc_pages import ROOT

BENCHES = sorted((ROOT / "bench").glob("*.py"))
PROGRAMS = [path for path in BENCHES if '__name__ == "__main__"' in path.read_text("utf-8")]


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, *words), cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_module_of_the_bench_is_imported() -> None:
    """In one process, from another folder than its own; a name that has moved fails here."""
    names = [path.stem for path in BENCHES]
    assert len(names) >= 9
    done = python("-c", f"import sys; sys.path.insert(0, 'bench')\nimport {', '.join(names)}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_bench_says_what_it_measures(program: object) -> None:
    done = python(str(program), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 3
