"""`make test` passes where all tests pass, or all that failed on the engine pass in their second try."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "setup" / "test"
# In place of the interpreter: it fails where its words hold one of $FAILING.
PYTHON = """#!/bin/sh
echo "output of $*"
for words in $FAILING; do case "$*" in *"$words"*) exit 1 ;; esac; done
"""
UNIT = '#!/bin/sh\necho "output of unit $*"\ncase " $FAILING " in *" unit-part "*) exit 1 ;; esac\n'
PROGRAMS = {
    ".venv/bin/wirelab": "#!/bin/sh\n",
    ".venv/bin/python": PYTHON,
    "setup/programs": "#!/bin/sh\n",
    "setup/with-engine": '#!/bin/sh\nexec "$@"\n',
    "setup/unit": UNIT,
}


def run(folder: Path, failing: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run setup/test beside programs that only print their words."""
    for path, text in PROGRAMS.items():
        program = folder / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    shutil.copy(SCRIPT, folder / "setup")
    environ = {**os.environ, "FAILING": failing, "SEED": "7"}
    return subprocess.run(
        (str(folder / "setup" / "test"), *words), env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failing", "code", "tried_again"),
    [
        ("nothing", 0, False),
        ("pytest", 0, True),
        ("pytest second_try", 1, True),
        ("unit-part", 1, False),
        ("unit-part pytest", 1, True),
    ],
)
def test_failures_on_the_engine_alone_have_a_second_try(
    failing: str, code: int, tried_again: bool, tmp_path: Path
) -> None:
    done = run(tmp_path, failing)
    assert (done.returncode, "output of -m tests.second_try" in done.stdout) == (code, tried_again), done.stdout
    assert "output of unit --thorough" in done.stdout
    last = (done.stdout + done.stderr).splitlines()[-1]
    assert last == ("test: passed" if code == 0 else "test: FAILED; see above")


@pytest.mark.parametrize(("words", "part", "with_unit"), [((), "--sample", True), (("--rest",), "--rest", False)])
def test_a_run_is_a_sample_or_the_rest_of_the_same_seed(
    words: tuple[str, ...], part: str, with_unit: bool, tmp_path: Path
) -> None:
    """What the sample leaves out has no test without an engine: these have run."""
    done = run(tmp_path, "nothing", *words)
    assert done.returncode == 0, done.stderr
    assert f"-p tests.sampling {part} --truth-seed=7 " in done.stdout
    assert ("output of unit --thorough" in done.stdout) == with_unit
