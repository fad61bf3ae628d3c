"""`make unit` says last what failed, so that the end of a CI log is enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "setup" / "unit"
# In place of the interpreter: the part whose words hold $FAILING fails.
PYTHON = """#!/bin/sh
echo "output of $*"
case "$*" in *"$FAILING"*) exit 1 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with `setup/unit` and programs that do nothing."""
    programs = {".venv/bin/ruff": "#!/bin/sh\n", ".venv/bin/vulture": "#!/bin/sh\n", ".venv/bin/python": PYTHON}
    for path, text in programs.items():
        program = tmp_path / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    (tmp_path / "setup").mkdir()
    shutil.copy(SCRIPT, tmp_path / "setup")
    return tmp_path


def unit(checkout: Path, failing: str, *options: str) -> tuple[int, list[str]]:
    """Exit code, and the lines of both streams in the order in which they were written."""
    done = subprocess.run(
        (str(checkout / "setup" / "unit"), *options),
        env={**os.environ, "FAILING": failing},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.slow
def test_all_parts_pass(checkout: Path) -> None:
    code, lines = unit(checkout, "no such part")
    assert (code, lines[-1]) == (0, "unit: passed")
    assert len(lines) == 5, lines
    assert lines[-2] == "unit: make test also runs the slow tests, and looks for dead code"
    assert all("-m not slow " in line for line in lines if "pytest" in line), lines


@pytest.mark.slow
def test_make_test_runs_the_slow_tests_too(checkout: Path) -> None:
    """No test is left out, and dead code is looked for: here it is the part that fails."""
    code, lines = unit(checkout, "no such part", "--thorough")
    assert code == 0
    assert not any("slow" in line for line in lines), lines
    (checkout / ".venv/bin/vulture").write_text("#!/bin/sh\necho unused; exit 1\n")
    code, lines = unit(checkout, "no such part", "--thorough")
    assert (code, lines[-3:]) == (1, ["---- dead-code", "unused", "unit: FAILED: dead-code"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failing", "part"),
    [
        ("mypy", "types"),
        ("tests/unit/checks tests/unit/diagnosis", "checks-and-labs"),
        ("--ignore", "all-other-tests"),
    ],
)
def test_a_failed_part_is_printed_last(checkout: Path, failing: str, part: str) -> None:
    code, lines = unit(checkout, failing)
    assert (code, lines[-1]) == (1, f"unit: FAILED: {part}")
    assert lines[-3] == f"---- {part}"
    assert lines[-2].startswith("output of ")
