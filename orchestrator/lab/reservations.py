"""Which labs were placed on members a moment ago: the members still report as free the memory that these will use.

    <state>/placed/<lab>    the member, and the MiB that the lab will use

The file counts for as long as a lab may take to come up and settle, and goes with the lab.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

SETTLING_SECONDS = 60.0


@dataclass(frozen=True)
class Reservation:
    """A lab of so many MiB that was placed on a member."""

    lab: str
    member: str
    memory: int


@contextmanager
def placing(state: StateFolder) -> Iterator[None]:
    """Hold the lock under which one process at a time places a lab; the kernel frees it when the process dies."""
    with (state.private(state.root / "locks") / "placement.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def recent_reservations(state: StateFolder) -> list[Reservation]:
    """The reservations that still count. Removes the others; one that cannot be read does not count."""
    recent = []
    for file in _folder(state).glob("*"):
        with suppress(OSError, ValueError):
            if 0 <= time.time() - file.stat().st_mtime < SETTLING_SECONDS:
                member, memory = file.read_text().split()
                recent.append(Reservation(file.name, member, int(memory)))
            else:
                file.unlink()
    return recent


def reserve(state: StateFolder, reservation: Reservation) -> None:
    """Write down where a lab was placed, also if it was placed before."""
    target = state.private(_folder(state)) / reservation.lab
    target.write_text(f"{reservation.member} {reservation.memory}")
    os.utime(target)


def end_reservation(state: StateFolder, lab: str) -> None:
    """Forget the reservation of a lab that is gone."""
    (_folder(state) / lab).unlink(missing_ok=True)


def _folder(state: StateFolder) -> Path:
    return state.root / "placed"
