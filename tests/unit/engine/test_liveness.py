"""An engine that does not even answer a ping is not waited for to the end of a long deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from math import inf

import pytest

from orchestrator.engine.docker.exec_stream import frames, relay
from orchestrator.engine.docker.http_api import Unresponsive
from orchestrator.engine.docker.liveness import wait_readable

FRAME = b"\x01\0\0\0\0\0\0\x05hello"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The engine's end of a connection, and ours."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        yield theirs, ours


def frozen() -> None:
    raise Unresponsive("no answer to a ping")


def answers_after_pings(theirs: socket.socket, pings: int) -> Callable[[], None]:
    """A ping that succeeds; at the last of so many the engine also writes, and ends."""
    left = iter(range(pings - 1, -1, -1))

    def ping() -> None:
        if next(left) == 0:
            theirs.sendall(FRAME)
            theirs.shutdown(socket.SHUT_WR)

    return ping


def test_a_quiet_engine_that_answers_pings_is_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    wait_readable(ours, None, answers_after_pings(theirs, 3), quiet_seconds=0.001)
    assert ours.recv(100) == FRAME


def test_one_that_answers_no_ping_is_not(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Unresponsive):
        wait_readable(ends[1], None, frozen, quiet_seconds=0.001)


def test_a_deadline_stays_one(ends: tuple[socket.socket, socket.socket]) -> None:
    """And what is shorter than a quiet moment asks for no ping."""
    with pytest.raises(TimeoutError):
        wait_readable(ends[1], 0.001, frozen, quiet_seconds=100)


def test_a_quiet_program_of_an_engine_that_answers_pings_is_read(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    assert list(frames(ours, b"", inf, answers_after_pings(theirs, 2), quiet_seconds=0.001)) == [(1, b"hello")]


def test_a_program_of_a_frozen_engine_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Unresponsive):
        list(frames(ends[1], b"", time.monotonic() + 100, frozen, quiet_seconds=0.001))
    with pytest.raises(TimeoutError):
        list(frames(ends[1], b"", time.monotonic() - 1, frozen, quiet_seconds=0.001))


def test_a_program_that_is_spoken_with(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    written: list[bytes] = []
    with pytest.raises(Unresponsive):
        relay(ours, b"", lambda _stream, piece: written.append(piece), frozen, quiet_seconds=0.001)
    relay(
        ours,
        b"",
        lambda _stream, piece: written.append(piece),
        answers_after_pings(theirs, 2),
        quiet_seconds=0.001,
    )
    assert written == [b"hello"]
