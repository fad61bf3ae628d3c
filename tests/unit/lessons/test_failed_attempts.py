"""Why an attempt failed is asked by a check of the very attempt, and told while the learner goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.checks.probes import RunProgram
from orchestrator.checks.walk import Cause, Layer, Walk, make_walk
from orchestrator.errors import EngineMissing
from orchestrator.lab.probe_log import OnProbe
from orchestrator.lessons.failed_attempts import FailedAttempt, failed_attempt, unanswered_attempt
from orchestrator.lessons.messages import NotDone
from orchestrator.model.checks import BaseCheck, Connects, Resolves
from orchestrator.operations.lessons.attempt_explainer import AttemptExplainer, NotExplained
from orchestrator.operations.lessons.own_probes import OwnProbes
from orchestrator.rendering.lesson import message_text
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    HttpExchange,
    TcpClose,
    TcpHandshake,
)

PROBE = RunProgram("client", ("curl", "http://app.shop.lab/"))
ADDRESSES = {"dns": "192.168.7.10", "app": "192.168.7.12", "client": "192.168.7.13"}


def flow(server: str, port: int, name: str = "", client: str = "client") -> Flow:
    ends = (Endpoint(client, ADDRESSES[client], 40000), Endpoint(server, ADDRESSES[server], port))
    return Flow(1, "tcp", *ends, opened=1.0, name=name)


def dns(name: str, rcode: str, kind: str = "A", server: str = "dns") -> DnsExchange:
    return DnsExchange(1, flow(server, 53), 5.0, 5.1, name, kind, rcode, (), True, True, False, 1, 1.0)


def tcp(port: int, outcome: str, name: str = "app.shop.lab", began: float = 5.0) -> TcpHandshake:
    return TcpHandshake(1, flow("app", port, name), began, began + 0.1, outcome, 1, began)


def closed(port: int, sent: int) -> TcpClose:
    return TcpClose(1, flow("app", port), 5.2, "closed", "client", sent, 0, False)


def http(target: str, status: int | None) -> HttpExchange:
    return HttpExchange(1, flow("app", 80, "app.shop.lab"), 5.0, 5.1, "GET", target, "", status, "", 10, "answered")


CHECKS: list[tuple[CompletedEvent, Mapping[str, object]]] = [
    (dns("Ap.shop.lab.", "NXDOMAIN"), {"kind": "Resolves", "resolves": "ap.shop.lab"}),
    (dns("app.shop.lab", "SERVFAIL", "AAAA"), {"kind": "Resolves", "resolves": "app.shop.lab"}),
    (tcp(8080, "refused"), {"kind": "Connects", "connects": "app.shop.lab:8080"}),
    (tcp(8080, "silent", name=""), {"kind": "Connects", "connects": "192.168.7.12:8080"}),
    (http("/nothing", 404), {"kind": "Http", "http": "http://app.shop.lab:80/nothing"}),
]


@pytest.mark.parametrize(("event", "expected"), CHECKS)
def test_an_attempt_that_failed_is_a_check(event: CompletedEvent, expected: Mapping[str, object]) -> None:
    attempt = failed_attempt(event)
    assert attempt
    check = attempt.check
    seen = {"kind": type(check).__name__, "node": attempt.node}
    seen |= {key: getattr(check, key) for key in expected if key != "kind"}
    assert seen == {**expected, "node": "client"}


@pytest.mark.parametrize(("server", "asks"), [("dns", None), ("app", "app"), ("client", "client")])
def test_a_question_to_another_server_than_those_of_the_node_is_put_to_this_one_again(
    server: str, asks: str | None
) -> None:
    for attempt in (
        failed_attempt(dns("app.shop.lab", "", server=server), ("dns", "client")),
        unanswered_attempt(ExchangeStart(1, "dns", 5.0, "client", server, 1, "app.shop.lab A"), ADDRESSES, ("dns",)),
    ):
        assert attempt
        assert isinstance(attempt.check, Resolves)
        assert attempt.check.asks == asks


@pytest.mark.parametrize(
    "event",
    [
        dns("app.shop.lab", "NOERROR"),
        dns("app.shop.lab", "NXDOMAIN", "TXT"),
        tcp(80, "accepted"),
        tcp(80, "abandoned"),
        http("/items", 200),
        http("/items", None),
        http("/a b", 404),
        replace(http("/items", 500), method="POST"),  # it must not be made again
    ],
)
def test_what_did_not_fail_or_is_no_check_is_not_explained(event: CompletedEvent) -> None:
    assert failed_attempt(event) is None


@pytest.mark.parametrize(
    ("kind", "server", "subject", "key", "value"),
    [
        ("dns", "dns", "app.shop.lab A", "resolves", "app.shop.lab"),
        ("opening", "app", "app:80", "connects", "${app}:80"),
        ("opening", "192.168.7.99", "192.168.7.99:80", "connects", "192.168.7.99:80"),
    ],
)
def test_what_nobody_answers_is_explained_too(kind: str, server: str, subject: str, key: str, value: str) -> None:
    start = ExchangeStart(1, kind, 5.0, "client", server, 1, subject)
    attempt = unanswered_attempt(start, ADDRESSES)
    assert attempt
    assert getattr(attempt.check, key) == value


def test_of_a_machine_with_several_addresses_the_one_that_was_tried_is_explained() -> None:
    start = ExchangeStart(1, "opening", 5.0, "client", "app", 1, "app:80", server_address="192.168.8.12")
    attempt = unanswered_attempt(start, ADDRESSES)
    assert attempt
    assert isinstance(attempt.check, Connects)
    assert attempt.check.connects == "192.168.8.12:80"


def test_another_kind_without_an_answer_is_not_explained() -> None:
    assert unanswered_attempt(ExchangeStart(1, "http", 5.0, "client", "app", 1, "GET /"), ADDRESSES) is None


def refused() -> FailedAttempt:
    attempt = failed_attempt(tcp(8080, "refused"))
    assert attempt
    return attempt


def walk(sentence: str) -> Walk:
    cause = Cause(sentence, "")
    layer = Layer("listen", "client", "app", "fail", "no listener", causes=(cause,), title="process listens")
    return make_walk([layer] if sentence else [], Cause("Each layer held.", ""))


class Explaining:
    """An explanation that a test lets go on step by step."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.is_probing = threading.Event()
        self.asked: list[BaseCheck] = []
        self.explainer = AttemptExplainer(self._explain, OwnProbes())

    def _explain(self, check: BaseCheck, on_probe: OnProbe) -> Walk:
        self.asked.append(check)
        on_probe(PROBE, True)
        self.is_probing.set()
        self.may_end.wait(10)
        on_probe(PROBE, False)
        return walk("Nobody listens on port 8080 of app.")

    def ask(self, attempt: FailedAttempt) -> None:
        self.explainer.ask(attempt)
        assert self.is_probing.wait(10)

    def end(self) -> Walk | NotExplained | None:
        """Let the probe end, and whatever is asked after it."""
        self.may_end.set()
        self.explainer.close()
        return self.explainer.explained()

    def next_told(self) -> Walk | NotExplained | None:
        """What is told next."""
        deadline = time.monotonic() + 10
        while (told := self.explainer.explained()) is None and time.monotonic() < deadline:
            threading.Event().wait(0.001)
        return told


def test_an_explanation_goes_on_beside_the_lesson() -> None:
    explaining = Explaining()
    explainer = explaining.explainer
    explaining.ask(refused())
    assert explainer.explained() is None
    assert explainer.is_busy
    told = explaining.end()
    assert isinstance(told, Walk)
    assert told.sentence == "Nobody listens on port 8080 of app."
    assert explainer.explained() is None  # once


def test_an_attempt_meanwhile_waits_until_the_one_before_is_explained() -> None:
    explaining = Explaining()
    explainer = explaining.explainer
    first, second = refused(), failed_attempt(dns("ap.shop.lab", "NXDOMAIN"))
    assert second
    explaining.ask(first)
    explainer.ask(first)  # the same once more is explained just now
    explainer.ask(second)
    explaining.may_end.set()
    assert explaining.next_told()
    assert explaining.next_told()
    assert explaining.asked == [first.check, second.check]
    explainer.close()


def test_an_explanation_is_not_told_where_no_layer_is_broken_or_the_task_is_over() -> None:
    explainer = AttemptExplainer(lambda _check, _on_probe: walk(""), OwnProbes())
    explainer.ask(refused())
    explainer.close()
    assert explainer.explained() is None
    explaining = Explaining()
    explaining.ask(refused())
    explaining.explainer.forget()
    assert explaining.end() is None


def test_an_explanation_that_fails_is_said_and_the_next_one_begins() -> None:
    """Also a defect of ours does not end the lesson."""

    def explain(check: BaseCheck, _on_probe: OnProbe) -> Walk:
        if isinstance(check, Connects):
            raise EngineMissing("the container engine does not answer", why="no answer in 5 s")
        raise ZeroDivisionError("a defect")

    explainer = AttemptExplainer(explain, OwnProbes())
    other = failed_attempt(dns("ap.shop.lab", "NXDOMAIN"))
    assert other
    told: list[Walk | NotExplained | None] = []
    for attempt in (refused(), other):
        explainer.ask(attempt)
        deadline = time.monotonic() + 10
        while (explained := explainer.explained()) is None and time.monotonic() < deadline:
            threading.Event().wait(0.001)
        told.append(explained)
    explainer.close()
    assert told == [
        NotExplained("the container engine does not answer: no answer in 5 s"),
        NotExplained("this is a bug in wirelab; please report it (ZeroDivisionError: a defect)"),
    ]
    assert not explainer.is_busy


def test_the_next_task_explains_the_same_attempt_anew() -> None:
    """What is explained when a task ends is told nobody, and the learner of the next task is told."""
    explaining = Explaining()
    explaining.ask(refused())
    explaining.explainer.forget()
    explaining.explainer.ask(refused())
    explaining.may_end.set()
    assert explaining.next_told()
    assert not explaining.explainer.is_busy
    assert len(explaining.asked) == 2


def test_the_cause_names_its_layer() -> None:
    assert message_text(NotDone("Nobody listens on port 8080 of app.", "process listens", is_cause=True), 80) == (
        "why (process listens): Nobody listens on port 8080 of app."
    )
