"""What has no answer is told once, in time, and is no failed attempt where the answer comes later."""

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
from orchestrator.lessons.open_exchanges import SEARCH_SECONDS, SILENT_SECONDS, OpenExchanges, silence, unanswered
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.reactions import attempted, completed, without_attempt
from orchestrator.traffic.exchanges.events import Endpoint, ExchangeStart, Flow, HttpExchange, TcpClose, TcpHandshake

RESOLVES = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
CONNECTS = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:80"})
HTTP = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/items"})
SQL = SqlObservation.model_validate({"from": "client", "sql": "db"})
TLS = TlsObservation.model_validate({"from": "client", "tls": "app.shop.lab:443"})
FLOW = Flow(7, "tcp", Endpoint("client", "192.168.7.13", 40000), Endpoint("app", "192.168.7.12", 80), 1.0)
ACCEPTED = TcpHandshake(1, FLOW, 1.0, 1.0, "accepted", 1, 1.0)
CLOSED = TcpClose(9, FLOW, 2.0, "closed", "client", 0, 0, False)
ANSWER = HttpExchange(2, FLOW, 1.0, 3.0, "GET", "/items", "app.shop.lab", 200, "OK", 3, "answered")


def start(kind: str, exchange: int = 1, client: str = "client", server: str = "app", port: int = 80) -> ExchangeStart:
    return ExchangeStart(exchange, kind, 1.0, client, server, 7, "app.shop.lab AAAA" if kind == "dns" else "", port)


@pytest.mark.parametrize(
    ("observation", "event", "sentence"),
    [
        (
            RESOLVES,
            start("dns", server="dns", port=53),
            "client asked dns for app.shop.lab, and no answer came so far. Expected: a question for app.shop.lab A.",
        ),
        (
            CONNECTS,
            replace(start("opening"), server_address="192.168.7.12"),
            "client tries to connect to app, 192.168.7.12, port 80, and no answer came so far. "
            "Expected: a connection to app.shop.lab:80.",
        ),
        (
            HTTP,
            start("http"),
            "client sent a request to port 80 of app: app accepted the connection, and has not answered so far. "
            "Expected: GET http://app.shop.lab/items.",
        ),
        (
            TLS,
            start("tls", port=443),
            "client began TLS with port 443 of app: app accepted the connection, and has not answered so far. "
            "Expected: TLS with app.shop.lab:443.",
        ),
        (
            SQL,
            start("sql-start", server="db", port=5432),
            "client asked port 5432 of db for a session: db accepted the connection, and has not answered so far. "
            "Expected: a statement.",
        ),
        (
            SQL,
            start("unused", server="db", port=5432),
            "client is connected to port 5432 of db, and no request was seen on the connection so far. "
            "Expected: a statement.",
        ),
        (
            RESOLVES,
            start("icmp", port=0),
            "client pinged app, and no answer came so far. Expected: a question for app.shop.lab A.",
        ),
        (
            HTTP,
            start("arp", port=0),
            "client looks for app on its network, and no answer came so far. Expected: GET http://app.shop.lab/items.",
        ),
    ],
)
def test_what_has_no_answer_is_told_with_node_and_port(
    observation: BaseObservation, event: ExchangeStart, sentence: str
) -> None:
    different = unanswered(observation, event)
    assert different is not None
    assert different.sentence == sentence


@pytest.mark.parametrize(
    ("observation", "event"),
    [
        (RESOLVES, start("dns", client="app", server="dns")),
        (CONNECTS, start("unused")),  # to be connected is all that it wants
    ],
)
def test_what_is_no_silence_of_the_learner_is_not_told(observation: BaseObservation, event: ExchangeStart) -> None:
    assert unanswered(observation, event) is None


def test_a_silent_exchange_is_taken_once_and_stays_open() -> None:
    exchanges = OpenExchanges()
    exchanges.begin(start("http", 2), 10.0)
    assert (exchanges.awaits_answer, exchanges.take_silent(10.0 + SILENT_SECONDS - 0.1)) == (True, [])
    assert exchanges.take_silent(10.0 + SILENT_SECONDS) == [start("http", 2)]
    assert (exchanges.awaits_answer, exchanges.take_silent(20.0)) == (False, [])


def test_a_machine_that_is_looked_for_is_told_sooner() -> None:
    exchanges = OpenExchanges()
    exchanges.begin(start("arp", 2), 10.0)
    assert exchanges.take_silent(10.0 + SEARCH_SECONDS) == [start("arp", 2)]


def test_what_is_answered_in_time_is_never_silent() -> None:
    exchanges = OpenExchanges()
    exchanges.begin(start("http", 2), 10.0)
    assert not exchanges.end(ANSWER, 10.1)
    assert (exchanges.awaits_answer, exchanges.take_silent(20.0)) == (False, [])


def test_a_late_answer_takes_the_counted_attempt_back() -> None:
    """The slow request that succeeds is one attempt, as the quick one is."""
    exchanges, progress = OpenExchanges(), Progress("shop", 1)
    exchanges.begin(start("http", 2), 10.0)
    (silent,) = exchanges.take_silent(12.0)
    progress, _ = attempted(progress, "fetch", str(silence(silent)))
    exchanges.count(silent.exchange)
    assert progress.task("fetch").attempts == 1
    assert exchanges.end(ANSWER, 13.0)
    progress, _ = completed(without_attempt(progress, "fetch"), "fetch", "It was seen.")
    assert (progress.task("fetch").attempts, progress.task("fetch").done) == (1, True)


def test_a_connection_on_which_nothing_is_asked_is_told() -> None:
    exchanges = OpenExchanges()
    exchanges.begin(start("opening", 1), 10.0)
    assert not exchanges.end(ACCEPTED, 10.0)
    assert [(silent.kind, silent.server, silent.port) for silent in exchanges.take_silent(12.0)] == [
        ("unused", "app", 80)
    ]


@pytest.mark.parametrize("used", [True, False])
def test_a_connection_that_is_used_or_closed_is_not_told_as_unused(used: bool) -> None:
    exchanges = OpenExchanges()
    exchanges.begin(start("opening", 1), 10.0)
    exchanges.end(ACCEPTED, 10.0)
    if used:
        exchanges.begin(start("http", 2), 10.1)
        exchanges.end(ANSWER, 10.2)
    else:
        exchanges.end(CLOSED, 10.1)
    assert exchanges.take_silent(20.0) == []
