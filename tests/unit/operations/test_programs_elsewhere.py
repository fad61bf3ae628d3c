"""A program in another node is told of once, where nothing that it did was told in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.events import Entry, ProgramEvent
from orchestrator.lab import journal_reader
from orchestrator.lessons.repairs import ProgramRun
from orchestrator.operations.lessons.programs_elsewhere import SEEN_SECONDS, ProgramsElsewhere
from orchestrator.operations.lessons.shell_watch import ShellWatch

LAB: Any = SimpleNamespace(name="shop", workspace=SimpleNamespace(state=Path("/nowhere")))


@dataclass
class Clock:
    time: float = 100.0

    def __call__(self) -> float:
        return self.time


def entry(node: str, at: float) -> Entry:
    return Entry(at, "shop", ProgramEvent("started", node, ("nc", "-l", "80")), "r")


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    entries: list[Entry] = []
    monkeypatch.setattr(journal_reader, "program_entries", lambda _state, _lab: tuple(entries))
    return entries


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_is_told_once_and_not_before_its_packets_may_come(journal: list[Entry], clock: Clock) -> None:
    programs = ProgramsElsewhere(clock)
    journal += [entry("server", 99.0), entry("server", 101.0), entry("client", 101.0)]
    clock.time = 101.0 + SEEN_SECONDS / 2
    programs.look(LAB)
    assert programs.unseen(0.0) == []
    clock.time = 101.0 + SEEN_SECONDS
    assert [(run.node, run.began) for run in programs.unseen(0.0)] == [("server", 101.0), ("client", 101.0)]
    programs.look(LAB)
    assert programs.unseen(0.0) == []


def test_where_something_was_told_since_or_the_task_is_another_one_nothing_is_said(
    journal: list[Entry], clock: Clock
) -> None:
    programs = ProgramsElsewhere(clock)
    journal.append(entry("server", 101.0))
    clock.time = 110.0
    programs.look(LAB)
    assert programs.unseen(101.5) == []
    programs.begin()
    programs.look(LAB)
    assert programs.unseen(0.0) == []


class Shells(ShellWatch):
    """The shells of the lab, in which this was typed."""

    typed: tuple[ProgramRun, ...] = ()
    opened_in: tuple[str, ...] = ()

    def look(self, _lab: Any, runs: Iterable[ProgramRun]) -> None:
        self.opened_in = tuple(run.node for run in runs)

    def runs(self) -> list[ProgramRun]:
        return list(self.typed)


def test_what_is_typed_in_a_shell_counts_as_a_program_that_ran(journal: list[Entry], clock: Clock) -> None:
    shells = Shells()
    programs = ProgramsElsewhere(clock, shells)
    journal.append(Entry(90.0, "shop", ProgramEvent("started", "app", ("bash", "-il")), "r"))
    programs.look(LAB)
    assert shells.opened_in == ("app",)  # also one that was opened before the task
    shells.typed = tuple(ProgramRun("app", (line,), "shell 7", at) for line, at in (("dig a", 99.0), ("dig b", 101.0)))
    clock.time = 101.0 + SEEN_SECONDS
    assert [run.argv for run in programs.unseen(0.0)] == [("dig b",)]
    assert programs.unseen(0.0) == []
