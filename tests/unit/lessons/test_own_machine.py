"""What a program sends to its own machine is read from tcpdump's lines, as tcpdump 4.99 printed them."""

from __future__ import annotations

import pytest

from orchestrator.lessons.own_machine import MOST_OPEN, read_own_attempts

SYN = "IP 127.0.0.1.50056 > 127.0.0.1.80: Flags [S], seq 2623727796, win 65495, options [mss 65495], length 0"
SYN_WITH_ECN = SYN.replace("[S]", "[SEW]")
REFUSED = "IP 127.0.0.1.80 > 127.0.0.1.50056: Flags [R.], seq 0, ack 2623727797, win 0, length 0"
ACCEPTED = "IP 127.0.0.1.80 > 127.0.0.1.50056: Flags [S.], seq 622233204, ack 2447697370, win 65483, length 0"
SYN_6 = "IP6 ::1.40320 > ::1.81: Flags [S], seq 1, win 65476, length 0"
REFUSED_6 = "IP6 ::1.81 > ::1.40320: Flags [R.], seq 0, ack 2, win 0, length 0"
ECHO = "IP 127.0.0.1 > 127.0.0.1: ICMP echo request, id 10112, seq 1, length 64"
ECHO_REPLY = "IP 127.0.0.1 > 127.0.0.1: ICMP echo reply, id 10112, seq 1, length 64"
UNREACHABLE = "IP 192.168.7.13 > 192.168.7.13: ICMP 192.168.7.13 udp port 53 unreachable, length 38"
UNREACHABLE_6 = "IP6 ::1 > ::1: ICMP6, destination unreachable, unreachable port, ::1 udp port 99, length 50"


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        ((SYN, REFUSED), "client opened a connection to itself, 127.0.0.1, port 80: refused"),
        ((SYN_WITH_ECN, ACCEPTED), "client opened a connection to itself, 127.0.0.1, port 80: accepted"),
        ((SYN_6, REFUSED_6), "client opened a connection to itself, ::1, port 81: refused"),
        ((ECHO, ECHO_REPLY), "client pinged itself, 127.0.0.1: it answered"),
        ((UNREACHABLE,), "client sent UDP to itself, 192.168.7.13, port 53: refused"),
        ((UNREACHABLE_6,), "client sent UDP to itself, ::1, port 99: refused"),
    ],
)
def test_an_attempt_at_the_own_machine_is_told_once(lines: tuple[str, ...], seen: str) -> None:
    told = [attempt.different_from("a page").sentence for attempt in read_own_attempts("client", iter(lines))]
    assert told == [f"{seen}. Expected: a page."]


def test_an_attempt_has_its_time() -> None:
    (attempt,) = read_own_attempts("client", iter((f"1795864365.283427 {SYN}", f"1795864365.283430 {REFUSED}")))
    assert attempt.at == 1795864365.28343


@pytest.mark.parametrize(
    "lines",
    [
        (REFUSED,),  # the end of a connection that was opened before
        (SYN,),
        (SYN, ACCEPTED.replace("50056", "50057")),
        ("listening on lo, link-type EN10MB (Ethernet), snapshot length 262144 bytes",),
        (ECHO,),
    ],
)
def test_what_is_no_whole_attempt_is_not_told(lines: tuple[str, ...]) -> None:
    assert list(read_own_attempts("client", iter(lines))) == []


def test_openings_without_an_answer_are_forgotten_after_many() -> None:
    others = (SYN.replace("127.0.0.1.80", f"127.0.0.1.{port}") for port in range(1000, 1000 + MOST_OPEN))
    assert list(read_own_attempts("client", iter((SYN, *others, REFUSED)))) == []
