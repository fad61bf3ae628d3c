"""A class that is served: its seats, its board, and what a teacher does to seats."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid, WirelabError, WorldError
from orchestrator.events import Actor
from orchestrator.lab.journal import journal_file, older_file
from orchestrator.lessons.board import Board, SeatState
from orchestrator.operations.classroom.board import BoardReader
from orchestrator.operations.classroom.folder import ClassStore
from orchestrator.operations.classroom.memory import room_for
from orchestrator.operations.classroom.replay import NOT_AGREED
from orchestrator.operations.classroom.resources import ResourceWatch, stopped_nodes, used_up
from orchestrator.operations.classroom.seat_engines import SeatDesk, SeatEngines, removal_workspace
from orchestrator.operations.classroom.seats import RunningSeat
from orchestrator.operations.lessons.common_truths import CommonTruths
from orchestrator.operations.lessons.files import ProgressStore
from orchestrator.operations.lessons.learn import InClass
from orchestrator.operations.lifecycle import bring_down, remove_lab
from orchestrator.operations.live.lab import watch_lesson
from orchestrator.operations.workspace import new_run_id
from orchestrator.reading.message_parts import listed

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lessons.lesson import Lesson
    from orchestrator.operations.classroom.folder import Classroom, ClassSeat
    from orchestrator.operations.live.lab import LiveLab
    from orchestrator.operations.live.lesson import LiveLesson
    from orchestrator.operations.live.node_terminals import ShownTerminal
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

AT_ONCE = 2  # labs that are brought up at the same time: each of them keeps a core busy
LONGEST_HINT = 500  # characters
BOARD_SECONDS = 1.0  # between two readings of the board

SeatMaker = Callable[["ClassSeat", threading.Semaphore], RunningSeat]


class ServedClass:
    """The seats of a class with their threads; a context, at whose end the labs stay."""

    def __init__(self, state: StateFolder, classroom: Classroom, lesson: Lesson, make_seat: SeatMaker) -> None:
        places = threading.Semaphore(AT_ONCE)
        self.classroom = classroom
        self.lesson = lesson
        self.seats: Mapping[str, RunningSeat] = {seat.name: make_seat(seat, places) for seat in classroom.seats}
        self.end_asked = threading.Event()
        self._store = ClassStore(state)
        self._reader = BoardReader(state, classroom, lesson, self._state_of)
        self._subscribers: list[Callable[[Board], None]] = []
        self._board: Board | None = None
        self._ending = threading.Event()
        self._resources = ResourceWatch(state, tuple(self.seats.values()))
        self._watcher = threading.Thread(target=self._watch_board, daemon=True, name="board")

    def __enter__(self) -> ServedClass:
        for seat in self.seats.values():
            seat.start()
        self._watcher.start()
        self._resources.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        self._resources.end()
        for seat in self.seats.values():
            seat.end()
        for seat in self.seats.values():
            seat.join()

    def _state_of(self, seat_name: str) -> tuple[SeatState, str]:
        seat = self.seats[seat_name]
        return seat.state, seat.why or seat.used_up or self._stopped(seat)

    def _stopped(self, seat: RunningSeat) -> str:
        live = seat.live
        return stopped_nodes(live.name, live.state.states, live.fault_nodes()) if live else ""

    def board(self) -> Board:
        """The board as it is now."""
        return self._reader.read(self.classroom.held_from, is_served=True)

    def subscribe(self, tell: Callable[[Board], None]) -> Callable[[], None]:
        """Call `tell` with each board that differs from the one before; returns what ends that."""
        self._subscribers = [*self._subscribers, tell]

        def unsubscribe() -> None:
            self._subscribers = [subscriber for subscriber in self._subscribers if subscriber is not tell]

        return unsubscribe

    def _watch_board(self) -> None:
        while not self._ending.wait(BOARD_SECONDS):
            board = self.board()
            if board != self._board:
                self._board = board
                for tell in self._subscribers:
                    tell(board)

    # what a teacher does

    def hint(self, text: str, seats: Collection[str] = (), layer: str = "") -> tuple[str, ...]:
        """Tell a hint to these seats, or to all that are stuck on a layer; without both, to all.

        Returns the seats that were told. Raises UsageInvalid where there is none.
        """
        words = " ".join(text.split())
        if not words or len(words) > LONGEST_HINT:
            raise UsageInvalid(f"a hint has 1 to {LONGEST_HINT} characters", why=f"this one has {len(words)}")
        if seats and layer:
            raise UsageInvalid("a hint goes to seats or to a layer", why="it names both")
        for name in seats:
            self.classroom.seat(name)
        wanted = tuple(seats) or (self.board().seats_at(layer) if layer else tuple(self.seats))
        lessons = {name: lesson for name in wanted if (lesson := self._lesson_of(name))}
        if not lessons:
            why = self._nobody_on(layer) if layer and not wanted else "no such seat is ready"
            raise UsageInvalid("nobody was told the hint", why=why, hint=f"wirelab class status {self.classroom.name}")
        for lesson in lessons.values():
            lesson.show_teachers_hint(words)
        return tuple(lessons)

    def _nobody_on(self, layer: str) -> str:
        """Why a hint reaches nobody on a layer: which layers seats are stuck on instead."""
        stuck = [f"{group.layer} ({', '.join(group.seats)})" for group in self.board().groups if group.layer]
        return (
            f"no seat is stuck on the layer {layer!r}; {f'they are on {listed(stuck)}' if stuck else 'none is on any'}"
        )

    def mark_done(self, seat_name: str, task_name: str) -> None:
        """Take a task of a seat as done. Raises UsageInvalid, also where it is done already."""
        self.classroom.seat(seat_name)
        lesson = self._lesson_of(seat_name)
        if lesson is None:
            raise UsageInvalid(f"{seat_name} is not ready", hint=f"wirelab class status {self.classroom.name}")
        lesson.mark_done(task_name)

    def hold(self, task: str) -> None:
        """Let no seat begin a task, or a later one. Raises UsageInvalid."""
        self._change_hold(self.classroom.holding(task, tuple(self.lesson.tasks)))

    def open(self, task: str) -> None:
        """Open a task and all before it, or all tasks; seats that wait for it begin it. Raises UsageInvalid."""
        self._change_hold(self.classroom.opening(task, tuple(self.lesson.tasks)))

    def _change_hold(self, classroom: Classroom) -> None:
        kept = self._store.require(classroom.name)
        self._store.save(replace(kept, held_from=classroom.held_from))
        self.classroom = classroom
        for seat in self.seats:
            if lesson := self._lesson_of(seat):
                lesson.look_at_hold()

    def reset(self, seat_name: str) -> None:
        """Make the lab of a seat anew; the learner's progress stays. Raises UsageInvalid."""
        self.classroom.seat(seat_name)
        self.seats[seat_name].reset()

    def look(self, seat_name: str) -> tuple[ShownTerminal, ...]:
        """What the terminals of a seat show. Raises UsageInvalid where its learner has not agreed, or none is there."""
        self.classroom.seat(seat_name)
        seat = self.seats[seat_name]
        if not seat.lets_look:
            raise UsageInvalid(f"the terminals of {seat_name} are not shown", why=NOT_AGREED)
        shown = seat.live.terminals.shown() if seat.live else ()
        if not shown:
            raise UsageInvalid(f"{seat_name} has no terminal open")
        return shown

    def _lesson_of(self, seat_name: str) -> LiveLesson | None:
        live = self.seats[seat_name].live
        return live.lesson if live else None


def lab_seats(engines: SeatEngines, scenario: LoadedScenario, classroom: Classroom, state: StateFolder) -> SeatMaker:
    """What makes the seats of a class, each on its engine."""
    store = ClassStore(state)
    in_class = InClass(
        lambda: store.require(classroom.name).held_from, close_host=True, truths=CommonTruths(), reads_later=True
    )

    def make(seat: ClassSeat, places: threading.Semaphore) -> RunningSeat:
        command = ("wirelab", "class", "start", classroom.name)
        desk = SeatDesk(engines, seat.lab, Actor(new_run_id(), "web", command, seat.name))

        @contextmanager
        def watch(on_up: Callable[[], None]) -> Iterator[LiveLab]:
            lesson = partial(watch_lesson, seed=seat.seed, seat=seat.name, in_class=in_class)
            with ExitStack() as stack:
                own = desk.open()
                measure_memory = stack.enter_context(room_for(own.budget, own.workspace, seat))
                try:
                    live = stack.enter_context(lesson(own.workspace, scenario, seat.lab, own.changes, on_up=on_up))
                except WirelabError as error:
                    if why := used_up(own.workspace, scenario, seat.lab):
                        raise WorldError(f"the lesson cannot begin in {seat.lab}", why=why) from error
                    raise
                threading.Thread(target=measure_memory, daemon=True, name=f"memory of {seat.name}").start()
                yield live

        def read_used_up(live: LiveLab) -> str:
            lacking = ""
            with suppress(WirelabError):  # of an engine that is away nobody can tell
                workspace = desk.open().workspace.without_watcher()
                lacking = used_up(workspace, scenario, seat.lab, live.terminals.allowed)
            return "; ".join(filter(None, (lacking, *live.terminals.floods())))

        def renew() -> None:
            remove_lab(desk.open().workspace, seat.lab)

        reset = f"wirelab class reset {classroom.name} {seat.name}"
        return RunningSeat(seat.name, watch, renew, places, read_used_up=read_used_up, reset_command=reset)

    return make


@dataclass(frozen=True)
class Removal:
    """What came of the removal of one seat's lab: whether there was one, and the error that kept it."""

    seat: str
    was_there: bool
    error: WirelabError | None = None


def remove_class_labs(workspace: Workspace, classroom: Classroom) -> Iterator[Removal]:
    """Remove the labs of a class, one by one; one that cannot be removed keeps none of the others."""
    for seat in classroom.seats:
        try:
            yield Removal(seat.name, bool(bring_down(removal_workspace(workspace, seat.lab), seat.lab)))
        except WirelabError as error:
            yield Removal(seat.name, True, error)


def forget_class(store: ClassStore, classroom: Classroom) -> None:
    """Delete what is kept of a class whose labs are removed: its seats and links, its learners' progress and steps."""
    progress = ProgressStore(store.state)
    for seat in classroom.seats:
        progress.file(seat.lab, seat.name).unlink(missing_ok=True)
        journal = journal_file(store.state, seat.lab)
        for file in (journal, older_file(journal)):
            file.unlink(missing_ok=True)
    store.forget(classroom.name)
