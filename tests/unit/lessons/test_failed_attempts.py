"""Why an attempt failed is asked by a check of the very attempt, and told while the learner goes on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.checks.walk import Cause, Layer, Walk, make_walk
from orchestrator.lessons.failed_attempts import FailedAttempt, failed_attempt, unanswered_attempt
from orchestrator.lessons.messages import NotDone
from orchestrator.operations.attempt_explainer import AttemptExplainer
from orchestrator.rendering.lesson import message_text
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    HttpExchange,
    TcpHandshake,
)

ADDRESSES = {"dns": "192.168.7.10", "app": "192.168.7.12", "client": "192.168.7.13"}


def flow(server: str, port: int, name: str = "", client: str = "client") -> Flow:
    ends = (Endpoint(client, ADDRESSES[client], 40000), Endpoint(server, ADDRESSES[server], port))
    return Flow(1, "tcp", *ends, opened=1.0, name=name)


def dns(name: str, rcode: str, kind: str = "A") -> DnsExchange:
    return DnsExchange(1, flow("dns", 53), 5.0, 5.1, name, kind, rcode, (), True, True, False, 1, 1.0)


def tcp(port: int, outcome: str, name: str = "app.shop.lab", began: float = 5.0) -> TcpHandshake:
    return TcpHandshake(1, flow("app", port, name), began, began + 0.1, outcome, 1, began)


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
    assert attempt.is_repeated_by(event)
    assert not attempt.is_repeated_by(tcp(81, "refused", name="other.shop.lab"))


def test_another_request_to_the_same_server_is_no_repetition() -> None:
    attempt = failed_attempt(http("/items", 503))
    assert attempt
    assert attempt.is_repeated_by(http("/items", 503))
    assert attempt.is_repeated_by(tcp(80, "accepted"))
    assert not attempt.is_repeated_by(http("/health", 503))
    assert not attempt.is_repeated_by(replace(http("/items", 503), method="POST"))


BETTER: list[tuple[CompletedEvent, CompletedEvent]] = [
    (dns("app.shop.lab", "SERVFAIL"), dns("app.shop.lab", "NOERROR")),
    (tcp(8080, "refused"), tcp(8080, "accepted")),
    (http("/items", 400), http("/items", 201)),
]


@pytest.mark.parametrize(("failed", "better"), BETTER)
def test_what_goes_well_is_no_repetition_of_what_failed(failed: CompletedEvent, better: CompletedEvent) -> None:
    """A learner who mends a request and sends it at once, while the first one is explained, is not overlooked."""
    attempt = failed_attempt(failed)
    assert attempt
    assert attempt.is_repeated_by(failed)
    assert not attempt.is_repeated_by(better)


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
    assert attempt.is_begun_again_by(start)


def test_a_request_that_a_check_begins_again_is_known_by_its_target() -> None:
    attempt = failed_attempt(http("/items", 503))
    assert attempt
    assert attempt.is_begun_again_by(ExchangeStart(1, "http", 5.0, "client", "app", 1, "GET /items"))
    assert not attempt.is_begun_again_by(ExchangeStart(1, "http", 5.0, "client", "app", 1, "GET /health"))
    assert not attempt.is_begun_again_by(ExchangeStart(1, "http", 5.0, "db", "app", 1, "GET /items"))


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


def test_an_explanation_goes_on_beside_the_lesson_and_hides_its_own_probes_alone() -> None:
    may_end, times = threading.Event(), iter([10.0, 12.0])

    def explain(_check: object) -> Walk:
        may_end.wait(10)
        return walk("Nobody listens on port 8080 of app.")

    explainer = AttemptExplainer(explain, lambda: next(times))
    assert not explainer.is_own_probe(tcp(8080, "refused"))
    explainer.ask(refused())
    assert explainer.explained() is None
    assert explainer.is_own_probe(tcp(8080, "refused", began=11.0))
    assert not explainer.is_own_probe(tcp(80, "accepted", began=11.0))  # the learner does better
    assert not explainer.is_own_probe(tcp(8080, "refused", began=9.0))  # the learner's own, before
    may_end.set()
    explainer.close()
    told = explainer.explained()
    assert told
    assert told.sentence == "Nobody listens on port 8080 of app."
    assert explainer.explained() is None  # once
    assert not explainer.is_own_probe(tcp(8080, "refused", began=13.0))


def test_an_explanation_is_not_told_where_no_layer_is_broken_or_the_task_is_over() -> None:
    explainer = AttemptExplainer(lambda _check: walk(""))
    explainer.ask(refused())
    explainer.close()
    assert explainer.explained() is None
    explainer = AttemptExplainer(lambda _check: walk("Nobody listens."))
    explainer.ask(refused())
    explainer.forget()
    explainer.close()
    assert explainer.explained() is None


def test_the_cause_names_its_layer() -> None:
    assert message_text(NotDone("Nobody listens on port 8080 of app.", "process listens", is_cause=True), 80) == (
        "why (process listens): Nobody listens on port 8080 of app."
    )
