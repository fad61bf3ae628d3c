"""A test that failed beside others is run once more, alone; nobody overlooks it, and nothing else is forgiven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from doc_pages import ROOT

from tests.second_try import MOST, FailedList, try_again

ONCE = """
import pathlib, pytest

def test_by_chance():
    first = pathlib.Path("first")
    failed, _ = first.exists(), first.touch()
    assert failed, "the words of the first failure"
"""
ALWAYS = """
import pathlib, pytest

def test_always():
    raise AssertionError

def test_that_is_skipped_alone():
    second = pathlib.Path("second")
    if second.exists():
        pytest.skip("no reason that is excused")
    second.touch()
    raise AssertionError

def test_passing():
    pass
"""
HANGING = "import threading\n\ndef test_hanging():\n    threading.Event().wait()\n"
LIMIT = ("-p", "xdist", "-n", "1", "-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true")


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run Python with these words in a folder of tests; exit code and output."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    argv = (sys.executable, *words, "--no-skips", "-p", "no:cacheprovider")
    done = subprocess.run(argv, env=environ, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def first_run(folder: Path, text: str, *options: str) -> None:
    """Run tests as `setup/test` does."""
    (folder / "test_it.py").write_text(text)
    plugins = ("-p", "tests.counts", "-p", "tests.second_try", "--failed-list", "list.json")
    code, output = run(folder, "-m", "pytest", "-q", *plugins, *options)
    assert code == pytest.ExitCode.TESTS_FAILED, output


@pytest.mark.slow
def test_a_test_that_fails_once_passes_and_is_named(tmp_path: Path) -> None:
    first_run(tmp_path, ONCE)
    code, output = run(tmp_path, "-m", "tests.second_try", "list.json")
    assert (code, output.splitlines()[-1]) == (0, "second try: test_it.py::test_by_chance passed"), output


@pytest.mark.slow
def test_a_test_that_always_fails_is_red_and_each_is_named(tmp_path: Path) -> None:
    """One that passes now does not help the others. A test that is skipped in its second try has not passed."""
    first_run(tmp_path, ONCE + ALWAYS)
    code, output = run(tmp_path, "-m", "tests.second_try", "list.json")
    assert code == 1
    assert output.splitlines()[-3:] == [
        "second try: test_it.py::test_by_chance passed",
        "second try: test_it.py::test_always FAILED AGAIN",
        "second try: test_it.py::test_that_is_skipped_alone FAILED AGAIN",
    ], output
    assert "test_passing" not in output


@pytest.mark.slow
def test_a_test_that_hangs_is_ended_and_has_no_second_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first_run(tmp_path, HANGING, *LIMIT)
    assert not try_again(tmp_path / "list.json", [])
    told = capsys.readouterr().out
    assert told == "no second try: test_it.py::test_hanging crashed, or took longer than a test may\n"


def failed_report(number: int, when: str = "call") -> pytest.TestReport:
    phase: Literal["call"] = when  # type: ignore[assignment]
    return pytest.TestReport(f"test_it.py::test_{number}", ("test_it.py", 1, "test"), {}, "failed", "", phase)


@pytest.mark.parametrize(
    ("failures", "skipped", "exit_code", "refused"),
    [
        (MOST, False, 1, ""),
        (MOST + 1, False, 1, "6 tests failed, and chance explains 5 at most"),
        (1, True, 1, "a test was skipped that must run"),
        (0, False, 1, "the run did not end with failed tests alone"),
        (1, False, 2, "the run did not end with failed tests alone"),
    ],
)
def test_few_failures_and_nothing_else_have_a_second_try(
    failures: int, skipped: bool, exit_code: int, refused: str, tmp_path: Path
) -> None:
    failed_list = FailedList(tmp_path / "list.json", lambda: skipped)
    for number in range(failures):
        failed_list.pytest_runtest_logreport(failed_report(number))
        failed_list.pytest_runtest_logreport(failed_report(number, "teardown"))
    failed_list.pytest_sessionfinish(exit_code)
    written = json.loads((tmp_path / "list.json").read_text("utf-8"))
    assert (written["refused"], len(written["failed"])) == (refused, failures)


def test_a_file_that_cannot_be_imported_forbids_a_second_try(tmp_path: Path) -> None:
    failed_list = FailedList(tmp_path / "list.json", lambda: False)
    failed_list.pytest_runtest_logreport(failed_report(1))
    failed_list.pytest_collectreport(pytest.CollectReport("test_other.py", "failed", "no such module", []))
    failed_list.pytest_sessionfinish(1)
    assert json.loads((tmp_path / "list.json").read_text("utf-8"))["refused"] == "test_other.py could not be collected"


def test_a_run_without_a_list_of_failures_has_no_second_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For example one that was killed."""
    (tmp_path / "list.json").touch()
    assert not try_again(tmp_path / "list.json", [])
    assert capsys.readouterr().out == "no second try: the run left no list of its failures\n"
