"""Which seats of a class are looked at for what they have used up, and what is kept of it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import journal_file
from orchestrator.operations.classroom.resources import ResourceWatch, stopped_nodes
from orchestrator.operations.classroom.seats import RunningSeat

FULL = "The node client has no process left"


class Seats:
    """Two seats whose labs stand; a test says what is used up in them, and sees which of them were looked at."""

    def __init__(self, folder: Path) -> None:
        self.used_up: dict[str, str] = {}
        self.looked_at: list[str] = []
        self.state = StateFolder(folder)
        self.labs: dict[str, Any] = {
            name: SimpleNamespace(name=name, terminals=SimpleNamespace(has_open=False)) for name in ("one", "two")
        }
        self.seats = [self._seat(name) for name in self.labs]
        self.watch = ResourceWatch(self.state, self.seats)
        self.works_in("one")
        self.works_in("two")
        self.watch.look()
        self.looked_at.clear()

    def _seat(self, name: str) -> RunningSeat:
        def read(live: Any) -> str:
            self.looked_at.append(live.name)
            return self.used_up.get(live.name, "")

        places = threading.Semaphore()
        seat = RunningSeat(name, lambda _on_up: self.labs[name], lambda: None, places, read_used_up=read)
        seat.live = self.labs[name]
        return seat

    def works_in(self, name: str) -> None:
        file = journal_file(self.state, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as journal:
            journal.write("{}")


def test_a_seat_in_which_nobody_works_is_not_looked_at(tmp_path: Path) -> None:
    seats = Seats(tmp_path)
    seats.used_up["two"] = FULL
    seats.works_in("one")
    seats.watch.look()
    assert (seats.looked_at, [seat.used_up for seat in seats.seats]) == (["one"], ["", ""])


def test_what_is_used_up_is_kept_until_it_is_not(tmp_path: Path) -> None:
    seats = Seats(tmp_path)
    seats.labs["two"].terminals.has_open = True
    seats.used_up["two"] = FULL
    seats.watch.look()
    assert (seats.looked_at, [seat.used_up for seat in seats.seats]) == (["two"], ["", FULL])
    seats.labs["two"].terminals.has_open = False
    seats.used_up.clear()
    seats.watch.look()
    assert (seats.looked_at, seats.seats[1].used_up) == (["two", "two"], "")
    seats.watch.look()
    assert seats.looked_at == ["two", "two"]


def test_while_seats_start_only_those_with_a_terminal_are_looked_at(tmp_path: Path) -> None:
    """Each start writes to the journal of its lab; the look at all of them comes when all seats are there."""
    seats = Seats(tmp_path)
    two, seats.seats[1].live = seats.seats[1].live, None
    seats.works_in("one")
    seats.watch.look()
    assert seats.looked_at == []
    seats.labs["one"].terminals.has_open = True
    seats.watch.look()
    assert seats.looked_at == ["one"]
    seats.seats[1].live, seats.labs["one"].terminals.has_open = two, False
    seats.works_in("two")
    seats.watch.look()
    assert seats.looked_at == ["one", "one", "two"]


def test_a_seat_without_a_lab_is_not_looked_at(tmp_path: Path) -> None:
    seats = Seats(tmp_path)
    seats.works_in("one")
    seats.seats[0].live = None
    seats.watch.look()
    assert seats.looked_at == []


RUNS = {"dns": "ready", "app": "ready", "client": "starting"}


@pytest.mark.parametrize(
    ("states", "faulty", "said"),
    [
        (RUNS, (), ""),
        (
            {**RUNS, "app": "stopped"},
            (),
            "The node app does not run, though no fault stops it: wirelab heal lab-1",
        ),
        (
            {**RUNS, "app": "missing", "dns": "stopped"},
            (),
            "The nodes dns, app do not run, though no fault stops them",
        ),
        ({**RUNS, "app": "stopped"}, ("app",), ""),  # the learner, or the lesson, has stopped it
        (dict.fromkeys(RUNS, "missing"), (), ""),  # it is taken down, and comes back by itself
        (dict.fromkeys(RUNS, ""), (), ""),  # the lesson asks what is broken
        ({**RUNS, "app": "paused"}, (), ""),
    ],
)
def test_a_machine_that_ended_by_itself_is_named(states: dict[str, str], faulty: tuple[str, ...], said: str) -> None:
    assert stopped_nodes("lab-1", states, faulty).startswith(said)
    assert bool(said) == bool(stopped_nodes("lab-1", states, faulty))
