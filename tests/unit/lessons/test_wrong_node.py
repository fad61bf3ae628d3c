"""What a task wants, tried on another node where it fails as well, is said; what this node does for itself is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import Different
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import (
    ConnectsObservation,
    ListensObservation,
    ResolvesObservation,
    SqlObservation,
    TlsObservation,
)
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.lessons.wrong_node import failed_elsewhere, silent_elsewhere
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    TcpHandshake,
)

ADDRESS = "192.168.7.12"
BY_NAME = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
PAGE = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/items"})
SECURE = TlsObservation.model_validate({"from": "client", "tls": "app.shop.lab:80"})
OPENED = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:80"})
SQL = SqlObservation.model_validate({"from": "client", "sql": "app"})
LOGIN = SshObservation.model_validate({"from": "client", "ssh": "app"})
LISTENS = ListensObservation.model_validate({"from": "client", "listens": 80})
OWN = HttpObservation.model_validate({"from": "client", "http": "http://127.0.0.1/"})


def addresses_of(host: str) -> tuple[str, ...]:
    return (ADDRESS,) if host in ("app", "app.shop.lab") else (host,)


def flow(node: str, server: Endpoint) -> Flow:
    return Flow(1, "tcp", Endpoint(node, "192.168.7.9", 40000), server, 1.0)


def lookup(node: str = "db", name: str = "app.shop.lab", rcode: str = "SERVFAIL") -> DnsExchange:
    ends = flow(node, Endpoint("dns", "192.168.7.2", 53))
    return DnsExchange(1, ends, 1.0, 1.1, name, "A", rcode, (), True, True, False, 1, 1.0)


def handshake(node: str = "db", port: int = 80, outcome: str = "refused") -> TcpHandshake:
    return TcpHandshake(1, flow(node, Endpoint("app", ADDRESS, port)), 1.0, 1.1, outcome, 1, 1.0)


LOOKED_UP = "db asked dns for app.shop.lab: SERVFAIL, the server could not find out"
REFUSED = f"db opened a connection to app, {ADDRESS}, port 80: refused"


@pytest.mark.parametrize("observation", [BY_NAME, PAGE, SECURE, OPENED, SQL, LOGIN])
@pytest.mark.parametrize(("event", "seen"), [(lookup(), LOOKED_UP), (handshake(), REFUSED)])
def test_what_failed_on_another_node_is_said_with_the_node_that_is_meant(
    observation: BaseObservation, event: CompletedEvent, seen: str
) -> None:
    assert failed_elsewhere(event, observation, addresses_of) == Different("node", seen, "client does it")


@pytest.mark.parametrize(
    ("observation", "event"),
    [
        (PAGE, lookup(node="client")),
        (PAGE, lookup(name="db.shop.lab")),
        (PAGE, lookup(rcode="NOERROR")),
        (PAGE, handshake(port=5432)),
        (PAGE, handshake(outcome="accepted")),
        (LISTENS, handshake()),
        (OWN, handshake()),
    ],
)
def test_what_is_no_such_attempt_is_not_said(observation: BaseObservation, event: CompletedEvent) -> None:
    assert failed_elsewhere(event, observation, addresses_of) is None


STARTS = [
    (ExchangeStart(1, "dns", 1.0, "db", "dns", 1, "app.shop.lab A", 53), "db asked dns, and no answer came so far"),
    (
        ExchangeStart(1, "opening", 1.0, "db", "app", 1, "app:80", 80, server_address=ADDRESS),
        "db tries to connect to port 80 of app, and no answer came so far",
    ),
    (
        ExchangeStart(1, "arp", 1.0, "db", "app", 0, ADDRESS),
        "db looks for app on its network, and no answer came so far",
    ),
]


@pytest.mark.parametrize(("start", "seen"), STARTS)
def test_what_has_no_answer_on_another_node_is_said(start: ExchangeStart, seen: str) -> None:
    assert silent_elsewhere(start, PAGE, addresses_of) == Different("node", seen, "client does it")
    assert silent_elsewhere(replace(start, client="client"), PAGE, addresses_of) is None
    other = replace(start, subject="192.168.7.3", server_address="192.168.7.3")
    assert silent_elsewhere(other, PAGE, addresses_of) is None
    assert silent_elsewhere(replace(start, kind="sql"), PAGE, addresses_of) is None
