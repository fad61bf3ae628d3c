"""One process at a time works on a lab. The kernel holds the lock (flock(2)), so it is free when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.engines.state import State
from orchestrator.errors import LabBusy


@contextmanager
def lab_lock(state: State, lab: str) -> Iterator[None]:
    """Hold the lab; LabBusy at once if another process does."""
    path = state.private(state.root / "locks") / f"{lab}.lock"
    held = hold(path)
    if held is None:
        raise LabBusy(
            f"the lab {lab!r} is busy",
            why=f"another process works on it{_holder(path)}",
            hint=f"wait for it to end, or use a lab of your own: --lab {lab}-2",
        )
    try:
        yield
    finally:
        os.close(held)


def hold(path: Path) -> int | None:
    """Lock a file and return its descriptor, to be closed; None if somebody holds it. The file stays."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _holder(path: Path) -> str:
    try:
        return f" (process {path.read_text()})"
    except OSError:
        return ""
