"""Labs that end by themselves: `up --for 2h` writes down when, and a process of its own session waits for that moment.

    <state>/labs/<lab>/ends        seconds since 1970, and the engine's address
    <state>/locks/<lab>.timer      locked by the process that waits, with its pid

The process reads the time again and again: whoever changes it, or removes the lab, need not know the process. It
outlives the terminal. If somebody kills it, the time still stands: `ls` says so, `up` starts it again, and `sweep` and
each `up` remove labs whose end has passed.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

ENDS_FILE = "ends"
# A bare interpreter, as the one of the watchdog. The child inherits the lock, so that the parent is done when the timer
# waits. Where the lab is gone, the lock is given up before the last look: a lab made anew has this timer or another.
WAITER = """
import fcntl, os, signal, sys, time
ends, lock_file, *arguments = sys.argv[1:]
def end():
    try:
        with open(ends) as file:
            return float(file.readline())
    except (OSError, ValueError):
        return None
def lock():
    held = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(50):  # whoever looks whether a timer waits holds the lock for a moment
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            time.sleep(0.02)
    os._exit(0)
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
held = lock()
if os.fork():
    os._exit(0)
os.ftruncate(held, 0)
os.write(held, str(os.getpid()).encode())
while True:
    at = end()
    if at is None:
        os.close(held)
        if end() is None:
            os._exit(0)
        held = lock()
        continue
    remaining = at - time.time()
    if remaining <= 0:
        os.execv(sys.executable, [sys.executable, "-m", "orchestrator.operations.expiry", *arguments])
    time.sleep(min(remaining, 1))
"""


@dataclass(frozen=True)
class LabEnd:
    """When a lab ends, in seconds since 1970, and the address of the engine that it stands on."""

    at: float
    url: str


def set_end(state: StateFolder, lab: str, end: LabEnd) -> None:
    """From now on the lab ends at that time. The caller holds the lab's lock, and starts the timer."""
    target = state.private(state.labs / lab) / ENDS_FILE
    new = target.with_suffix(".new")
    new.write_text(f"{end.at!r}\n{end.url}\n")
    os.replace(new, target)


def end_of(state: StateFolder, lab: str) -> LabEnd | None:
    """When the lab ends by itself; None if it does not."""
    try:
        at, url, *_ = (state.labs / lab / ENDS_FILE).read_text().splitlines()
        return LabEnd(float(at), url)
    except (OSError, ValueError):
        return None


def ended_labs(state: StateFolder, url: str, now: float) -> list[str]:
    """The labs on this engine whose end has passed."""
    names = sorted(file.parent.name for file in state.labs.glob(f"*/{ENDS_FILE}"))
    ends = {name: end_of(state, name) for name in names}
    return [name for name, end in ends.items() if end and end.url == url and end.at <= now]


def has_timer(state: StateFolder, lab: str) -> bool:
    """Whether a process waits for the end of the lab. Writes nothing."""
    try:
        descriptor = os.open(_lock_file(state, lab), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def start_timer(state: StateFolder, lab: str, environ: Mapping[str, str]) -> None:
    """Start the process that removes the lab at its end, unless one waits already."""
    state.private(_lock_file(state, lab).parent)
    paths = (str(state.labs / lab / ENDS_FILE), str(_lock_file(state, lab)))
    root = str(Path(__file__).resolve().parents[2])
    path = root + (":" + environ["PYTHONPATH"] if environ.get("PYTHONPATH") else "")
    subprocess.run(
        (sys.executable, "-I", "-S", "-c", WAITER, *paths, str(state.root), lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env={**environ, "PYTHONPATH": path},
        check=False,
    )


def _lock_file(state: StateFolder, lab: str) -> Path:
    return state.root / "locks" / f"{lab}.timer"
