"""Recorded outcomes of connect(2) and of ss(8) -> verdict. That nothing connects needs positive evidence."""

from __future__ import annotations

import pytest
from asked import check, conversation, judged, ran

from orchestrator.judging.questions import Run, Unasked

ACCEPTED = ran("192.168.7.12\nESTAB 0 0 192.168.7.13:41234 192.168.7.12:80\n")
REFUSED = ran(
    "192.168.7.12\n",
    "bash: connect: Connection refused\nbash: line 3: /dev/tcp/192.168.7.12/80: Connection refused\n",
    1,
)
LOOPBACK_REFUSED = ran("127.0.0.1\n", "bash: connect: Connection refused\n", 1)
SILENT = ran("192.168.7.12\n", "", 124)
UNREACHABLE = ran("192.168.7.12\n", "bash: connect: No route to host\n", 1)
NO_ADDRESS = ran("", "no address for app.shop.lab\n", 68)
LISTENS = ran("LISTEN 0 128 0.0.0.0:80 0.0.0.0:*\n")
LISTENS_ELSEWHERE = ran("LISTEN 0 128 127.0.0.1:80 0.0.0.0:*\nLISTEN 0 128 0.0.0.0:8080 0.0.0.0:*\n")


def connects(host: str = "app.shop.lab:80") -> object:
    return check(from_="client", connects=host)


def cannot(host: str = "app.shop.lab:80") -> object:
    return check(from_="client", cannot_connect=host)


def test_an_accepted_connection_passes_with_both_ends() -> None:
    found = judged(connects(), ACCEPTED)
    assert (found.verdict, found.actual) == ("pass", "accepted: 192.168.7.13:41234 -> 192.168.7.12:80")
    assert found.expected == "client connects to app.shop.lab:80"
    assert found.evidence


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (REFUSED, "refused: Connection refused"),
        (SILENT, "silent: no answer in 2 s"),
        (UNREACHABLE, "unreachable: No route to host"),
        (NO_ADDRESS, "no address: no address for app.shop.lab"),
    ],
)
def test_every_other_outcome_fails(answer: object, seen: str) -> None:
    found = judged(connects(), answer)
    assert (found.verdict, found.actual) == ("fail", seen)


def test_a_connection_to_another_machine_than_meant_fails() -> None:
    """The name led to the database: that something accepted there proves nothing about the app."""
    found = judged(connects(), ran("192.168.7.11\nESTAB 0 0 192.168.7.13:4 192.168.7.11:80\n"))
    assert found.verdict == "fail"
    assert found.actual == "app.shop.lab led to 192.168.7.11, which is db and not app"


def test_a_refusal_is_evidence() -> None:
    found = judged(cannot(), REFUSED)
    assert (found.verdict, found.actual) == ("pass", "refused with an RST by 192.168.7.12")


def test_the_loopback_of_the_asker_is_the_asker() -> None:
    found = judged(cannot("127.0.0.1:80"), LOOPBACK_REFUSED)
    assert (found.verdict, found.expected) == ("pass", "client cannot connect to 127.0.0.1:80 (client)")


def test_what_is_accepted_is_not_prevented() -> None:
    found = judged(cannot(), ACCEPTED)
    assert (found.verdict, found.actual) == ("fail", "accepted: 192.168.7.13:41234 -> 192.168.7.12:80")


@pytest.mark.parametrize("answer", [SILENT, UNREACHABLE])
def test_silence_is_evidence_only_while_the_target_listens(answer: object) -> None:
    found, questions = conversation(cannot(), answer, LISTENS)
    assert found.verdict == "pass"
    assert found.actual.endswith("although app listens on 0.0.0.0:80")
    assert questions[1] == Run("app", ("ss", "-Htln"), frozenset({"ss"}))


@pytest.mark.parametrize("table", [ran(""), LISTENS_ELSEWHERE])
def test_silence_of_a_target_that_does_not_listen_proves_nothing(table: object) -> None:
    """A server that is down is silent too."""
    assert judged(cannot(), SILENT, table).verdict == "unknown"


@pytest.mark.parametrize(
    "answers",
    [
        (NO_ADDRESS,),
        (ran("", "bash: ss: command not found\n", 127),),
        (Unasked("the node client is stopped"),),
        (SILENT, Unasked("the node app is stopped")),
        (ran("192.168.7.11\n", "bash: connect: Connection refused\n", 1),),
    ],
)
def test_what_was_not_seen_is_unknown_and_never_a_pass(answers: tuple[object, ...]) -> None:
    """No address, a missing tool, a node that is gone, another machine that refused."""
    assert judged(cannot(), *answers).verdict == "unknown"


def test_a_silent_stranger_proves_nothing() -> None:
    assert judged(cannot("10.9.9.9:80"), ran("10.9.9.9\n", "", 124)).verdict == "unknown"
