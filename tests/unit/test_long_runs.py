"""A long run goes on where it stopped: after the end of a part, and after a kill in the middle of a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT

PAGE = "# Page\n\n## make other\n\n| a |\n|---|\n\n## make endurance\n\n| a |\n|---|\n| old |\n"
SUITE = """
import os, pathlib, pytest, signal

@pytest.mark.parametrize("number", range(4))
def test_round(number, record_property):
    '''Every round | holds.

    More about it.
    '''
    with open("log", "a") as log:
        log.write(f"{number} ")
    if os.environ.get("KILLED_AT") == str(number):
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.environ.get("FAILS_AT") != str(number)
    record_property("seconds", 7.5 if number == 3 else 1.5)
    record_property("limit", 2.0)

def test_of_another_run():
    raise AssertionError

def test_that_is_skipped():
    pytest.skip("it cannot be done here")

@pytest.mark.parametrize("command", ["up", "down"])
def test_each_in_another_row(command, record_property):
    '''`{command}` ends.'''
    record_property("seconds", 0.5)
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path


def part(
    suite: Path, seconds: float = 60, chosen: str = "not another", file: str = "test_suite.py", **environ: str
) -> tuple[int, str]:
    """Run one part of the chosen tests of a file; exit code and output."""
    without_engine = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    done = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.long_runs"),
            *("--rootdir", str(suite), "--long", "endurance", "--part-seconds", str(seconds)),
            *("--record-folder", str(suite / "record"), "--page", str(suite / "page.md")),
            *("-k", chosen, str(suite / file)),
        ),
        env={**without_engine, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ},
        cwd=suite,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def ran(suite: Path) -> list[str]:
    return (suite / "log").read_text().split()


def rows(suite: Path) -> list[str]:
    """The cells after the date and the commit of each row below the heading."""
    lines = (suite / "page.md").read_text().split("## make endurance")[1].splitlines()
    return [line.split(" | ", 2)[-1] for line in lines if line.startswith("| 2")]


@pytest.mark.slow
def test_each_part_goes_on_until_all_is_done_and_the_page_has_rows(suite: Path) -> None:
    """With no time at all a part is one test; the sixth call would begin anew."""
    for number in range(1, 5):
        code, output = part(suite, seconds=0)
        assert code == 0, output
        assert f"{number} of 5 tests are done; go on with: make endurance" in output
        timed = "3 of 4 | 7.5 s" if number == 4 else f"{number} of {number} | 1.5 s"
        assert rows(suite) == [f"none | Every round / holds | {number} of 4 | {number} | 0 | 0 | {timed} |"]
    code, output = part(suite, seconds=0)
    assert code == 0, output
    assert ran(suite) == ["0", "1", "2", "3"]
    assert rows(suite) == [
        "none | Every round / holds | 4 of 4 | 4 | 0 | 0 | 3 of 4 | 7.5 s |",
        "none | that is skipped | 1 of 1 | 0 | 0 | 1 |  |  |",
    ]
    assert (suite / "page.md").read_text().startswith(PAGE.split("| old |")[0])
    assert list((suite / "record").iterdir()) == []


@pytest.mark.slow
def test_a_killed_part_loses_the_test_that_was_running_and_no_other(suite: Path) -> None:
    code, _ = part(suite, KILLED_AT="2")
    assert code == -signal.SIGKILL
    assert ran(suite) == ["0", "1", "2"]
    code, output = part(suite)
    assert code == 0, output
    assert ran(suite) == ["0", "1", "2", "2", "3"]
    assert rows(suite)[0].endswith("| 4 of 4 | 4 | 0 | 0 | 3 of 4 | 7.5 s |")


@pytest.mark.slow
def test_a_failure_is_counted_and_fails_every_later_part(suite: Path) -> None:
    """It is not run again, so that a second try does not hide it."""
    code, _ = part(suite, seconds=0, FAILS_AT="0")
    assert code == 1
    code, output = part(suite)
    assert code == 1, output
    assert ran(suite) == ["0", "1", "2", "3"]
    assert rows(suite)[0].endswith("| 4 of 4 | 3 | 1 | 0 | 2 of 3 | 7.5 s |")


@pytest.mark.slow
@pytest.mark.parametrize("torn", ["", '{"test": "tes'])
def test_a_record_of_another_commit_is_no_part_of_this_one(suite: Path, torn: str) -> None:
    part(suite, seconds=0)
    (record,) = (suite / "record").iterdir()
    first, *others = record.read_text().splitlines()
    record.write_text("\n".join([json.dumps({**json.loads(first), "commit": "another"}), *others]) + "\n" + torn)
    code, _ = part(suite)
    assert code == 0
    assert ran(suite) == ["0", "0", "1", "2", "3"]


@pytest.mark.slow
def test_a_row_is_replaced_by_a_run_of_that_row_alone(suite: Path) -> None:
    """With `-k`, rows of what was not chosen stay, and a row counts all rounds that there are. An older row goes."""
    code, output = part(suite, chosen="skipped")
    assert code == 0, output
    skipped = "none | that is skipped | 1 of 1 | 0 | 0 | 1 |  |  |"
    code, output = part(suite, chosen="round and (0 or 1)")
    assert code == 0, output
    assert rows(suite) == ["none | Every round / holds | 2 of 4 | 2 | 0 | 0 | 2 of 2 | 1.5 s |", skipped]
    page = suite / "page.md"
    commit = page.read_text().split("Every round")[0].split(" | ")[-3]
    page.write_text(page.read_text().replace(f" {commit} ", " older "))
    code, output = part(suite, chosen="round", FAILS_AT="2")
    assert code == 1, output
    assert rows(suite) == ["none | Every round / holds | 4 of 4 | 3 | 1 | 0 | 2 of 3 | 7.5 s |", skipped]


@pytest.mark.slow
def test_each_value_of_a_parameter_that_the_docstring_names_has_a_row(suite: Path) -> None:
    """A time without a limit is no time that is late."""
    code, output = part(suite, chosen="each_in")
    assert code == 0, output
    assert rows(suite) == [f"none | `{command}` ends | 1 of 1 | 1 | 0 | 0 |  | 0.5 s |" for command in ("up", "down")]


@pytest.mark.slow
def test_a_row_of_a_file_that_is_not_named_stays(suite: Path) -> None:
    """Also while the record of its tests is not complete."""
    part(suite, seconds=0)
    (suite / "test_more.py").write_text("def test_more_holds(): pass\n")
    code, output = part(suite, file="test_more.py")
    assert code == 0, output
    more = "none | more holds | 1 of 1 | 1 | 0 | 0 |  |  |"
    assert rows(suite) == [more, "none | Every round / holds | 1 of 4 | 1 | 0 | 0 | 1 of 1 | 1.5 s |"]
