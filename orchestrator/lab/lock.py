"""One process at a time works on a lab. The kernel holds the lock (flock(2)), so it is free when its holder dies.

Who comes while another command works is told so at once. Only the clean-up after a dead command, which holds a lab for
a moment and which nobody has asked for, is waited for.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import LabBusy
from orchestrator.host.state_folder import StateFolder

CLEANING = "cleans up"
CLEANING_SECONDS = 20.0


@contextmanager
def lab_lock(state: StateFolder, lab: str, *, cleaning: bool = False) -> Iterator[None]:
    """Hold the lab; LabBusy at once if another command does. `cleaning`: this is the clean-up after a dead command."""
    path = state.private(state.root / "locks") / f"{lab}.lock"
    deadline = time.monotonic() + CLEANING_SECONDS
    while (held := hold(path, CLEANING if cleaning else "")) is None and time.monotonic() < deadline:
        # Nothing is written yet in the first moment: who holds it, and what for, is known in the next.
        if (note := _note(path)) and not note.endswith(CLEANING):
            break
        time.sleep(0.02)
    if held is None:
        raise LabBusy(
            f"the lab {lab!r} is busy",
            why=f"another process works on it (process {_note(path)})",
            hint=f"wait for it to end, or use a lab of your own: --lab {lab}-2",
        )
    try:
        yield
    finally:
        os.close(held)


@contextmanager
def lesson_lock(state: StateFolder, lab: str) -> Iterator[None]:
    """Hold the lesson of a lab as long as it is open; LabBusy at once if another process has it open.

    Both would keep the progress, and break the lab for a repair.
    """
    path = state.private(state.root / "locks") / f"{lab}.lesson"
    if (held := hold(path)) is None:
        raise LabBusy(
            f"the lesson of the lab {lab!r} is open already",
            why=f"another process has it open (process {_note(path)}), in another terminal or for a browser",
            hint=f"go on there, or end it there with Ctrl-C; or take a lab of your own: --lab {lab}-2",
        )
    try:
        yield
    finally:
        os.close(held)


def hold(path: Path, note: str = "") -> int | None:
    """Lock a file and return its descriptor, to be closed; None if somebody holds it. The file stays."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {note}".strip().encode())
    except OSError:  # a disk that is full
        os.close(descriptor)
        raise
    return descriptor


def _note(path: Path) -> str:
    """The pid of the holder, and what else it has written there."""
    try:
        return path.read_text()
    except OSError:
        return "unknown"
