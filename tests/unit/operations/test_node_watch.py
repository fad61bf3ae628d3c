"""The tables of sockets that a helper prints, one after the other: what begins to listen is told once."""

from __future__ import annotations

from orchestrator.operations.node_watch import END_OF_TABLE, new_sockets

FIRST = "LISTEN 0 5 0.0.0.0:80 0.0.0.0:*"
LOOPBACK = "LISTEN 0 5 127.0.0.1:8080 0.0.0.0:*"
BUSY = "LISTEN 3 5 127.0.0.1:8080 0.0.0.0:*"
OTHER = "LISTEN 0 5 *:8081 *:*"


def told(port: int, *tables: tuple[str, ...]) -> list[str]:
    lines = (line for table in tables for line in (*table, END_OF_TABLE))
    return [str(socket) for socket in new_sockets(lines, port)]


def test_a_socket_is_told_when_it_comes_and_when_it_comes_again() -> None:
    assert told(8080, (FIRST,), (FIRST, LOOPBACK), (FIRST, BUSY, OTHER), (FIRST,), (FIRST, LOOPBACK)) == [
        "tcp 127.0.0.1:8080",
        "tcp *:8081",
        "tcp 127.0.0.1:8080",
    ]


def test_of_what_was_there_before_only_the_port_that_is_meant_is_told() -> None:
    assert told(80, (FIRST, LOOPBACK)) == ["tcp 0.0.0.0:80"]
    assert told(22, (FIRST, LOOPBACK), (FIRST, LOOPBACK)) == []
