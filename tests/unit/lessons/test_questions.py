"""Questions: choices come from the lab, in an order by the seed; a wrong answer is told why it is wrong."""

from __future__ import annotations

import pytest

from orchestrator.lessons.lesson import AskTask
from orchestrator.lessons.questions import Question, shown_order, wrong_because
from orchestrator.lessons.seed import shuffled


def task(ask: str) -> AskTask:
    fields = {"ask": ask, "title": "Which?", "truth": {"address_of": "app"}, "because": "So it is."}
    return AskTask.model_validate(fields)


NODES = Question(("db", "dns", "app"), "dns")
ADDRESS = Question((), "192.168.7.12")
PORT = Question((), "80")
HIGHEST = Question((), "65535")


@pytest.mark.parametrize(
    ("ask", "question", "answer"),
    [
        ("nodes", NODES, "dns"),
        ("nodes", NODES, " DNS\n"),
        ("nodes", NODES, "2"),
        ("nodes", NODES, "dns."),
        ("address", ADDRESS, "192.168.7.12"),
        ("port", PORT, "80"),
        ("port", HIGHEST, "065535"),
        ("port", HIGHEST, "65,535"),
        ("nodes", NODES, '"dns"!'),
    ],
)
def test_a_right_answer_is_taken_however_it_is_typed(ask: str, question: Question, answer: str) -> None:
    assert wrong_because(task(ask), question, answer) is None


@pytest.mark.parametrize(
    ("ask", "question", "answer", "reason"),
    [
        ("nodes", NODES, "app", '"app" is not right.'),
        ("nodes", NODES, "1", '"db" is not right.'),
        ("nodes", NODES, "APP.", '"app" is not right.'),
        ("nodes", NODES, "4", "'4' is none of the choices; type a number from 1 to 3."),
        ("nodes", NODES, "router", "'router' is none of the choices; type a number from 1 to 3."),
        (
            "address",
            ADDRESS,
            "192.168.1.300",
            "192.168.1.300 is no address: 300 is more than 255; each number is 0 to 255 (RFC 791).",
        ),
        (
            "address",
            ADDRESS,
            "192.168.1",
            "'192.168.1' is no address: an IPv4 address is four numbers with dots between them (RFC 791).",
        ),
        (
            "address",
            ADDRESS,
            "192.168.1.x",
            "'192.168.1.x' is no address: it is four numbers from 0 to 255 with dots between them (RFC 791).",
        ),
        ("address", ADDRESS, "192.168.7.13", "192.168.7.13 is an address, but not this one."),
        ("port", PORT, "http", "'http' is no port: a port is a number from 0 to 65535 (RFC 9293)."),
        ("port", HIGHEST, "65536", "65536 is no port: a port is a number of 16 bits (RFC 9293)."),
        ("port", PORT, "65536", "65536 is no port: a port is a number from 0 to 65535 (RFC 9293)."),
        ("port", PORT, "81", "81 is a port, but not this one."),
        ("port", PORT, "8,0", "'8,0' is no port: a port is a number from 0 to 65535 (RFC 9293)."),
    ],
)
def test_a_wrong_answer_is_told_why(ask: str, question: Question, answer: str, reason: str) -> None:
    assert wrong_because(task(ask), question, answer) == reason


@pytest.mark.parametrize("seed", range(5))
def test_choices_that_are_numbers_stand_in_their_order(seed: int) -> None:
    assert shown_order(("three", "One", "two"), seed, "How many?") == ("One", "two", "three")
    assert sorted(shown_order(("three", "one", "none"), seed, "How many?")) == ["none", "one", "three"]


def test_the_order_depends_on_the_seed_alone() -> None:
    items = ("a", "b", "c", "d")
    assert shuffled(items, 7, "q") == shuffled(reversed(items), 7, "q")
    assert len({shuffled(items, seed, "q") for seed in range(50)}) > 10
    assert sorted(shuffled(items, 7, "q")) == sorted(items)
