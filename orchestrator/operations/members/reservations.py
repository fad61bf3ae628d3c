"""Which labs were placed on members a moment ago: what they will use still counts as free there.

Several commands may choose at the same time, as the workers of a test suite do. Each choice is written down in
<state>/placements.json, one process at a time, and counts for as long as a lab may take to come up and settle.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import WorldError
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.planning.placement import LabWeight, MemberRoom

FILE = "placements.json"
SETTLING_SECONDS = 60.0


@dataclass(frozen=True)
class Reservation:
    """A lab of so many MiB that was placed on a member, in seconds since 1970."""

    lab: str
    member: str
    memory: int
    at: float


def place_and_reserve(state: StateFolder, weight: LabWeight, rooms: Iterable[MemberRoom]) -> str:
    """The member on which the lab comes up, by what is free and what was placed there a moment ago.

    Raises WorldError where it fits on none, even if what was placed there uses nothing more than it does by now.
    """
    from orchestrator.planning.placement import place_labs

    listed = tuple(rooms)
    with _alone(state):
        file, now = state.root / FILE, time.time()
        recent = [kept for kept in _read(file) if 0 <= now - kept.at < SETTLING_SECONDS and kept.lab != weight.lab]
        try:
            member = place_labs([weight], [_less(room, recent) for room in listed])[weight.lab]
        except WorldError:
            member = place_labs([weight], listed)[weight.lab]
        _write(file, [*recent, Reservation(weight.lab, member, weight.memory, now)])
    return member


def _less(room: MemberRoom, recent: Iterable[Reservation]) -> MemberRoom:
    """The room that is left of a member once these labs have settled."""
    from orchestrator.planning.placement import MemberRoom

    there = [kept for kept in recent if kept.member == room.member]
    free = None if room.free is None else max(0, room.free - sum(kept.memory for kept in there))
    return MemberRoom(room.member, free, room.labs + len(there))


def _read(file: Path) -> list[Reservation]:
    """What was written; nothing where it cannot be read, for it only helps to choose."""
    try:
        rows = json.loads(file.read_bytes())
        return [Reservation(str(lab), str(member), int(memory), float(at)) for lab, member, memory, at in rows]
    except (OSError, ValueError, TypeError):
        return []


def _write(file: Path, reservations: Iterable[Reservation]) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps([[kept.lab, kept.member, kept.memory, kept.at] for kept in reservations]))
    os.replace(new, file)


@contextmanager
def _alone(state: StateFolder) -> Iterator[None]:
    """One process at a time chooses; the kernel frees the lock when its holder dies."""
    with (state.private(state.root / "locks") / "placement.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
