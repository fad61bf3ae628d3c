"""setup/subjects: the subjects of the commits since a named one have at most 72 characters."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "setup" / "subjects"


def git(checkout: Path, *words: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(("git", *author, *words), cwd=checkout, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "setup").mkdir()
    shutil.copy(SCRIPT, tmp_path / "setup")
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x" * 80)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("length", "code"), [(72, 0), (73, 1)])
def test_a_long_subject_is_refused(checkout: Path, length: int, code: int) -> None:
    """What was committed before the named commit is not looked at."""
    since = git(checkout, "rev-parse", "HEAD").strip()
    git(checkout, "commit", "-q", "--allow-empty", "-m", "y" * length)
    done = subprocess.run(("setup/subjects", since), cwd=checkout, capture_output=True, text=True)
    assert (done.returncode, "y" * length in done.stderr) == (code, bool(code))


@pytest.mark.slow
def test_a_checkout_without_the_named_commit_passes_and_says_so(checkout: Path) -> None:
    """CI may fetch the last commit alone."""
    done = subprocess.run(("setup/subjects", "0" * 40), cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("subjects: not looked at")
