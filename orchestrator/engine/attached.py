"""Speaks with a program inside a container: what it writes is handed on as it comes, and it may be given input.

One loop and no threads: the engine's connection and the input are waited for together, and neither side's slowness
stops the other.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from io import BufferedReader
from math import inf
from typing import Any

from orchestrator.errors import NotStarted

Wrote = Callable[[int, bytes], None]
PIECE = 65536
# The engine's multiplexed stream (Engine API, "attach"): the stream's number, three zeros, the length of what follows.
HEADER = struct.Struct(">BxxxL")
# What the engine hands on as if a program had written it that could not be started, and the exit codes with it.
RUNTIME_SAYS = b"OCI runtime exec failed"
NO_PROGRAM = (126, 127)


class Heard:
    """Hands on what a program writes, but for what the runtime says in its place: a person cannot read that."""

    def __init__(self, wrote: Wrote) -> None:
        self._wrote = wrote
        self._held: tuple[int, bytes] | None = None

    def __call__(self, stream: int, piece: bytes) -> None:
        if piece.startswith(RUNTIME_SAYS) and self._held is None:
            self._held = (stream, piece)
        else:
            self._wrote(stream, piece)

    def end(self, program: str, code: int | None) -> None:
        """The program has ended. Raises NotStarted if it never began."""
        if self._held is None:
            return
        stream, piece = self._held
        if code not in NO_PROGRAM:
            self._wrote(stream, piece)  # a program that speaks of runtimes
            return
        raise not_started(program, piece.decode("utf-8", "replace"))


def not_started(program: str, said: str) -> NotStarted:
    """From the runtime's words, such as `...: exec: "x": executable file not found in $PATH: unknown`."""
    why = said.strip().removesuffix(": unknown").rpartition('": ')[2]
    return NotStarted(program, why, missing="not found" in why or "no such file" in why)


def read_ahead(sock: Any) -> bytes:
    """What the program has written already, of a connection that the Docker SDK has just handed out.

    That is the socket below the reader of the engine's answer: what came in one piece with the answer is in the reader,
    and nobody would read it any more.
    """
    link = getattr(sock, "_sock", sock)
    reader = getattr(getattr(getattr(getattr(sock, "_response", None), "raw", None), "_fp", None), "fp", None)
    if not isinstance(reader, BufferedReader):
        return b""
    link.setblocking(False)
    try:
        return reader.peek()
    except OSError as error:
        if _nothing_yet(error):
            return b""
        raise
    finally:
        link.setblocking(True)


def frames(link: Any, early: bytes, deadline: float) -> Iterator[tuple[int, bytes]]:
    """(stream, piece) of all that the program writes, to its end. Raises TimeoutError at the deadline (monotonic)."""
    rest = early
    while True:
        whole, rest = _split(rest)
        yield from whole
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.settimeout(None if left == inf else left)
        piece = link.recv(PIECE)
        if not piece:
            return
        rest += piece


def attend(link: Any, early: bytes, wrote: Wrote, source: int | None = None) -> None:
    """Until the program ends: `wrote(1, piece)` for standard output, `wrote(2, piece)` for standard error.

    `link` is the engine's connection, `early` what was read from it before; what can be read from the descriptor
    `source` goes to the program, whose input ends where that ends.
    """
    link.setblocking(False)
    rest, waiting = _handed_on(early, wrote), b""
    while True:
        readable, writable, _ = select.select(
            [link, *([source] if source is not None and not waiting else [])], [link] if waiting else [], []
        )
        if link in readable:
            piece = _received(link)
            if piece == b"":
                return
            rest = _handed_on(rest + (piece or b""), wrote)
        if source in readable and source is not None:
            waiting = os.read(source, PIECE)
            if not waiting:
                source = None
                _end_of_input(link)
        if writable:
            waiting = waiting[_sent(link, waiting) :]


def _received(link: Any) -> bytes | None:
    """What has come, b"" at the end, None where it was nothing yet: encrypted connections wake one up for less."""
    try:
        found: bytes = link.recv(PIECE)
        while pending := getattr(link, "pending", int)():
            found += link.recv(pending)
    except OSError as error:
        if _nothing_yet(error):
            return None
        raise
    return found


def _nothing_yet(error: OSError) -> bool:
    """Whether it says just that there is nothing to read; encrypted connections have names of their own for that."""
    return isinstance(error, BlockingIOError | InterruptedError) or type(error).__name__.startswith("SSLWant")


def _handed_on(found: bytes, wrote: Wrote) -> bytes:
    """Hand on whole frames; what is left of a frame that has not come whole."""
    whole, rest = _split(found)
    for stream, piece in whole:
        wrote(stream, piece)
    return rest


def _split(found: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames, and what is left of one that has not come whole."""
    whole, at = [], 0
    while len(found) >= at + HEADER.size:
        stream, size = HEADER.unpack_from(found, at)
        begin = at + HEADER.size
        if len(found) < begin + size:
            break
        whole.append((stream, found[begin : begin + size]))
        at = begin + size
    return whole, found[at:]


def _sent(link: Any, waiting: bytes) -> int:
    try:
        return int(link.send(waiting))
    except (BlockingIOError, InterruptedError):
        return 0
    except (BrokenPipeError, ConnectionResetError):
        return len(waiting)  # the program reads no more


def _end_of_input(link: Any) -> None:
    try:
        link.shutdown(socket.SHUT_WR)
    except OSError:
        return  # it has ended already
