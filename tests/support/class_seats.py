"""Seats of a class without an engine: a lab that a test can break, and a lesson that notes what it is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from orchestrator.errors import UsageInvalid
from orchestrator.operations.classroom.folder import ClassSeat
from orchestrator.operations.classroom.seats import RunningSeat
from orchestrator.operations.live.node_terminals import ShownTerminal

SECONDS = 30.0


@dataclass
class FakeLesson:
    """Keeps what a teacher does."""

    hints: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    looks_at_hold: int = 0

    def show_teachers_hint(self, text: str) -> None:
        self.hints.append(text)

    def look_at_hold(self) -> None:
        self.looks_at_hold += 1

    def mark_done(self, task: str) -> None:
        if task != "look":
            raise UsageInvalid(f"the lesson has no task {task!r}")
        self.marked.append(task)


@dataclass
class FakeSeats:
    """Makes seats, and remembers of each how often its lab was brought up and removed."""

    failures: dict[str, Exception] = field(default_factory=dict)
    lessons: dict[str, FakeLesson] = field(default_factory=dict)
    ups: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    fail_once: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)
    slow_lessons: set[str] = field(default_factory=set)
    lesson_may_begin: threading.Event = field(default_factory=threading.Event)
    starting: int = 0
    most_starting: int = 0
    terminals: list[ShownTerminal] = field(default_factory=list)  # of each seat
    changed: threading.Condition = field(default_factory=threading.Condition)

    def make(self, seat: ClassSeat, places: threading.Semaphore) -> RunningSeat:
        running = RunningSeat(
            seat.name,
            lambda on_up: self._watch(seat.name, on_up),
            lambda: self._remove(seat.name),
            places,
            0.01,
            reset_command=f"wirelab class reset monday {seat.name}",
        )
        running.on_change.append(self._notify)
        return running

    def _notify(self, _seat: RunningSeat) -> None:
        with self.changed:
            self.changed.notify_all()

    def _remove(self, name: str) -> None:
        self.removed.append(name)

    @contextmanager
    def _watch(self, name: str, on_up: Callable[[], None]) -> Iterator[Any]:
        with self.changed:
            self.starting += 1
            self.most_starting = max(self.most_starting, self.starting)
        try:
            self.tries[name] += 1
            failure = self.failures.get(name)
            if name in self.fail_once:
                self.failures.pop(name, None)
            if failure:
                raise failure
            lesson = self.lessons.setdefault(name, FakeLesson())
            self.ups.append(name)
        finally:
            self.starting -= 1
        on_up()
        if name in self.slow_lessons:
            assert self.lesson_may_begin.wait(SECONDS)
        self.lost.discard(name)
        yield FakeLab(name, lesson, self.lost, self.terminals)
        self.closed.append(name)

    def wait(self, seat: RunningSeat, state: str, ups: int = 0) -> None:
        """Wait until a seat is in this state, and its lab was brought up so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: seat.state == state and self.ups.count(seat.name) >= ups, SECONDS), (
                seat.state,
                seat.why,
            )


class FakeLab:
    """What a seat and its view need of a live lab."""

    def __init__(self, name: str, lesson: FakeLesson, lost: set[str], shown: list[ShownTerminal]) -> None:
        self.name = name
        self.lesson = lesson
        self.terminals = SimpleNamespace(allowed=(), has_open=False, shown=lambda: tuple(shown))
        self.state = SimpleNamespace(states={})
        self._lost = lost

    @property
    def is_lost(self) -> bool:
        return self.name in self._lost

    def fault_nodes(self) -> dict[str, list[str]]:
        return {}

    def subscribe(self, _tell: Any) -> Any:
        return lambda: None
