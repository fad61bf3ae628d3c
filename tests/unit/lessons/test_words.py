"""Words that change the lab or the lesson are understood in any task; a task that is not there is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.words import WORDS, Command, command_of, help_text

NAMES = ("look-up", "fetch", "repair")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "lessons.md"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("reset", Command("reset")),
        ("Reset  Task ", Command("reset task")),
        ("reset lab", Command("reset lab")),
        ("restore", Command("restore")),
        ("restore 2", Command("restore", "fetch")),
        ("restore repair", Command("restore", "repair")),
        ("undo", Command("undo")),
        ("help", Command("help")),
        ("hint", None),
        ("192.168.1.7", None),
        ("restore the lab", None),
        ("", None),
    ],
)
def test_a_line_is_a_command_or_an_answer(line: str, command: Command | None) -> None:
    assert command_of(line, NAMES) == command


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("restore 4", "There is no task '4'; type a number from 1 to 3, or one of look-up, fetch, repair."),
        ("restore 0", "There is no task '0'; type a number from 1 to 3, or one of look-up, fetch, repair."),
        (
            "restore fech",
            "There is no task 'fech'; did you mean 'fetch'? type a number from 1 to 3, or one of look-up, fetch, "
            "repair.",
        ),
    ],
)
def test_a_task_that_is_not_there_is_told(line: str, sentence: str) -> None:
    assert command_of(line, NAMES) == sentence


def test_who_goes_to_a_later_task_skips_what_is_left_before_it() -> None:
    progress = Progress("basic", 7, tasks={"look-up": TaskProgress(done=True, attempts=2)}).at("repair", NAMES)
    assert progress.current(NAMES) == "repair"
    assert progress.task("look-up") == TaskProgress(done=True, attempts=2)
    assert progress.task("fetch") == TaskProgress(skipped=True)
    assert progress.done_count(NAMES) == 1


def test_what_a_later_task_needs_is_not_skipped() -> None:
    progress = Progress("basic", 7).at("repair", NAMES, ("fetch",))
    assert progress.current(NAMES) == "fetch"
    assert progress.with_task("fetch", TaskProgress(done=True)).current(NAMES) == "repair"
    done = Progress("basic", 7, tasks={"fetch": TaskProgress(done=True)})
    assert done.at("repair", NAMES, ("fetch",)).current(NAMES) == "repair"


def test_who_goes_back_does_the_task_and_what_follows_again() -> None:
    done = {name: TaskProgress(done=True, hints=1) for name in NAMES}
    progress = Progress("basic", 7, tasks=done).at("fetch", NAMES)
    assert progress.current(NAMES) == "fetch"
    assert dict(progress.tasks) == {"look-up": TaskProgress(done=True, hints=1)}


def test_the_help_and_the_page_name_the_same_words() -> None:
    assert help_text().splitlines()[0] == "- hint: show the next hint of the task"
    in_table = re.findall(r"^\| `([a-z]+(?: [a-zA-Z]+)?)` \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert set(WORDS) | {"help"} <= set(in_table)
