"""A lookup that nothing followed is an attempt, and what is said of it names the address and why nothing was sent."""

from __future__ import annotations

import pytest

from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import ResolvesObservation
from orchestrator.lessons.unused_lookups import DOUBTFUL_SECONDS, UnusedLookups, is_lookup_for
from orchestrator.traffic.exchanges.events import DnsExchange, DnsRecord, Endpoint, ExchangeStart, Flow

WANTED = "GET http://app.shop.lab/items"
LATER = 10.0 + DOUBTFUL_SECONDS


def question(*addresses: str, kind: str = "A", name: str = "db.shop.lab", node: str = "client") -> DnsExchange:
    flow = Flow(1, "udp", Endpoint(node, "10.0.1.5", 40000), Endpoint("dns", "10.0.1.2", 53), None)
    answers = tuple(DnsRecord(kind, address, "db") for address in addresses)
    return DnsExchange(1, flow, 9.0, 9.1, name, kind, "NOERROR", answers, True, False, False, 1, 9.0)


def start(kind: str, server: str, address: str = "", subject: str = "", client: str = "client") -> ExchangeStart:
    return ExchangeStart(2, kind, 9.2, client, server, 2, subject, server_address=address)


def noted(*events: DnsExchange) -> UnusedLookups:
    lookups = UnusedLookups()
    for event in events:
        lookups.note(event, 10.0)
    return lookups


@pytest.mark.parametrize(
    ("events", "reason", "sentence"),
    [
        (
            [question("10.0.2.7")],
            "has no route to 10.0.2.7 (Network is unreachable)",
            "client asked dns for db.shop.lab: 10.0.2.7, and sent nothing to that address: "
            "client has no route to 10.0.2.7 (Network is unreachable)",
        ),
        (
            [question("10.0.2.7")],
            "",
            "client asked dns for db.shop.lab: 10.0.2.7, and sent nothing to that address so far",
        ),
        (
            [question(kind="AAAA"), question("10.0.2.7", "10.0.2.8")],  # the empty answer may come first
            "",
            "client asked dns for db.shop.lab: 10.0.2.7, 10.0.2.8, and sent nothing to any of these addresses so far",
        ),
        (
            [question("10.0.2.7"), question("fd00::7", kind="AAAA")],
            "",
            "client asked dns for db.shop.lab: 10.0.2.7, fd00::7, and sent nothing to any of these addresses so far",
        ),
        ([question(kind="MX")], "", "client asked dns for db.shop.lab MX: no MX record"),
    ],
    ids=["no-route", "unused", "empty-first", "both-families", "another-type"],
)
def test_what_is_said_of_a_lookup_that_nothing_followed(events: list[DnsExchange], reason: str, sentence: str) -> None:
    lookup = noted(*events).doubtful(LATER)
    assert lookup is not None
    assert lookup.different_from(WANTED, reason).sentence == f"{sentence}. Expected: {WANTED}."


def test_a_lookup_is_no_attempt_before_something_could_follow() -> None:
    assert noted(question("10.0.2.7")).doubtful(10.0) is None


@pytest.mark.parametrize(
    ("use", "is_used"),
    [
        (start("opening", "db", "10.0.2.7"), True),
        (start("opening", "10.0.2.7", "10.0.2.7"), True),
        (start("icmp", "db"), True),
        (start("dns", "db"), True),  # dig @db.shop.lab looks db up first
        (start("arp", "router", subject="10.0.1.1"), True),  # it looks for the machine that passes packets on
        (start("opening", "app", "10.0.1.3"), False),
        (start("dns", "dns"), False),
        (start("opening", "db", "10.0.2.7", client="clerk"), False),
    ],
)
def test_a_packet_to_the_address_uses_the_lookup(use: ExchangeStart, is_used: bool) -> None:
    lookups = noted(question("10.0.2.7"))
    lookups.note_use(use)
    assert (lookups.doubtful(LATER) is None) is is_used


@pytest.mark.parametrize(
    ("event", "is_noted"), [(question("10.0.2.7"), True), (question("10.0.2.7", node="clerk"), False)]
)
def test_only_the_node_that_is_to_connect_makes_an_attempt_by_a_lookup(event: DnsExchange, is_noted: bool) -> None:
    wants_http = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/items"})
    assert is_lookup_for(wants_http, event) is is_noted


def test_where_the_question_itself_is_wanted_it_is_compared_and_not_noted() -> None:
    wants_answer = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
    assert not is_lookup_for(wants_answer, question("10.0.2.7"))
