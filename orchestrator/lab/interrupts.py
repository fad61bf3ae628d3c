"""Ctrl-C and a polite end (SIGTERM): exceptions that come at a moment when no lock is half taken, or not at all.

Python calls a signal's handler between any two steps of the main thread. An exception in the middle of taking a lock
leaves it taken for ever, and the threads that need it wait for ever (Python's documentation of `signal`, "Note on
Signal Handlers and Exceptions").
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

# Where Python code takes locks and gives them back: in these files, as they stand in a frame.
LOCKING = frozenset(
    (
        threading.Thread.start.__code__.co_filename,
        threading.__file__.replace("threading.py", "logging/__init__.py"),
        "<frozen importlib._bootstrap>",
    )
)
# Those of them that wait for somebody else; the others hold a thread up for a moment only.
WAITING = ("wait", "join", "_wait_for_tstate_lock")
LOOK_AGAIN_SECONDS = 0.01


def between_locks(handler: Handler) -> Handler:
    """The same handler, called once the main thread is not inside the code of a lock, or stands still there, waiting.

    Who moves is out of it in a moment; so it is looked at again then.
    """
    stood: list[tuple[object, float]] = [(None, 0.0)]

    def later(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        inside = frame is not None and frame.f_code.co_filename in LOCKING
        place = (id(frame), frame.f_code, frame.f_lasti) if frame and inside else None
        known, since = stood[0]
        still = place == known and now - since >= LOOK_AGAIN_SECONDS
        if place is None or (still and frame and frame.f_code.co_name in WAITING):
            stood[0] = (None, 0.0)
            handler(number, frame)
            return
        if place != known:
            stood[0] = (place, now)
        # Of the lowest kind: a Timer would take locks itself.
        _thread.start_new_thread(_once_more, (number,))

    return later


def _once_more(number: int) -> None:
    time.sleep(LOOK_AGAIN_SECONDS)
    signal.pthread_kill(threading.main_thread().ident or 0, number)


@contextmanager
def interruptible_between_locks() -> Iterator[None]:
    """Until its end, Ctrl-C raises KeyboardInterrupt between locks only; where it raises none, it stays so."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, between_locks(signal.default_int_handler))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Clean-up is not cut short by a second Ctrl-C."""
    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
