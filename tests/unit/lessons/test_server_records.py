"""Logs of servers tell what is done on encrypted connections; without such a line, a connection completes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.comparison import Comparison, Different, Matched
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.server_records import RecordedExchanges, ServerRecord, read_records
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    Endpoint,
    Flow,
    HttpExchange,
    SshGreeting,
    TcpClose,
    TlsHandshake,
)

ADDRESSES = {"shell": "192.168.7.3", "web": "192.168.7.4"}
SSH_LOG = [
    "Server listening on 0.0.0.0 port 22.\n",
    "Failed publickey for student from 192.168.7.2 port 40000 ssh2\n",
    "Accepted publickey for student from 192.168.7.2 port 40000 ssh2: ED25519 SHA256:x\n",
]
WEB_LOG = [
    'access 192.168.7.2:40000 "GET / HTTP/1.1" 200 30B 0.000 passed to -\n',
    'access [fd00::2]:40001 "POST /x?y=1 HTTP/2.0" 404 0B 0.1ms\n',
    "access denied\n",
]
LOGIN = SshObservation.model_validate({"from": "client", "ssh": "shell"})
PAGE = HttpObservation.model_validate({"from": "client", "http": "https://web.shop.lab/", "status": 200})


def flow(server: str, port: int, client: str = "client") -> Flow:
    ends = Endpoint(client, "192.168.7.2", 40000), Endpoint(server, ADDRESSES[server], port)
    return Flow(1, "tcp", *ends, 1.0, name=f"{server}.shop.lab")


GREETING = SshGreeting(2, flow("shell", 22), 1.0, 1.1, "SSH-2.0-x", "SSH-2.0-y")
TLS = TlsHandshake(2, flow("web", 443), 1.0, 1.1, "web.shop.lab", "TLS 1.3", "", (), "", "", "agreed")


def compared(observation: SshObservation | HttpObservation, event: CompletedEvent) -> Comparison:
    return observation.compare(event, lambda host: (ADDRESSES.get(host.removesuffix(".shop.lab"), host),))


def exchanges(event: CompletedEvent, records: list[ServerRecord]) -> list[CompletedEvent]:
    recorded = RecordedExchanges()
    recorded.note(event)
    for record in records:
        recorded.add(record)
    return recorded.take()


def test_the_lines_of_logs_become_records() -> None:
    assert list(read_records("shell", SSH_LOG)) == [ServerRecord(("shell", "192.168.7.2", 40000), user="student")]
    assert list(read_records("web", WEB_LOG)) == [
        ServerRecord(("web", "192.168.7.2", 40000), method="GET", target="/", status=200),
        ServerRecord(("web", "fd00::2", 40001), method="POST", target="/x?y=1", status=404),
    ]


def test_a_login_is_seen_once_the_log_tells_of_it_and_no_greeting_is_one() -> None:
    (login,) = exchanges(GREETING, list(read_records("shell", SSH_LOG)))
    assert compared(LOGIN, login) == Matched("client logged in to shell, 192.168.7.3, port 22, as student")
    assert exchanges(GREETING, []) == []
    ended = TcpClose(3, GREETING.flow, 2.0, "closed", "client", 21, 40, True)
    unused = replace(ended, sent=0)
    for event, seen in ((GREETING, "not let in so far"), (ended, "and was not let in"), (unused, "sent nothing")):
        different = compared(LOGIN, event)
        assert isinstance(different, Different)
        assert seen in different.seen
        assert different.may_be_followed


def test_a_login_from_another_node_is_named() -> None:
    (login,) = exchanges(replace(GREETING, flow=flow("shell", 22, "web")), list(read_records("shell", SSH_LOG)))
    different = compared(LOGIN, login)
    assert isinstance(different, Different)
    assert different.sentence == "web logged in to shell, 192.168.7.3, port 22, as student. Expected: client does it."


def test_a_page_over_https_is_seen_once_the_log_tells_of_it_and_no_handshake_is_one() -> None:
    (request,) = exchanges(TLS, list(read_records("web", WEB_LOG)))
    assert isinstance(request, HttpExchange)
    assert isinstance(compared(PAGE, request), Matched)
    different = compared(PAGE, TLS)
    assert isinstance(different, Different)
    assert different.seen.endswith("port 443, and sent no request so far")


BY_ADDRESS = HttpObservation.model_validate({"from": "client", "http": "https://192.168.7.4/"})


def test_a_page_whose_url_holds_an_address_is_asked_for_without_a_server_name() -> None:
    """No client names an address to a server (RFC 6066, section 3)."""
    records = list(read_records("web", WEB_LOG))
    (request,) = exchanges(replace(TLS, server_name=""), records)
    assert isinstance(request, HttpExchange)
    by_address = "client requested GET / from web, 192.168.7.4, port 443, by its address: the answer was 200"
    assert compared(BY_ADDRESS, request) == Matched(by_address)
    different = compared(PAGE, request)
    assert isinstance(different, Different)
    assert different.sentence == f"{by_address}. Expected: GET https://web.shop.lab/."
    (by_name,) = exchanges(TLS, records)
    different = compared(BY_ADDRESS, by_name)
    assert isinstance(different, Different)
    assert "by the name web.shop.lab" in different.seen


def test_of_the_right_server_at_another_port_the_right_port_is_told() -> None:
    handshake = replace(TLS, flow=flow("web", 8443))
    for event in (handshake, *exchanges(handshake, list(read_records("web", WEB_LOG)))):
        different = compared(PAGE, event)
        assert isinstance(different, Different)
        assert different.expected == "GET https://web.shop.lab/ (port 443)"
    named = HttpObservation.model_validate({"from": "client", "http": "https://web.shop.lab:9443/"})
    different = compared(named, TLS)
    assert isinstance(different, Different)
    assert different.expected == "GET https://web.shop.lab:9443/"


def test_plain_http_to_the_same_server_is_told() -> None:
    plain = HttpExchange(2, flow("web", 80), 1.0, 1.1, "GET", "/", "web.shop.lab", 200, "OK", 30, "answered")
    different = compared(PAGE, plain)
    assert isinstance(different, Different)
    assert "port 80, without TLS: the answer was 200" in different.seen


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"host": "www.shop.lab"}, "by the name www.shop.lab"),
        ({"status": 404}, "the answer was 404"),
    ],
)
def test_another_request_is_no_such_page(change: dict[str, object], seen: str) -> None:
    (request,) = exchanges(TLS, list(read_records("web", WEB_LOG)))
    assert isinstance(request, HttpExchange)
    different = compared(PAGE, replace(request, **change))  # type: ignore[arg-type]
    assert isinstance(different, Different)
    assert seen in different.seen


def test_a_record_waits_for_its_connection_and_is_told_once() -> None:
    recorded = RecordedExchanges()
    recorded.add(ServerRecord(("shell", "192.168.7.2", 40000), user="student"))
    assert recorded.take() == []
    recorded.note(replace(GREETING, flow=flow("web", 22)))  # the same port of the client, to another server
    assert recorded.take() == []
    recorded.note(GREETING)
    assert len(recorded.take()) == 1
    assert recorded.take() == []


def test_a_line_of_another_protocol_means_nothing() -> None:
    assert exchanges(GREETING, [ServerRecord(("shell", "192.168.7.2", 40000), method="GET", target="/")]) == []
    assert exchanges(TLS, [ServerRecord(("web", "192.168.7.2", 40000), user="student")]) == []
