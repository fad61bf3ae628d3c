"""A hostile DNS server on loopback, asked by the program that runs in nodes: what counts as an answer, and what not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import dns.message
import dns.rrset
import hostile_dns
import pytest
from check_harness import check, judged, ran
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.checks.dns_answer import DnsAnswer, answers_in, read_attempts
from orchestrator.checks.dns_query import DnsQuestion

pytestmark = pytest.mark.slow

DOMAIN = "shop.lab"
TYPES = {"unknown": "TYPE65280", "texts": "TXT"}
NAMES = (*hostile_dns.ANSWERS, *hostile_dns.CHANGES, "nodata")
Outputs = dict[str, str]


def ask(name: str, port: int, **settings: object) -> str:
    """What the program prints on this machine."""
    asked = DnsQuestion(f"{name}.{DOMAIN}", TYPES.get(name, "A"), "127.0.0.1", port=port)
    argv = replace(asked, **settings).argv()  # type: ignore[arg-type]
    return subprocess.run((sys.executable, *argv[1:]), capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def outputs() -> Iterator[Outputs]:
    """Several questions at once: some of them are waited on until their time is up."""
    hostile_dns.answer(dns.message.make_query("many.shop.lab.", "A").to_wire(), "tcp")  # takes long, the first time
    with hostile_dns.serving() as port, ThreadPoolExecutor(8) as pool:
        yield dict(zip(NAMES, pool.map(lambda name: ask(name, port), NAMES), strict=True))


def answer(out: str) -> DnsAnswer:
    return answers_in(read_attempts(out))[-1]


def verdict(out: str, name: str, **keys: object) -> tuple[str, str]:
    judgement = judged(check(from_="client", resolves=f"{name}.{DOMAIN}", **keys), ran(out))
    return judgement.verdict, judgement.actual


@pytest.mark.parametrize("name", ["plain", "mixed", "twice", "strange", "chain", "backwards"])
def test_an_answer_that_belongs_to_the_question_passes(outputs: Outputs, name: str) -> None:
    """In another case of letters, and along its aliases, in whatever order these come. Two equal records are one."""
    assert verdict(outputs[name], name, to=[hostile_dns.ADDRESS], count=1)[0] == "pass"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("owner", "NOERROR; that is not 10.0.0.1; evil.example A is no answer to the question"),
        ("wildcard", "NOERROR; that is not 10.0.0.1; *.shop.lab A is no answer to the question"),
        ("broken", "NOERROR; that is not 10.0.0.1; c.shop.lab A is no answer to the question"),
        ("loop", "NOERROR; that is not 10.0.0.1; c.shop.lab A is no answer to the question"),
        ("cut", "NOERROR 10.0.0.1; the answer is truncated (TC)"),
        ("servfail", "SERVFAIL; the response code is SERVFAIL, not NOERROR"),
        ("refused", "REFUSED; the response code is REFUSED, not NOERROR"),
        ("nodata", "NOERROR; that is not 10.0.0.1"),
    ],
)
def test_an_address_that_no_alias_connects_with_the_question_is_no_answer(
    outputs: Outputs, name: str, wrong: str
) -> None:
    assert verdict(outputs[name], name, to=[hostile_dns.ADDRESS]) == ("fail", wrong)


@pytest.mark.parametrize(
    ("name", "came"),
    [
        ("noquestion", "a message came that is no answer: its question section is empty"),
        ("otherquestion", "a message came that is no answer: its question is other.shop.lab A"),
        ("qr0", "a message came that is no answer: the QR flag is missing"),
        ("otherid", "a message came that is no answer: its id is another one"),
        ("short", "a malformed message came (ShortHeader)"),
        ("empty", "a malformed message came (ShortHeader)"),
        ("garbage", "a malformed message came (BadPointer)"),
    ],
)
def test_a_message_that_is_no_answer_is_waited_past_and_named(outputs: Outputs, name: str, came: str) -> None:
    attempts = read_attempts(outputs[name])
    assert [attempt.reason for attempt in attempts] == [came, "timed out"]
    assert verdict(outputs[name], name, to=[hostile_dns.ADDRESS]) == ("fail", "no DNS server answered: timed out")
    assert verdict(outputs[name], name, answered=False)[0] == "fail"


def test_a_malformed_answer_is_none(outputs: Outputs) -> None:
    (attempt,) = read_attempts(outputs["pointer"])
    assert attempt.answer is None
    assert attempt.reason.startswith("a malformed message came")
    assert verdict(outputs["pointer"], "pointer", to=[hostile_dns.ADDRESS])[0] == "fail"


def test_texts_are_read_as_their_author_wrote_them(outputs: Outputs) -> None:
    """Whatever they look like; and what would steer a terminal is escaped before it is shown."""
    written = {
        'it\'s "quoted"',
        "line\nfeedsemi;colon",
        "back\\slash",
        "\x1b[31mred\x1b[0m",
        "x" * 255 + "y",
        ";; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 1",
        "- type: MESSAGE",
        "ü",
        "\ufffd",
        "",
    }
    assert set(answer(outputs["texts"]).values) == written
    assert answer(outputs["texts"]).rcode == "NOERROR"
    judgement = judged(
        check(from_="client", resolves="texts.shop.lab", type="TXT", to=sorted(written)), ran(outputs["texts"])
    )
    assert judgement.verdict == "pass"
    assert not {"\x1b", "\n"} & set(judgement.actual + "".join(judgement.evidence))


def test_names_keep_their_escaped_dots_and_spaces(outputs: Outputs) -> None:
    alias, address = answer(outputs["strange"]).results
    assert alias.value == address.owner == "we\\.ird\\032na\\\\me\\007'.shop.lab"


def test_an_unknown_type_and_very_many_records_are_read(outputs: Outputs) -> None:
    assert answer(outputs["unknown"]).values == ("\\# 4 0a000001",)
    many = answer(outputs["many"])
    assert (many.rcode, many.protocol, len(many.values)) == ("NOERROR", "TCP", 600)
    assert set(many.values) == set(hostile_dns.MANY)


def test_the_time_for_which_an_answer_may_be_kept_is_that_of_the_address(outputs: Outputs) -> None:
    assert verdict(outputs["chain"], "chain", ttl=20)[0] == "pass"


def test_a_name_that_no_server_can_be_asked_for_is_unknown() -> None:
    assert ask("two..dots", 9) == ""
    assert verdict("", "two..dots")[0] == "unknown"


def test_a_server_that_is_not_there_refuses() -> None:
    """The kernel says so at once, over both protocols."""
    with hostile_dns.serving() as port:
        pass
    for tcp in (False, True):
        (attempt,) = read_attempts(ask("plain", port, tcp=tcp))
        assert (attempt.reason, attempt.in_vain) == ("connection refused", True)


CHAIN = dns.message.make_query("chain.shop.lab.", "A")
WIRE = hostile_dns.answer(CHAIN.to_wire(), "tcp")


def _change(at: int, sign: int) -> Callable[[bytes], bytes]:
    return lambda wire: wire[: at % len(wire)] + bytes([sign]) + wire[at % len(wire) + 1 :]


@given(some.lists(some.builds(_change, some.integers(2, 200), some.integers(0, 255)), min_size=1, max_size=6))
def test_no_bytes_make_the_reading_fail(changes: list[Callable[[bytes], bytes]]) -> None:
    """Each message is an answer, or the reason is given why it is none."""
    wire = WIRE
    for change in changes:
        wire = change(wire)
    (attempt,) = read_attempts(f"127.0.0.1 UDP answer {CHAIN.to_wire().hex()} {wire.hex()}\n")
    assert (attempt.answer is None) == bool(attempt.reason)
