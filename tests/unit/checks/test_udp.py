"""What the DATAGRAM program printed -> verdict; and the program itself, against sockets of this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from check_harness import check, conversation, judged, ran

from orchestrator.checks.kinds.udp import DATAGRAM
from orchestrator.checks.probes import NodeState, ProbeResult, ProgramResult, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck

APP, CLIENT, WEB, ROUTER = "192.168.7.12", "192.168.7.13", "192.168.7.14", "192.168.7.99"


def udp(**keys: object) -> BaseCheck:
    return check(**{"from_": "client", "udp": "app.shop.lab:5000", **keys})


def reply(text: str = "pong", address: str = APP, port: int = 5000, asked: str = APP) -> ProgramResult:
    found = {"asked": [asked, 5000], "own": 40000, "reply": {"from": [address, port], "text": text, "bytes": len(text)}}
    return ran(json.dumps(found))


def error(name: str, message: str = "", refuser: str | None = None) -> ProgramResult:
    asked = {} if name == "no address" else {"asked": [APP, 5000], "own": 40000}
    return ran(json.dumps({**asked, "error": name, "said": message, "refuser": refuser}))


def test_a_reply_from_the_address_that_was_asked_passes() -> None:
    found, probes = conversation(udp(send="${random}", contains="w01"), reply("w0123456789"))
    assert (found.verdict, found.actual) == ("pass", "a reply came from 192.168.7.12:5000: 'w0123456789'")
    assert found.evidence == ("datagram from port 40000 to 192.168.7.12:5000: reply from 192.168.7.12:5000",)
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[3:] == ("app.shop.lab", "5000", "w0123456789", "4")


OTHER = "the reply came from 192.168.7.14:5000 (web), not from 192.168.7.12:5000, to which the datagram was sent; "


@pytest.mark.parametrize(
    ("keys", "answer", "verdict", "says"),
    [
        ({}, reply(address=WEB), "fail", f"{OTHER}a program that has connected its socket does not get it"),
        ({"answered_from": "${web}"}, reply(address=WEB), "pass", "a reply came from 192.168.7.14:5000: 'pong'"),
        ({"answered_from": "${web}"}, reply(), "fail", "the reply came from 192.168.7.12:5000 (app), not from"),
        ({"answered_from": "${web}:69"}, reply(address=WEB), "fail", "not from 192.168.7.14:69"),
        ({"answered_from": "${web}:69"}, reply(address=WEB, port=69), "pass", "192.168.7.14:69"),
        ({"contains": "ping"}, reply(), "fail", "the reply does not hold 'ping': 'pong'"),
        ({}, error("ECONNREFUSED", "Connection refused"), "fail", "no socket is bound to the port there"),
        ({}, error("no address", "Name or service not known"), "fail", "no address: Name or service not known"),
        ({}, error("ENETUNREACH", "Network is unreachable"), "fail", "ENETUNREACH: Network is unreachable"),
        ({}, reply(asked=WEB, address=WEB), "fail", "app.shop.lab led to 192.168.7.14, which is web and not app"),
        ({"answered": False}, reply(), "fail", "a reply came from 192.168.7.12:5000"),
        ({"answered": False}, error("ECONNREFUSED"), "pass", "refused by an ICMP message"),
        ({"answered": False}, error("EHOSTUNREACH", "", ROUTER), "pass", "an ICMP message says that the host cannot"),
        ({"answered": False}, error("ENETUNREACH", "", ROUTER), "pass", "says that the network cannot be reached"),
        ({"answered": False}, error("ENOPROTOOPT", "", APP), "pass", "says that the protocol is not available"),
        # No ICMP message came: a rule of the asker's routing table, and an address that is one of all machines.
        ({"answered": False}, error("EHOSTUNREACH", "No route to host"), "unknown", "EHOSTUNREACH: No route to host"),
        ({"answered": False}, error("EACCES", "Permission denied"), "unknown", "EACCES: Permission denied"),
        # The asker's own kernel says it, for nobody answers its question for the address.
        ({"answered": False}, error("EHOSTUNREACH", "x", CLIENT), "unknown", "no machine answers client for the addr"),
        ({}, error("EHOSTUNREACH", "x", CLIENT), "fail", "no machine answers client for the address 192.168.7.12"),
        ({"answered": False}, error("silent"), "unknown", "that proves nothing"),
        ({"answered": False}, error("no address", "x"), "unknown", "no address: x"),
        ({}, Unavailable("the node client is stopped"), "unknown", "the node client is stopped"),
        ({}, ran("", "Traceback\nMemoryError\n", 1), "unknown", "MemoryError"),
    ],
)
def test_a_reply_is_judged_by_where_it_came_from(
    keys: dict[str, object], answer: ProbeResult, verdict: str, says: str
) -> None:
    found = judged(udp(**keys), answer)
    assert found.verdict == verdict
    assert says in found.actual


@pytest.mark.parametrize(
    ("node", "verdict", "says"),
    [
        ((ran(),), "fail", "no reply in 4 s"),
        ((replace(ran(), seconds=0.9, starved=0.8),), "fail", "no reply in 4 s"),
        ((Unavailable("the node app is stopped"), NodeState("stopped")), "fail", "no reply in 4 s"),
        ((ran("", "bash: not found", 127),), "fail", "no reply in 4 s"),
        ((replace(ran(), seconds=3.0, starved=2.5),), "unknown", "at app: not measured: for 2.5 s the node got no"),
        ((replace(ran("", "", 124), seconds=4.0),), "unknown", "a little work had not ended after 4.0 s"),
        ((Unavailable("not ended"), NodeState("running")), "unknown", "whether app gets processor time is not known"),
    ],
)
def test_silence_proves_something_only_of_who_had_the_time_to_answer(
    node: tuple[ProbeResult, ...], verdict: str, says: str
) -> None:
    worked, *state = node
    found = judged(udp(), error("silent"), *state, processor={"app": worked})
    assert (found.verdict, says in found.actual) == (verdict, True), found.actual


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A socket on this machine."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def sent(port: int, seconds: str) -> dict[str, object]:
    argv = (sys.executable, "-c", DATAGRAM, "127.0.0.1", str(port), "ping", seconds)
    document: dict[str, object] = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    return document


@pytest.mark.slow
def test_the_program_gets_a_reply_from_another_port_too(server: socket.socket) -> None:
    """As a socket that is not connected does."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", 0))
        answering = threading.Thread(target=lambda: other.sendto(b"pong", server.recvfrom(100)[1]))
        answering.start()
        found = sent(server.getsockname()[1], "60")
        answering.join()
        assert found["reply"] == {"from": ["127.0.0.1", other.getsockname()[1]], "text": "pong", "bytes": 4}


@pytest.mark.slow
def test_the_program_hears_of_a_refusal_and_of_silence(server: socket.socket) -> None:
    port = server.getsockname()[1]
    assert sent(port, "0.05")["error"] == "silent"
    server.close()
    refused = sent(port, "60")
    assert (refused["error"], refused["refuser"]) == ("ECONNREFUSED", "127.0.0.1")


@pytest.mark.slow
def test_an_error_of_the_asker_itself_has_no_sender() -> None:
    """As of the address of all machines, for which a program must ask first (udp(7), SO_BROADCAST)."""
    argv = (sys.executable, "-c", DATAGRAM, "127.255.255.255", "9", "ping", "1")
    found = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    assert found["error"] == "EACCES"
    assert not found.get("refuser")
