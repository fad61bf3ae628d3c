"""What a teacher does in the lesson of a seat, and what is refused."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.operations.live.lesson import LessonMessages, LiveLesson

TASKS = {"look": TaskProgress(done=True), "fetch": TaskProgress(done=True, marked=True), "post": TaskProgress()}


def lesson() -> LiveLesson:
    text = SimpleNamespace(lesson=SimpleNamespace(tasks=dict.fromkeys(TASKS)))
    run = SimpleNamespace(text=text, progress=Progress("basic", 7, tasks=TASKS))
    opened = SimpleNamespace(run=run, reader=SimpleNamespace(wake=lambda: None))
    return LiveLesson(opened, LessonMessages(), threading.Lock())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "what", "why"),
    [
        ("look", "the task 'look' is done already", "the learner has completed it"),
        ("fetch", "the task 'fetch' is done already", "a teacher has marked it"),
        ("nope", "the lesson has no task 'nope'", "its tasks are look, fetch, post"),
    ],
)
def test_a_task_that_is_done_or_not_there_is_not_marked(task: str, what: str, why: str) -> None:
    """A mark on what the learner has done would take the proof out of the results."""
    with pytest.raises(UsageInvalid) as refused:
        lesson().mark_done(task)
    assert (refused.value.what, refused.value.why) == (what, why)


def test_an_open_task_is_marked() -> None:
    lesson().mark_done("post")
