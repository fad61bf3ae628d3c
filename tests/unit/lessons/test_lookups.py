"""The DNS questions of one run of a program are one attempt; a program that is run again is another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from orchestrator.lessons.lookups import lookup_of
from orchestrator.traffic.exchanges.events import DnsExchange, Endpoint, Flow

# When it begins, the name, the type, and what differs from client, dns and udp.
Question = tuple[float, str, str] | tuple[float, str, str, str]
ANSWERED_AFTER = 0.01


def question(started: float, name: str, kind: str, other: str = "") -> DnsExchange:
    client, server = ("app" if other == "app" else "client"), ("dns-2" if other == "dns-2" else "dns")
    ends = (Endpoint(client, client, 40000), Endpoint(server, server, 53))
    flow = Flow(1, "tcp" if other == "tcp" else "udp", *ends, opened=None)
    ended = None if other == "silent" else started + ANSWERED_AFTER
    return DnsExchange(1, flow, started, ended, name, kind, "NXDOMAIN", (), True, True, False, 1, started)


def attempts(questions: Iterable[Question]) -> int:
    """How many attempts these questions are."""
    lookup, count = None, 0
    for event in (question(*values) for values in questions):
        joined = lookup.joined_by(event, "shop.lab") if lookup else None
        count += joined is None
        lookup = joined or lookup_of(event, "shop.lab")
    return count


GETENT: Sequence[Question] = [(1.0, "ap.shop.lab", "A"), (1.0, "ap.shop.lab", "AAAA")]
HOST: Sequence[Question] = [(1.0, "ap.shop.lab", "A"), (1.015, "ap.shop.lab", "AAAA"), (1.03, "ap.shop.lab", "MX")]


@pytest.mark.parametrize(
    "questions",
    [
        GETENT,
        list(reversed(GETENT)),
        HOST,
        [(1.0, "ap.shop.lab", "A", "silent"), (1.0, "Ap.Shop.Lab.", "AAAA", "silent")],
        [(1.0, "ap.shop.lab", "A"), (1.0, "ap.shop.lab", "AAAA"), (1.02, "ap", "A"), (1.02, "ap", "AAAA")],
        [(1.0, "ap.shop.lab", "A"), (1.02, "ap.shop.lab", "A", "dns-2"), (1.04, "ap.shop.lab", "A", "tcp")],
    ],
)
def test_the_questions_of_one_run_of_a_program_are_one_attempt(questions: Sequence[Question]) -> None:
    assert attempts(questions) == 1


@pytest.mark.parametrize(
    "questions",
    [
        [(1.0, "ap.shop.lab", "A"), (1.05, "ap.shop.lab", "A")],  # dig, and dig again by a loop of a shell
        [(1.0, "ap.shop.lab", "A"), (3.0, "ap.shop.lab", "AAAA")],  # dig, and then dig for the other type by hand
        [(1.0, "ap.shop.lab", "A"), (1.0, "aq.shop.lab", "AAAA")],
        [(1.0, "ap.shop.lab", "A"), (1.0, "ap.shop.lab", "AAAA", "app")],
    ],
)
def test_another_run_name_or_node_is_another_attempt(questions: Sequence[Question]) -> None:
    assert attempts(questions) == 2


def test_a_program_that_is_run_twice_is_two_attempts() -> None:
    again: list[Question] = [(2.0, "ap.shop.lab", "A"), (2.0, "ap.shop.lab", "AAAA")]
    assert attempts([*GETENT, *again]) == 2
