"""Looks at the machine's processes; every process is named by pid *and* start time, as psutil compares them.

A pid alone may by now belong to somebody else: psutil signals nothing unless its start time still agrees. It is
imported where it is used, since the way of `up`, `check` and `down` to a running engine asks for no process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


def processes() -> tuple[psutil.Process, ...]:
    """Every process that we can see, in order of pid."""
    import psutil

    return tuple(filter(is_alive, psutil.process_iter()))


def process(pid: int) -> psutil.Process | None:
    """The process with this pid; None if there is none, or only a zombie."""
    import psutil

    with suppress(psutil.Error, ValueError):
        process = psutil.Process(pid)
        return process if is_alive(process) else None
    return None


def is_alive(process: psutil.Process) -> bool:
    """Still the same process, and not a zombie that its parent has yet to bury."""
    import psutil

    with suppress(psutil.Error):
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def is_stopped(process: psutil.Process) -> bool:
    """Somebody has stopped it (SIGSTOP), and it does nothing until SIGCONT."""
    import psutil

    with suppress(psutil.Error):
        return bool(process.status() == psutil.STATUS_STOPPED)
    return False


def name_of(process: psutil.Process) -> str:
    """The name of its program; empty when it is gone."""
    import psutil

    with suppress(psutil.Error):
        return process.name()
    return ""


def arguments(process: psutil.Process) -> tuple[str, ...]:
    """The process's argv; empty when it is gone."""
    import psutil

    with suppress(psutil.Error):
        return tuple(process.cmdline())
    return ()


def clock_ticks_at_start(process: psutil.Process) -> int:
    """When it began, in clock ticks since boot, as the kernel counts (proc(5), field 22 of stat); -1 if it is gone."""
    import psutil

    with suppress(psutil.Error):
        return round((process.create_time() - psutil.boot_time()) * os.sysconf("SC_CLK_TCK"))
    return -1


def send_signal(process: psutil.Process, number: signal.Signals) -> None:
    """Send a signal if it is still the same process."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def network_of(pid: int | str) -> str | None:
    """The network namespace of a process, such as `net:[4026531840]`; None when we may not know.

    psutil does not tell namespaces.
    """
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def with_descendants(roots: Iterable[psutil.Process]) -> tuple[psutil.Process, ...]:
    """The processes and all that came from them; a container's processes stay below their shim."""
    import psutil

    tree = set(roots)
    for root in tuple(tree):
        with suppress(psutil.Error):
            tree.update(root.children(recursive=True))
    return tuple(sorted(tree, key=lambda process: process.pid))


def wait_gone(group: Iterable[psutil.Process], seconds: float) -> tuple[psutil.Process, ...]:
    """Wait until all are gone or the time is over; those that are left. A zombie is gone: its parent may never ask."""
    remaining = tuple(group)
    _until(lambda: not any(map(is_alive, remaining)), seconds)
    return tuple(filter(is_alive, remaining))


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
