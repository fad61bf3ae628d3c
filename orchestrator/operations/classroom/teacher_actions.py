"""What a teacher does in the lesson of a seat: give a hint, and take a task as done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.events import LessonEvent
from orchestrator.lessons.messages import Note, TaskDone

if TYPE_CHECKING:
    from orchestrator.operations.lessons.run import LessonRun


def mark_done(run: LessonRun, task_name: str) -> None:
    """Take a task as done, whatever crossed the wire; where it is the present one, the next one begins."""
    is_current = task_name == run.task_name
    marked = replace(run.progress.task(task_name), done=True, marked=True, skipped=False)
    run.state.keep(run.progress.with_task(task_name, marked))
    run.state.tell(TaskDone(task_name, f"Your teacher has marked the task {task_name!r} as done."))
    if is_current:
        run.end_fault()
        run.begin_task()


def show_hint(run: LessonRun, text: str) -> None:
    """Tell a hint of the teacher, which does not count as one that the learner took."""
    run.state.tell(Note(f"A hint of your teacher: {text}"))
    event = LessonEvent("hint", run.progress.lesson, run.task_name or "", text)
    run.lab.made.settings.publish(event)


def begin_if_open(run: LessonRun) -> None:
    """Begin the task that waits for the teacher, if it is open now."""
    if run.state.waits:
        run.begin_task()
