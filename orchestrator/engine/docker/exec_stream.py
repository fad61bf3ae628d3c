"""The stream between us and a program inside a container: what it writes, and what it is given to read.

One loop and no threads: the engine's connection and the input are waited for together, and neither side's slowness
stops the other.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Iterator
from typing import Any

from orchestrator.engine.docker.liveness import QUIET_SECONDS, Ping
from orchestrator.engine.docker.sockets import CHUNK, end_of_input, receive, send
from orchestrator.engine.programs import OutputSink

# The engine's multiplexed stream (Engine API, "attach"): the stream's number, three zeros, the length of what follows.
HEADER = struct.Struct(">BxxxL")


def frames(
    link: Any, early: bytes, deadline: float, ping: Ping, quiet_seconds: float = QUIET_SECONDS
) -> Iterator[tuple[int, bytes]]:
    """Yield (stream, piece) of all that the program writes, to its end. Raises TimeoutError at the monotonic deadline.

    `early` is what was read from the connection before. While the program is quiet, `ping` is called now and then.
    """
    rest = early
    while True:
        whole, rest = whole_frames(rest)
        yield from whole
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        link.settimeout(min(remaining, quiet_seconds))
        try:
            piece = link.recv(CHUNK)
        except TimeoutError:
            ping()
            continue
        if not piece:
            return
        rest += piece


def relay(
    link: Any,
    early: bytes,
    sink: OutputSink,
    ping: Ping,
    source: int | None = None,
    quiet_seconds: float = QUIET_SECONDS,
) -> None:
    """Hand on what the program writes to `sink` until it ends, and what the descriptor `source` gives to the program.

    Its input ends where `source` ends. While nothing comes, `ping` is called now and then.
    """
    link.setblocking(False)
    rest, to_send = _hand_on(early, sink), b""
    while True:
        sources = [source] if source is not None and not to_send else []
        readable, writable, _ = select.select([link, *sources], [link] if to_send else [], [], quiet_seconds)
        if not readable and not writable:
            ping()
        if link in readable:
            piece = receive(link)
            if piece == b"":
                return
            rest = _hand_on(rest + (piece or b""), sink)
        if source in readable and source is not None:
            to_send = os.read(source, CHUNK)
            if not to_send:
                source = None
                end_of_input(link)
        if writable:
            to_send = to_send[send(link, to_send) :]


def _hand_on(data: bytes, sink: OutputSink) -> bytes:
    """Hand on whole frames; return what is left of a frame that has not come whole."""
    whole, rest = whole_frames(data)
    for stream, piece in whole:
        sink(stream, piece)
    return rest


def whole_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames, and what is left of one that has not come whole."""
    whole, at = [], 0
    while len(data) >= at + HEADER.size:
        stream, size = HEADER.unpack_from(data, at)
        begin = at + HEADER.size
        if len(data) < begin + size:
            break
        whole.append((stream, data[begin : begin + size]))
        at = begin + size
    return whole, data[at:]
