"""The board of a class, from the progress and the journals of its seats: also while nobody serves the class."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.lab.journal import journal_file
from orchestrator.lab.journal_reader import lesson_events
from orchestrator.lessons.board import Board, SeatRow, SeatState, seat_row
from orchestrator.operations.lessons.files import ProgressStore

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lessons.lesson import Lesson
    from orchestrator.operations.classroom.folder import Classroom, ClassSeat

States = Callable[[str], tuple[SeatState, str]]


def away(_seat_name: str) -> tuple[SeatState, str]:
    """The state of each seat while nobody serves the class."""
    return "away", ""


class BoardReader:
    """Reads the board of a class again and again; a seat whose files have not changed is not read again.

    `states` gives the state of a seat's lab, and why it could not be started.
    """

    def __init__(self, state: StateFolder, classroom: Classroom, lesson: Lesson, states: States = away) -> None:
        self._state = state
        self._classroom = classroom
        self._lesson = lesson
        self._states = states
        self._store = ProgressStore(state)
        self._known: dict[str, tuple[object, SeatRow]] = {}
        self._lock = threading.Lock()

    def read(self, held_from: str = "", *, is_served: bool = False) -> Board:
        """The board as it is now. `held_from` is the first task that is held. May be called from any thread."""
        with self._lock:
            rows = tuple(self._row(seat) for seat in self._classroom.seats)
        lesson, tasks = self._lesson, tuple(self._lesson.tasks)
        return Board(
            self._classroom.name, self._classroom.scenario_name, lesson.title, tasks, rows, is_served, held_from
        )

    def _row(self, seat: ClassSeat) -> SeatRow:
        state, why = self._states(seat.name)
        journal = journal_file(self._state, seat.lab)
        stamp = (state, why, _stamp(self._store.file(seat.lab, seat.name)), _stamp(journal))
        known = self._known.get(seat.name)
        if known and known[0] == stamp:
            return known[1]
        progress = self._store.load(seat.lab, seat.name)
        if progress and progress.seed != seat.seed:
            progress = None  # of an earlier class of this name
        events = lesson_events(self._state, seat.lab, self._classroom.created)
        row = seat_row(seat.name, state, tuple(self._lesson.tasks), progress, events, why)
        self._known[seat.name] = (stamp, row)
        return row


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes whenever the file does; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
