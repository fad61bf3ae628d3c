"""The right answer of a question from traffic that is read as it happens."""

from __future__ import annotations

from orchestrator.operations.lesson_truth import first_server_in
from orchestrator.operations.live_traffic import TrafficReader
from orchestrator.traffic.exchanges.events import ExchangeStart

SINCE = 100.0


def start(kind: str, at: float, client: str, server: str) -> ExchangeStart:
    return ExchangeStart(1, kind, at, client, server, 1, "")


def first_server(*starts: ExchangeStart) -> str | None:
    reader = TrafficReader()
    for event in starts:
        reader.put(event)
    return first_server_in(reader, "client", SINCE, 30.0 if starts[-1].server == "dns" else 0.01)


def test_the_first_exchange_of_the_node_after_the_beginning_counts() -> None:
    before = start("opening", 99.9, "client", "app")
    of_another = start("dns", 100.1, "app", "db")
    neighbour = start("arp", 100.2, "client", "app")
    assert first_server(before, of_another, neighbour, start("dns", 100.3, "client", "dns")) == "dns"


def test_nothing_is_said_of_a_node_that_sent_nothing() -> None:
    assert first_server(start("opening", 99.9, "client", "app")) is None
    assert first_server(start("opening", 100.1, "app", "db")) is None
    assert first_server(start("ndp", 100.1, "client", "app")) is None
