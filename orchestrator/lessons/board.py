"""The board of a class: how far each seat is, who is stuck, since when, and on which layer.

It follows from the progress that each seat keeps and from the events of its lesson, so that whoever reads those has the
same board, whether or not anybody serves the class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.events import LessonEvent
from orchestrator.lessons.progress import Progress, TaskProgress

SCHEMA = 1
SeatState = Literal["waiting", "starting", "ready", "failed", "away"]
TaskState = Literal["done", "marked", "skipped", "now", "later"]


@dataclass(frozen=True)
class Cause:
    """Why attempts at a task failed, since when (in seconds since 1970), and the broken layer where one is known."""

    task: str
    sentence: str
    since: float
    layer: str = ""


@dataclass(frozen=True)
class TaskCell:
    """One task of one seat."""

    name: str
    state: TaskState
    progress: TaskProgress


@dataclass(frozen=True)
class SeatRow:
    """One seat: its lab's state, its tasks, and why it is stuck if it is.

    `why` says why a lab could not be started. `since` is when the seat's present task began.
    """

    seat: str
    state: SeatState
    tasks: tuple[TaskCell, ...]
    why: str = ""
    since: float | None = None
    cause: Cause | None = None

    @property
    def current(self) -> str | None:
        return next((task.name for task in self.tasks if task.state == "now"), None)


@dataclass(frozen=True)
class Group:
    """Seats that are stuck on the same layer, or on the same task where no layer is broken; one hint goes to all."""

    layer: str
    task: str
    seats: tuple[str, ...]
    sentence: str
    since: float


@dataclass(frozen=True)
class Board:
    """All seats of a class, in their order. No seat begins the task `held_from`, or a later one; "" holds none."""

    name: str
    lesson: str
    title: str
    tasks: tuple[str, ...]
    rows: tuple[SeatRow, ...]
    is_served: bool = False
    held_from: str = ""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those that are stuck, the largest group first."""
        groups: dict[tuple[str, str], list[tuple[str, Cause]]] = {}
        for row in self.rows:
            if row.cause:
                key = (row.cause.layer, "" if row.cause.layer else row.cause.task)
                groups.setdefault(key, []).append((row.seat, row.cause))
        return tuple(sorted(map(_group, groups.values()), key=lambda group: (-len(group.seats), group.since)))

    def seats_at(self, layer: str) -> tuple[str, ...]:
        """The seats that are stuck on a layer, written in any case."""
        return tuple(row.seat for row in self.rows if row.cause and row.cause.layer.lower() == layer.lower())


def _group(members: Sequence[tuple[str, Cause]]) -> Group:
    seats = tuple(seat for seat, _ in members)
    first = min((cause for _, cause in members), key=lambda cause: cause.since)
    return Group(first.layer, first.task, seats, first.sentence, first.since)


def seat_row(
    seat: str,
    state: SeatState,
    tasks: Sequence[str],
    progress: Progress | None,
    events: Iterable[tuple[float, LessonEvent]],
    why: str = "",
) -> SeatRow:
    """The row of a seat, from its progress and the events of its lesson with their times, the oldest first."""
    if progress is None:
        return SeatRow(seat, state, tuple(TaskCell(task, "later", TaskProgress()) for task in tasks), why)
    current = progress.current(tasks)
    cells = tuple(
        TaskCell(task, task_state(progress.task(task), task == current), progress.task(task)) for task in tasks
    )
    since, cause = _present(current, events)
    return SeatRow(seat, state, cells, why, since, cause)


def task_state(task: TaskProgress, is_current: bool) -> TaskState:
    """What a board shows of a task."""
    if task.done:
        return "marked" if task.marked else "done"
    return "skipped" if task.skipped else "now" if is_current else "later"


def _present(current: str | None, events: Iterable[tuple[float, LessonEvent]]) -> tuple[float | None, Cause | None]:
    """When the present task began, and why the attempts at it failed so far."""
    since: float | None = None
    cause: Cause | None = None
    begun = attempt = ""
    for time, event in events:
        if event.state == "begun" and event.task != begun:  # a lesson that goes on tells its task once more
            begun, since, cause = event.task, time, None
        elif event.state == "over" or (event.state == "done" and event.task == begun):
            begun, cause = "", None
        elif event.state in ("attempt", "cause") and event.task == begun:
            # The layer of the same attempt made again is told a moment later; until then the layer is that of before.
            if cause and cause.layer and event.state == "attempt" and event.sentence == attempt:
                continue
            attempt = event.sentence if event.state == "attempt" else attempt
            cause = Cause(event.task, event.sentence, cause.since if cause else time, event.layer)
    return (since, cause) if current is not None and begun == current else (None, None)


def board_document(board: Board) -> dict[str, Any]:
    """The board as JSON, without any token."""
    return {
        "schema": SCHEMA,
        "class": board.name,
        "lesson": board.lesson,
        "title": board.title,
        "served": board.is_served,
        "tasks": list(board.tasks),
        "held_from": board.held_from,
        "seats": [_row_document(row) for row in board.rows],
        "stuck": [
            {
                "layer": group.layer,
                "task": group.task,
                "seats": list(group.seats),
                "sentence": group.sentence,
                "since": group.since,
            }
            for group in board.groups
        ],
    }


def _row_document(row: SeatRow) -> dict[str, Any]:
    cause = row.cause
    return {
        "seat": row.seat,
        "state": row.state,
        "why": row.why,
        "task": row.current,
        "since": row.since,
        "stuck": {"layer": cause.layer, "sentence": cause.sentence, "since": cause.since} if cause else None,
        "tasks": [_cell_document(cell) for cell in row.tasks],
    }


def _cell_document(cell: TaskCell) -> dict[str, Any]:
    kept = cell.progress
    counts: Mapping[str, Any] = {"attempts": kept.attempts, "hints": kept.hints, "solution": kept.solution_shown}
    return {"name": cell.name, "state": cell.state, "begun": kept.begun, **counts}
