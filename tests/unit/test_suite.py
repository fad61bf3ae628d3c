"""The test suite itself can be collected in one run."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def test_no_two_modules_bear_one_name() -> None:
    """pytest imports test modules, and what stands beside them, by bare names; a second one would hide the first."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.slow
def test_nothing_is_imported_from_a_conftest() -> None:
    """Several folders have a conftest.py, so that `import conftest` finds the one that pytest happened to load last."""
    line = re.compile(r"^(from|import) conftest\b", re.MULTILINE)
    assert [str(path) for path in TESTS.rglob("*.py") if line.search(path.read_text("utf-8"))] == []
