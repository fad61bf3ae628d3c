"""One lookup that nobody answers is one attempt, however many questions it asks; what a finished one asks is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.silent_lookups import FinishedLookup, SilentLookups, base_name, finished_lookup, is_in_vain
from orchestrator.traffic.exchanges.events import DnsExchange, Endpoint, ExchangeStart, Flow, TcpHandshake

SERVERS = ("dns-1", "dns-2")


def question(
    exchange: int, at: float, server: str = "dns-1", name: str = "app.shop.lab", kind: str = "A"
) -> ExchangeStart:
    return ExchangeStart(exchange, "dns", at, "client", server, exchange, f"{name} {kind}", 53)


def search(exchange: int, at: float, server: str = "dns-1") -> ExchangeStart:
    return ExchangeStart(exchange, "arp", at, "client", server, 0, "192.168.7.10")


def lookups(*starts: ExchangeStart) -> SilentLookups:
    known = SilentLookups()
    for start in starts:
        known.begin(start, "shop.lab", SERVERS)
    return known


def answer(name: str = "app.shop.lab", rcode: str = "NOERROR", exchange: int = 1) -> DnsExchange:
    ends = Endpoint("client", "192.168.7.13", 40000), Endpoint("dns-1", "192.168.7.10", 53)
    return DnsExchange(exchange, Flow(1, "udp", *ends, 1.0), 1.0, 3.0, name, "A", rcode, (), True, True, False, 1, 1.0)


def test_of_all_questions_of_a_lookup_one_is_spoken_of_and_one_explained() -> None:
    starts = [
        search(1, 0.0),
        question(2, 0.1),
        question(3, 0.1, kind="AAAA"),
        question(4, 2.1, "dns-2"),
        question(5, 4.2),
        question(6, 6.3, "dns-2", "app.shop.lab.shop.lab"),
    ]
    known = lookups(*starts)
    assert not known.is_told(answer(rcode="", exchange=4))
    assert [known.is_to_tell(start) for start in starts] == [True, False, False, False, False, False]
    assert [known.is_to_explain(start) for start in starts[1:]] == [True, False, False, False, False]
    assert known.is_told(answer(rcode="", exchange=4))


@pytest.mark.parametrize(
    "other",
    [
        question(2, 9.0),  # the same command once more
        question(2, 0.5, name="db.shop.lab"),
        replace(question(2, 0.5), client="app"),
        replace(search(2, 0.5, "app"), server="app"),
        ExchangeStart(2, "opening", 0.5, "client", "app", 2, "app:80", 80),
    ],
)
def test_another_attempt_is_spoken_of(other: ExchangeStart) -> None:
    known = lookups(question(1, 0.0), other)
    assert known.is_to_tell(question(1, 0.0))
    assert known.is_to_tell(other)


@pytest.mark.parametrize(("server", "goes_on"), [("dns-2", True), ("dns-1", False)])
def test_a_lookup_goes_on_when_another_server_is_asked(server: str, goes_on: bool) -> None:
    known = lookups(question(1, 0.0), question(2, 2.0, server))
    assert known.has_followed(question(1, 0.0)) == goes_on


def test_what_a_program_asks_after_it_completed_a_task_is_no_attempt() -> None:
    finished = finished_lookup(answer(), "shop.lab")
    assert finished == FinishedLookup("client", "app", "shop.lab", 3.0)
    assert finished.has("client", "app.shop.lab", "AAAA", 4.0)
    assert finished.has("client", "app.shop.lab.shop.lab.", "MX", 5.0)
    assert finished.has_search(search(2, 7.0), SERVERS)
    assert finished.has_search(search(3, 9.5, "dns-2"), SERVERS)
    assert not finished.has_search(search(4, 13.0), SERVERS)
    assert not finished.has("client", "app.shop.lab", "A", 5.0)
    assert not finished.has("client", "app.shop.lab", "AAAA", 60.0)  # somebody asks anew
    assert not finished.has("client", "db.shop.lab", "AAAA", 5.0)
    assert not finished.has("app", "app.shop.lab", "AAAA", 5.0)
    assert finished_lookup(handshake("accepted"), "shop.lab") is None


def handshake(outcome: str) -> TcpHandshake:
    ends = Endpoint("client", "192.168.7.13", 40000), Endpoint("app", "192.168.7.12", 80)
    return TcpHandshake(1, Flow(1, "tcp", *ends, 1.0), 1.0, 1.0, outcome, 1, 1.0)


def test_an_exchange_that_nobody_answered_was_in_vain() -> None:
    assert [is_in_vain(answer(rcode=rcode)) for rcode in ("", "NXDOMAIN")] == [True, False]
    assert [is_in_vain(handshake(outcome)) for outcome in ("silent", "refused")] == [True, False]


def test_the_name_that_was_typed_is_without_the_domain() -> None:
    assert [base_name(name, "shop.lab") for name in ("App.shop.lab.", "app.shop.lab.shop.lab", "app")] == ["app"] * 3
