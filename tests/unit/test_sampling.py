"""A large table is run as a sample: a part of it each day, all of it in some days, and the rest of it by CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT

from tests.sampling import Table, sample_of, sample_of_all

CASES = [f"test_x.py::test_row[{number}]" for number in range(8)]
SMALL = ["test_y.py::test[a]", "test_y.py::test[b]"]
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--truth-seed", type=int, default=0)
"""
SUITE = """
import pytest

@pytest.mark.sampled(3)
@pytest.mark.parametrize("number", range(7))
def test_row(number):
    pass

@pytest.mark.parametrize("page", ["README", pytest.param("a", marks=pytest.mark.sampled(2)),
                                  pytest.param("b", marks=pytest.mark.sampled(2))])
def test_page(page):
    pass

def test_that_is_always_run():
    pass
"""
MODULE = """
import pytest

pytestmark = pytest.mark.sampled(2)

def test_one():
    pass

def test_two():
    pass

@pytest.mark.sampled(4)
@pytest.mark.parametrize("number", range(4))
def test_row(number):
    pass
"""


@pytest.mark.parametrize("every", [2, 3, 5, 8, 20])
def test_as_many_days_as_the_mark_says_run_every_case_once(every: int) -> None:
    days = min(every, len(CASES))
    samples = [sample_of(CASES, every, 20_000 + day) for day in range(days)]
    assert sorted(case for sample in samples for case in sample) == CASES
    assert all(samples)


def test_two_tests_of_the_same_table_do_not_leave_out_the_same_cases() -> None:
    """Otherwise a scenario would not be seen by any of its tests on the same day."""
    tables = {f"{name}.py::test[{number}]": Table(f"{name}.py::test", 3) for name in "abc" for number in range(6)}
    sample = sample_of_all(tables, 1)
    assert {case.partition("[")[2] for case in sample} == {f"{number}]" for number in range(6)}
    assert len(sample) == 6


def test_tables_of_different_size_are_sampled_each_by_its_own_mark() -> None:
    small = Table("test_y.py::test", 1)
    tables = {**dict.fromkeys(CASES, Table("test_x.py::test_row", 4)), **dict.fromkeys(SMALL, small)}
    sample = sample_of_all(tables, 5)
    assert len(sample & set(CASES)) == 2
    assert sample - set(CASES) == set(SMALL)


def cases_run(suite: Path, *options: str) -> list[str]:
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.sampling", "--collect-only",
         "-c", "/dev/null", "--rootdir", str(suite), *options, str(suite)),
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=suite, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line and " " not in line]


@pytest.mark.slow
def test_the_sample_and_the_rest_are_all_and_have_no_case_in_common(tmp_path: Path) -> None:
    """What has no mark of its own is never in the rest, and always in the sample: the page README of a table too."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)
    every, sample, rest = (
        cases_run(tmp_path, *words) for words in ([], ["--sample", "--truth-seed=7"], ["--rest", "--truth-seed=7"])
    )
    assert len(every) == 11
    assert sorted(sample + rest) == sorted(every)
    assert {"test_page[README]", "test_that_is_always_run"} <= set(sample)
    assert len([case for case in sample if case.startswith("test_row")]) in (2, 3)
    assert len([case for case in rest if case.startswith("test_page")]) == 1


@pytest.mark.slow
def test_the_mark_of_a_module_makes_its_tests_one_table(tmp_path: Path) -> None:
    """One of its tests runs each day, the other the next day; a test with a mark of its own is a table of its own."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_module.py").write_text(MODULE)
    days = [cases_run(tmp_path, "--sample", f"--truth-seed={day}") for day in (4, 5)]
    assert [len(day) for day in days] == [2, 2]
    assert {case for day in days for case in day if "[" not in case} == {"test_one", "test_two"}
    assert sorted(cases_run(tmp_path, "--rest", "--truth-seed=4") + days[0]) == sorted(cases_run(tmp_path))
