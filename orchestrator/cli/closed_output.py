"""End a command that follows something once nobody reads its output any more, also while it has nothing to write."""

from __future__ import annotations

import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_with_its_reader() -> Iterator[None]:
    """Inside, the end of the pipe or terminal behind standard output is an interrupt, as Ctrl-C is.

    Only a write would tell otherwise, and what is followed may be silent for hours.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a test has it
        yield
        return
    over = threading.Event()
    threading.Thread(target=_watch, args=(descriptor, over, threading.get_ident()), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(descriptor: int, over: threading.Event, thread: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # errors and ends are told unasked (poll(2))
    while not over.is_set():
        if poll.poll(500) and not over.is_set():
            # To the thread that waits: another one would take the signal and not wake it up.
            signal.pthread_kill(thread, signal.SIGINT)
            return
