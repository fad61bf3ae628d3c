"""Reading and writing sockets that do not block, encrypted ones too."""

from __future__ import annotations

import socket
from typing import Any

CHUNK = 65536


def nothing_to_read(error: OSError) -> bool:
    """Whether an error says just that nothing has come yet; encrypted connections have names of their own for that."""
    return isinstance(error, BlockingIOError | InterruptedError) or type(error).__name__.startswith("SSLWant")


def receive(link: Any) -> bytes | None:
    """What has come, b"" at the end, None where it was nothing yet: encrypted connections wake one up for less."""
    try:
        received: bytes = link.recv(CHUNK)
        while pending := getattr(link, "pending", int)():
            received += link.recv(pending)
    except OSError as error:
        if nothing_to_read(error):
            return None
        raise
    return received


def send(link: Any, data: bytes) -> int:
    """Send what can be sent now, and return how much that was; all of it where nobody reads any more."""
    try:
        return int(link.send(data))
    except (BlockingIOError, InterruptedError):
        return 0
    except (BrokenPipeError, ConnectionResetError):
        return len(data)


def end_of_input(link: Any) -> None:
    """Tell the other side that no more comes."""
    try:
        link.shutdown(socket.SHUT_WR)
    except OSError:
        return  # it has ended already
