"""Waits for an engine, and asks it now and then whether it still answers at all.

A call may take a minute on a busy machine, but a ping costs an engine next to nothing. So an engine that does not even
answer a ping is taken for one that is frozen, and nobody waits for it to the end of a long deadline.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from math import inf
from socket import socket

# Together less than ten seconds: so long a person waits for the error when the engine is frozen.
QUIET_SECONDS = 3.0
PING_SECONDS = 6.0
NEXT_PING_SECONDS = 0.5

Ping = Callable[[], None]


def wait_readable(link: socket, seconds: float | None, ping: Ping, *, quiet_seconds: float = QUIET_SECONDS) -> None:
    """Wait until `link` can be read; call `ping` after each `quiet_seconds` of silence, which raises if it fails.

    Raises TimeoutError after `seconds`; with None it has no end.
    """
    deadline = inf if seconds is None else time.monotonic() + seconds
    poll = select.poll()
    poll.register(link, select.POLLIN)
    while (remaining := deadline - time.monotonic()) > 0:
        if poll.poll(1000 * min(quiet_seconds, remaining)):
            return
        if remaining > quiet_seconds:
            ping()
    raise TimeoutError
