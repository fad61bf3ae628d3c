"""The holder of a connection, on real sockets of the loopback: what it opens, what it finds, and when it ends."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator

import pytest
from check_harness import ran

from orchestrator.checks.held_connection import (
    ConnectionUse,
    close_connection,
    open_probe,
    read_use,
    use_probe,
)
from orchestrator.checks.kinds.connections import ConnectResult, connect_probe, read_connect_results
from orchestrator.checks.probes import ProgramResult, ResultUnavailable, RunProgram

pytestmark = pytest.mark.slow


def run(probe: object) -> ProgramResult:
    assert isinstance(probe, RunProgram)
    done = subprocess.run(probe.argv, capture_output=True, text=True, timeout=60, check=False)
    return ran(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        yield listening


def opened(server: socket.socket, source: str = "127.0.0.3") -> tuple[str, socket.socket, ConnectResult]:
    name = secrets.token_hex(8)
    result = run(open_probe("client", name, "127.0.0.1", server.getsockname()[1], source, None))
    taken, _ = server.accept()
    taken.settimeout(60)
    return name, taken, read_connect_results(result)[-1]


def used(name: str, text: str = "ping", contains: str = "") -> ConnectionUse:
    return read_use(run(use_probe("client", name, text, contains)))


def close(name: str) -> None:
    (probe,) = next(close_connection("client", name))
    run(probe)


def test_it_leaves_from_the_address_and_is_closed_on_order(server: socket.socket) -> None:
    """The server sees the source, and the end of the connection once the holder has ended."""
    name, taken, result = opened(server)
    with taken:
        host, port = taken.getpeername()
        assert (host, result.message) == ("127.0.0.3", f"127.0.0.3:{port} -> 127.0.0.1:{taken.getsockname()[1]}")
        close(name)
        assert taken.recv(10) == b""
    with pytest.raises(ResultUnavailable):
        used(name)


def test_without_a_name_nothing_is_held(server: socket.socket) -> None:
    result = run(connect_probe("client", "127.0.0.1", server.getsockname()[1], source="127.0.0.3"))
    assert read_connect_results(result)[-1].outcome == "accepted"
    taken, _ = server.accept()
    with taken:
        taken.settimeout(60)
        assert taken.recv(10) == b""


def test_a_closed_port_refuses_and_a_strange_address_cannot_be_bound(server: socket.socket) -> None:
    port = server.getsockname()[1]
    strange = run(connect_probe("client", "127.0.0.1", port, source="192.0.2.77"))
    assert read_connect_results(strange)[-1].message == "Cannot assign requested address"
    server.close()
    refused = run(connect_probe("client", "127.0.0.1", port, source="127.0.0.3"))
    assert read_connect_results(refused)[-1].outcome == "refused"


def test_bytes_that_go_both_ways_are_seen_again_and_again(server: socket.socket) -> None:
    name, taken, _ = opened(server)
    with taken:
        for number in range(2):
            taken.sendall(b"pong %d" % number)  # what came before the question is no reply to it
            done = subprocess.Popen(use_probe("client", name, "ping").argv, stdout=subprocess.PIPE, text=True)
            assert taken.recv(10) == b"ping"
            taken.sendall(b"reply")
            out, _ = done.communicate(timeout=60)
            use = read_use(ran(out))
            assert (use.state, use.reply.endswith("reply"), use.sent) == ("usable", True, True)
        close(name)


def test_an_end_that_came_meanwhile_is_told_with_its_time(server: socket.socket) -> None:
    name, taken, _ = opened(server)
    taken.close()
    use = used(name)
    assert (use.state, use.sent, use.after >= 0) == ("closed", False, True)
    close(name)


def test_a_reset_is_told_as_one(server: socket.socket) -> None:
    name, taken, _ = opened(server)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close(2) sends an RST
    taken.close()
    assert used(name).state == "reset"
    close(name)


def test_a_program_that_does_not_reply_is_told_from_packets_that_are_lost(server: socket.socket) -> None:
    """The kernel of the server acknowledges the text."""
    name, taken, _ = opened(server)
    with taken:
        assert used(name).state == "unanswered"
        close(name)


@pytest.mark.parametrize("out", ["", "{}", "[1]", "Traceback", '{"state": "usable", "again": "x"}'])
def test_what_is_no_result_is_unavailable(out: str) -> None:
    with pytest.raises(ResultUnavailable):
        read_use(ran(out, "", 1))
