"""Looks at the machine's processes through /proc (proc(5)); every process is named by pid *and* start time.

A pid alone may by now belong to somebody else: nothing is signalled unless its start time still agrees.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, order=True)
class Process:
    """One process of one moment: `started` is in clock ticks since boot (field 22 of /proc/PID/stat)."""

    pid: int
    started: int
    parent: int = 0
    name: str = ""

    def alive(self) -> bool:
        """Still the same process, and not a zombie that its parent has yet to bury."""
        now = process(self.pid)
        return now is not None and now.started == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if it is still the same process."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def process(pid: int) -> Process | None:
    """The process with this pid; None if there is none, or only a zombie."""
    try:
        text = (PROC / str(pid) / "stat").read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in ("Z", "X"):
        return None
    return Process(pid, int(fields[19]), parent=int(fields[1]), name=name)


def processes() -> tuple[Process, ...]:
    """Every process that we can see, in order of pid."""
    pids = sorted(int(entry) for entry in os.listdir(PROC) if entry.isdigit())
    return tuple(present for present in map(process, pids) if present is not None)


def arguments(pid: int) -> tuple[str, ...]:
    """The process's argv; empty when it is gone."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode("utf-8", "replace") for part in raw.rstrip(b"\0").split(b"\0"))


def network_of(pid: int | str) -> str | None:
    """The network namespace of a process, such as `net:[4026531840]`; None when we may not know."""
    try:
        return os.readlink(PROC / str(pid) / "ns" / "net")
    except OSError:
        return None


def with_descendants(roots: Iterable[Process]) -> tuple[Process, ...]:
    """The processes and all that came from them; a container's processes stay below their shim."""
    children: dict[int, list[Process]] = {}
    for each in processes():
        children.setdefault(each.parent, []).append(each)
    tree: dict[int, Process] = {}
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if each.pid not in tree:
            tree[each.pid] = each
            waiting.extend(children.get(each.pid, ()))
    return tuple(sorted(tree.values()))


def wait_gone(group: Iterable[Process], seconds: float) -> tuple[Process, ...]:
    """Wait until all are gone or the time is over; those that are left."""
    remaining = tuple(group)
    _until(lambda: not any(each.alive() for each in remaining), seconds)
    return tuple(each for each in remaining if each.alive())


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
