"""Each row of the pages of results names a commit that everybody has: one of main."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from doc_pages import ROOT

from tests.long_runs import PAGES, commit

# A date, and the commit in the next cell, or after a comma.
RUN = re.compile(r"\| \d{4}-\d\d-\d\d(?:,| \|) ([0-9a-f]{7,40})(-dirty)? \|")
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.net", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    argv = ("git", "-C", str(folder), *IDENTITY, *words)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose branch main has one commit."""
    git(tmp_path, "init", "-q", "-b", "main")
    page = tmp_path / PAGES[0]
    page.parent.mkdir()
    page.write_text("no row\n")
    (tmp_path / "code.py").write_text("old\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    return tmp_path


def test_a_commit_that_is_not_on_main_is_not_named(checkout: Path) -> None:
    """Rows alone are no other code; whatever else differs is said, whether it has been committed or not."""
    base = git(checkout, "rev-parse", "--short", "HEAD")
    git(checkout, "switch", "-q", "-c", "work")
    (checkout / PAGES[0]).write_text("a row\n")
    assert commit(checkout) == base
    git(checkout, "commit", "-q", "-a", "-m", "Write a row")
    assert commit(checkout) == base
    (checkout / "more.py").write_text("new\n")
    assert commit(checkout) == f"{base}-dirty"
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Change the code")
    assert commit(checkout) == f"{base}-dirty"
    git(checkout, "branch", "-q", "-f", "main", "HEAD")
    assert commit(checkout) == git(checkout, "rev-parse", "--short", "HEAD")


def test_where_no_git_is_the_commit_is_unknown(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"


@pytest.mark.parametrize("page", ["docs/engines.md", "docs/measured.md", "docs/reliability.md"])
def test_each_row_names_a_commit_of_this_history(page: str) -> None:
    if not (ROOT / ".git").exists() or git(ROOT, "rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("this checkout has no history")
    runs = RUN.findall((ROOT / page).read_text("utf-8"))
    assert runs
    history = git(ROOT, "rev-list", "HEAD").split()
    missing = {named for named, _ in runs if not any(known.startswith(named) for known in history)}
    assert not missing, f"{page} names commits that are not on this branch; run again, or rebase before the run"


def test_the_table_of_engines_was_made_from_committed_code() -> None:
    runs = RUN.findall((ROOT / "docs/engines.md").read_text("utf-8"))
    assert runs
    assert [named for named, dirty in runs if dirty] == []
