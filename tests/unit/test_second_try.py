"""A test that failed beside others is run once more, alone; nobody overlooks it, and nothing else is forgiven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT

from tests.second_try import try_again

ONCE = """
import pathlib

def test_by_chance():
    first = pathlib.Path("first")
    failed, _ = first.exists(), first.touch()
    assert failed, "the words of the first failure"
"""
ALWAYS = "def test_always():\n    raise AssertionError\n"
PASSING = "def test_passing():\n    pass\n"
SIX = "import pytest\n\n@pytest.mark.parametrize('number', range(6))\ndef test_many(number):\n    assert number < 0\n"
HANGING = "import threading\n\ndef test_hanging():\n    threading.Event().wait()\n"
SKIPPED = "import pytest\n\ndef test_skipped():\n    pytest.skip('no reason that is excused')\n"
SKIPPED_AGAIN = """
import pathlib, pytest

def test_that_is_skipped_alone():
    first = pathlib.Path("first")
    if first.exists():
        pytest.skip("no reason that is excused")
    first.touch()
    raise AssertionError
"""
NO_SECOND_TRY = "no second try: "


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def first_run(folder: Path, *options: str) -> int:
    """Run the suite of the folder as `setup/test` does."""
    done = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.counts", "--no-skips"),
            *("-p", "tests.second_try", "--failed-list", "list.json", *options, "."),
        ),
        env=environ(), cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2, 3), done.stdout + done.stderr
    return done.returncode


def second_try(folder: Path) -> tuple[int, str]:
    """Exit code and output of the second try."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.second_try", "list.json", "--no-skips", "-p", "no:cacheprovider"),
        env=environ(), cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def folder(tmp_path: Path, texts: tuple[str, ...]) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate((PASSING, *texts)):
        (tmp_path / f"test_{number}.py").write_text(text)
    return tmp_path


@pytest.mark.parametrize("texts", [(ONCE,)])
def test_a_test_that_fails_once_passes_and_is_named(folder: Path) -> None:
    first_run(folder)
    code, output = second_try(folder)
    assert (code, output.splitlines()[-1]) == (0, "second try: test_1.py::test_by_chance passed"), output
    assert "test_passing" not in output


@pytest.mark.parametrize("texts", [(ONCE, ALWAYS)])
def test_a_test_that_always_fails_is_red_and_each_is_named(folder: Path) -> None:
    """One that passes now does not help the other."""
    first_run(folder)
    code, output = second_try(folder)
    assert code == 1
    assert output.splitlines()[-2:] == [
        "second try: test_1.py::test_by_chance passed",
        "second try: test_2.py::test_always FAILED AGAIN",
    ]


@pytest.mark.parametrize(
    ("texts", "options", "why"),
    [
        ((SIX,), (), "6 tests failed, and chance explains 5 at most"),
        ((SKIPPED, ONCE), (), "a test was skipped that must run"),
        (("import nothing_of_that_name",), (), "test_1.py could not be collected"),
        (
            (HANGING,),
            ("-p", "xdist", "-n", "1", "-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true"),
            "test_1.py::test_hanging crashed, or took longer than a test may",
        ),
    ],
    ids=["more than five", "a skip beside", "an import", "a crash at the time limit"],
)
def test_what_is_no_chance_has_no_second_try(
    folder: Path, options: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first_run(folder, *options)
    assert not try_again(folder / "list.json", [])
    assert capsys.readouterr().out.startswith(NO_SECOND_TRY + why)


@pytest.mark.parametrize("texts", [(SIX.replace("6", "5"),)])
def test_five_failures_have_a_second_try(folder: Path) -> None:
    first_run(folder)
    failed_list = json.loads((folder / "list.json").read_text("utf-8"))
    assert (failed_list["refused"], len(failed_list["failed"])) == ("", 5)


@pytest.mark.parametrize("texts", [(SKIPPED_AGAIN,)])
def test_a_test_that_is_skipped_in_its_second_try_is_red(folder: Path) -> None:
    first_run(folder)
    code, output = second_try(folder)
    assert (code, output.splitlines()[-1]) == (1, "second try: test_1.py::test_that_is_skipped_alone FAILED AGAIN")


def test_a_run_without_a_list_of_failures_has_no_second_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For example one that was killed."""
    (tmp_path / "list.json").touch()
    assert not try_again(tmp_path / "list.json", [])
    assert capsys.readouterr().out == f"{NO_SECOND_TRY}the run left no list of its failures\n"
