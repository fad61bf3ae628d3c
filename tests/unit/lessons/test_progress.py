"""Progress is kept as a document and read again; attempts, hints and shown solutions are counted."""

from __future__ import annotations

import json

import pytest

from orchestrator.lessons.lesson import ObserveTask
from orchestrator.lessons.messages import HintShown, NotDone, Note, SolutionShown, TaskDone
from orchestrator.lessons.progress import Progress, TaskProgress, progress_of
from orchestrator.lessons.reactions import attempted, completed, show_hint, show_solution
from orchestrator.planning.lab_ref import LabRef

TASK = ObserveTask.model_validate(
    {
        "title": "Ask",
        "observe": {"from": "client", "resolves": "app.shop.lab"},
        "solve": {"from": "client", "run": ("dig", "app.shop.lab")},
        "hints": ("first", "second"),
    }
)
NAMES = ("one", "two")


def test_attempts_hints_and_solutions_are_counted_and_kept() -> None:
    progress = Progress("basic", 7, "seat-3")
    progress, not_done = attempted(progress, "one", "Not so.")
    progress, first = show_hint(progress, "one", TASK)
    progress, second = show_hint(progress, "one", TASK)
    progress, last_again = show_hint(progress, "one", TASK)
    progress, solution = show_solution(progress, "one", TASK, LabRef("basic"))
    assert progress.current(NAMES) == "one"  # a shown solution does not complete the task
    progress, done = completed(progress, "one", "It was seen.")
    assert not_done == NotDone("Not so.")
    assert (first, second, last_again) == (HintShown(1, 2, "first"), HintShown(2, 2, "second"), second)
    assert (solution, done) == (SolutionShown("client$ dig app.shop.lab"), TaskDone("one", "It was seen."))
    assert progress.task("one") == TaskProgress(done=True, attempts=2, hints=2, solution_shown=True)
    assert progress.current(NAMES) == "two"
    assert progress_of(json.loads(json.dumps(progress.document()))) == progress


def test_a_task_without_a_hint_says_so() -> None:
    task = TASK.model_copy(update={"hints": ()})
    assert show_hint(Progress("basic", 7), "one", task)[1] == Note("This task has no hint.")


@pytest.mark.parametrize("document", [None, [], {}, {"schema": 2}, {"schema": 1, "tasks": {"one": {"more": 1}}}])
def test_what_is_no_progress_is_none(document: object) -> None:
    assert progress_of(document) is None
