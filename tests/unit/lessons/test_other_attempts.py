"""What is of another kind than what a task wants to see gets a sentence, too, with node, port, seen and expected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import (
    ConnectsObservation,
    ResolvesObservation,
    SqlObservation,
    TlsObservation,
)
from orchestrator.lessons.open_exchanges import unanswered
from orchestrator.lessons.other_attempts import other_attempt, what_failed
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    HttpExchange,
    SqlSession,
    SqlStatement,
    SshGreeting,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
)

RESOLVES = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
CONNECTS = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:80"})
HTTPS = HttpObservation.model_validate({"from": "client", "http": "https://app.shop.lab/"})
SQL = SqlObservation.model_validate({"from": "client", "sql": "db"})
TLS = TlsObservation.model_validate({"from": "client", "tls": "app.shop.lab:443"})


def flow(port: int, *, name: str = "", protocol: str = "tcp") -> Flow:
    ends = Endpoint("client", "192.168.7.13", 40000), Endpoint("app", "192.168.7.12", port)
    return Flow(1, protocol, *ends, 1.0, name)


def tcp(port: int, outcome: str) -> TcpHandshake:
    return TcpHandshake(1, flow(port), 1.0, 1.1, outcome, 1, 1.0)


def http(port: int, *, name: str = "") -> HttpExchange:
    return HttpExchange(1, flow(port, name=name), 1.0, 1.1, "GET", "/", "", 200, "OK", 3, "answered")


def tls(alert: str = "") -> TlsHandshake:
    by = "client" if alert else ""
    return TlsHandshake(
        1, flow(443), 1.0, 1.1, "app.shop.lab", "1.3", "", (), alert, by, "alert" if alert else "agreed"
    )


def closed(*, sent: int = 0, name: str = "") -> TcpClose:
    return TcpClose(1, flow(53, name=name), 2.0, "closed", "client", sent, 0, False)


LOOKUP = DnsExchange(
    1, flow(53, protocol="udp"), 1.0, 1.1, "bd.shop.lab", "A", "NXDOMAIN", (), True, True, False, 1, 1.0
)
SESSION = SqlSession(1, flow(5432), 1.0, 1.1, "root", "shop", "SCRAM", "17", "FATAL 28P01: wrong password", "refused")
STATEMENT = SqlStatement(1, flow(5432), 1.0, 1.1, "select 1", True, False, "SELECT 1", 1, "", "answered", 0, True)
INSIDE = Flow(1, "udp", Endpoint("client", "127.0.0.1", 40000), Endpoint("client", "127.0.0.1", 9000), 1.0)
ANSWERED, UNANSWERED = (DatagramFlow(1, INSIDE, 1.0, 1.1, 1, received, 1.0) for received in (1, 0))
PORT_UNREACHABLE = DatagramFlow(1, flow(80, protocol="udp"), 1.0, 1.1, 1, 0, 1.0, "port unreachable (ICMP)")


@pytest.mark.parametrize(
    ("observation", "event", "layer", "seen"),
    [
        (SQL, LOOKUP, "dns", "client asked app for bd.shop.lab: NXDOMAIN, nobody has that name"),
        (SQL, tcp(5433, "refused"), "tcp", "client opened a connection to app, 192.168.7.12, port 5433: refused"),
        (
            SQL,
            SESSION,
            "sql",
            "client asked app, 192.168.7.12, port 5432, for a session as root: FATAL 28P01: wrong password",
        ),
        (SQL, STATEMENT, "sql", "client sent 'select 1' to app, 192.168.7.12, port 5432"),
        (SQL, http(80), "http", "client requested GET / from app, 192.168.7.12, port 80: the answer was 200"),
        (RESOLVES, tcp(80, "silent"), "tcp", "client opened a connection to app, 192.168.7.12, port 80: silent"),
        (RESOLVES, http(80), "http", "client requested GET / from app, 192.168.7.12, port 80: the answer was 200"),
        (RESOLVES, closed(), "tcp", "client opened a connection to app, 192.168.7.12, port 53 and sent nothing"),
        (TLS, http(80), "http", "client requested GET / from app, 192.168.7.12, port 80: the answer was 200"),
        (TLS, tls(), "tls", "client began TLS for app.shop.lab with app, 192.168.7.12, port 443"),
        (
            HTTPS,
            tls("unknown CA"),
            "tls",
            "client began TLS for app.shop.lab with app, 192.168.7.12, port 443: client ended it, unknown CA",
        ),
        (
            TLS,
            SshGreeting(1, flow(22), 1.0, 1.1, "SSH-2.0-a", "SSH-2.0-b"),
            "tcp",
            "client spoke SSH with app, 192.168.7.12, port 22",
        ),
        (
            CONNECTS,
            ANSWERED,
            "udp",
            "client sent UDP to itself, 127.0.0.1, port 9000: it was answered; UDP opens no connection",
        ),
        (
            CONNECTS,
            UNANSWERED,
            "udp",
            "client sent UDP to itself, 127.0.0.1, port 9000: no answer came; UDP opens no connection",
        ),
        (
            SQL,
            replace(SESSION, error="", outcome="ready"),
            "sql",
            "client asked app, 192.168.7.12, port 5432, for a session as root, and sent no statement so far",
        ),
        (
            SQL,
            replace(SESSION, error="", outcome="closed"),
            "sql",
            "client asked app, 192.168.7.12, port 5432, for a session as root: the server asks for a password, and got "
            "none",
        ),
        (
            SQL,
            closed(sent=8),
            "tcp",
            "client sent 8 bytes to app, 192.168.7.12, port 53, but no whole request",
        ),
        (CONNECTS, PORT_UNREACHABLE, "udp", "client sent UDP to app, 192.168.7.12, port 80: port unreachable (ICMP)"),
    ],
)
def test_an_attempt_of_another_kind_gets_a_sentence(
    observation: BaseObservation, event: CompletedEvent, layer: str, seen: str
) -> None:
    told = other_attempt(event, observation)
    assert told is not None
    assert (told.layer, told.sentence) == (layer, f"{seen}. Expected: {observation.wanted}.")


@pytest.mark.parametrize(
    "event", [http(80, name="app.shop.lab"), closed(name="app.shop.lab"), closed(sent=8, name="app.shop.lab")]
)
def test_what_follows_a_lookup_yields_to_what_is_said_of_the_lookup(event: CompletedEvent) -> None:
    """Who looked the name up earlier is told of this alone."""
    told = other_attempt(event, RESOLVES)
    assert told is not None
    assert (told.may_be_followed, told.yields) == (True, True)


@pytest.mark.parametrize(
    ("observation", "event"),
    [
        (CONNECTS, http(80)),  # of its connection
        (HTTPS, tls()),  # the request follows
        (SQL, tcp(5432, "accepted")),  # the session follows
        (SQL, replace(closed(sent=8), understood=True)),
        (SQL, replace(tcp(5433, "refused"), flow=replace(flow(1), client=Endpoint("app", "192.168.7.12", 40000)))),
        (CONNECTS, replace(PORT_UNREACHABLE, reason="")),
    ],
)
def test_of_what_belongs_to_another_sentence_nothing_is_said(
    observation: BaseObservation, event: CompletedEvent
) -> None:
    assert other_attempt(event, observation) is None


DATAGRAM = (
    "client sent UDP to port 80 of app; UDP opens no connection, and need not be answered. "
    "Expected: a connection to app.shop.lab:80."
)


@pytest.mark.parametrize(("client", "sentence"), [("client", DATAGRAM), ("db", None)])
def test_a_datagram_is_spoken_of_though_nobody_knows_when_udp_is_over(client: str, sentence: str | None) -> None:
    start = ExchangeStart(1, "udp", 1.0, client, "app", 1, "app:80", 80)
    told = unanswered(CONNECTS, start)
    assert (told.sentence if told else None) == sentence


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        (LOOKUP, "client asked app for bd.shop.lab: NXDOMAIN, nobody has that name"),
        (tcp(80, "refused"), "client opened a connection to app, 192.168.7.12, port 80: refused"),
        (replace(http(80), status=503), "client requested GET / from app, 192.168.7.12, port 80: the answer was 503"),
        (
            replace(http(80), status=None, size=None),
            "client requested GET / from app, 192.168.7.12, port 80: no answer came",
        ),
        (PORT_UNREACHABLE, "client sent UDP to app, 192.168.7.12, port 80: port unreachable (ICMP)"),
        (http(80), ""),
        (tcp(80, "accepted"), ""),
        (STATEMENT, ""),
        (tls(), ""),
        (closed(), ""),
    ],
)
def test_what_failed_of_a_repair_is_said_and_what_succeeded_is_not(event: CompletedEvent, seen: str) -> None:
    different = what_failed(event, "client", "it holds")
    assert (different.seen if different else "") == seen
