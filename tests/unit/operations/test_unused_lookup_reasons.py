"""A lookup that nothing followed is told in time, with the reason by the routing table where it is known by then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from orchestrator.lessons.unused_lookups import UNUSED_SECONDS
from orchestrator.operations.lessons.unused_lookup_reasons import REASON_SECONDS, UnusedLookupReasons
from orchestrator.traffic.exchanges.events import DnsExchange, DnsRecord, Endpoint, Flow

FLOW = Flow(1, "udp", Endpoint("client", "10.0.1.5", 40000), Endpoint("dns", "10.0.1.2", 53), None)
ANSWER = (DnsRecord("A", "10.0.2.7", "db"),)
LOOKUP = DnsExchange(1, FLOW, 9.0, 9.1, "db.shop.lab", "A", "NOERROR", ANSWER, True, False, False, 1, 9.0)
LAB = cast(Any, "the lab")


class Clock:
    """A clock, and a routing table that answers once it may."""

    def __init__(self) -> None:
        self.now = 10.0
        self.may_answer = threading.Event()
        self.asked: list[tuple[str, str]] = []

    def reason(self, _lab: object, node: str, address: str) -> str:
        self.asked.append((node, address))
        self.may_answer.wait(20)
        return f"has no route to {address}"


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.may_answer.set()


def told(alone: UnusedLookupReasons, clock: Clock, after: float) -> str:
    """What is said so many seconds after the lookup; asked until the thread has ended, where it may."""
    clock.now = 10.0 + after
    for _ in range(200 if clock.may_answer.is_set() else 1):
        if different := alone.due(LAB, "GET /"):
            return different.sentence
        threading.Event().wait(0.001)
    return ""


def test_the_reason_is_asked_before_it_is_due_and_told_once(clock: Clock) -> None:
    alone = UnusedLookupReasons(clock.reason, lambda: clock.now)
    alone.lookups.note(LOOKUP, clock.now)
    assert alone.due(LAB, "GET /") is None
    assert clock.asked == []  # a program that connects does so before
    assert told(alone, clock, UNUSED_SECONDS - 0.1) == ""
    clock.may_answer.set()
    expected = "client asked dns for db.shop.lab: 10.0.2.7, and sent nothing to that address: "
    assert told(alone, clock, UNUSED_SECONDS) == f"{expected}client has no route to 10.0.2.7. Expected: GET /."
    assert clock.asked == [("client", "10.0.2.7")]
    assert alone.due(LAB, "GET /") is None
    alone.close()


def test_a_routing_table_that_does_not_answer_in_time_keeps_no_learner_waiting(clock: Clock) -> None:
    alone = UnusedLookupReasons(clock.reason, lambda: clock.now)
    alone.lookups.note(LOOKUP, clock.now)
    assert told(alone, clock, UNUSED_SECONDS) == ""
    assert told(alone, clock, REASON_SECONDS + 0.01).endswith("sent nothing to that address so far. Expected: GET /.")
    clock.may_answer.set()
    alone.close()


def test_what_was_looked_up_in_an_earlier_task_is_not_told(clock: Clock) -> None:
    alone = UnusedLookupReasons(clock.reason, lambda: clock.now)
    alone.lookups.note(LOOKUP, clock.now)
    alone.clear()
    clock.may_answer.set()
    assert told(alone, clock, REASON_SECONDS + 0.01) == ""
    alone.close()
