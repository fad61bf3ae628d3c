"""Every wrong attempt of every lesson has the whole sentence that it is told in a file; engine tests compare it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.lessons.lesson import DoneTask
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.lessons.proof import with_placeholders
from orchestrator.operations.scenario_library import load_scenario

ROOT = Path(__file__).parents[3]
LESSONS = sorted(path.parent.name for path in (ROOT / "scenarios").glob("*/lesson.md"))
SENTENCES = ROOT / "tests" / "engine" / "lesson_sentences"


def test_each_file_belongs_to_a_lesson() -> None:
    assert sorted(path.stem for path in SENTENCES.glob("*.txt")) == LESSONS


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_each_wrong_attempt_has_its_sentence(name: str) -> None:
    """In the order of the lesson, and each holds the text that the lesson demands."""
    tasks = load_lesson(load_scenario(str(ROOT / "scenarios" / name))).lesson.tasks
    wanted = [
        (task_name, attempt)
        for task_name, task in tasks.items()
        if isinstance(task, DoneTask)
        for attempt in task.wrong
    ]
    entries = (SENTENCES / f"{name}.txt").read_text("utf-8").removesuffix("\n\n").split("\n\n")
    assert len(entries) == len(wanted) > 0
    for entry, (task_name, attempt) in zip(entries, wanted, strict=True):
        told_task, command, *sentences = entry.split("\n  ")
        assert told_task == task_name
        assert command.startswith(f"{attempt.node}$ {attempt.run[0]}")
        assert sentences
        assert all(attempt.told.partition("${")[0] in sentence for sentence in sentences)


def test_what_differs_from_lab_to_lab_has_a_placeholder() -> None:
    values = {"192.168.7.1": "${dns}", "192.168.7.12": "${app}", "fd00::12": "${app.2}", "lamp": "${item}"}
    texts = {
        "http://192.168.7.12:80/, 192.168.7.1.": "http://${app}:80/, ${dns}.",
        "192.168.7.121 and 192.168.7.12": "192.168.7.121 and ${app}",
        "[fd00::12]:80": "[${app.2}]:80",
        "a lamp, two lamps": "a ${item}, two lamps",
        "wb97ff68b0b.page.shop.lab": "${random}.page.shop.lab",
    }
    assert {text: with_placeholders(text, values) for text in texts} == texts
