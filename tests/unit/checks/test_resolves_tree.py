"""Recorded answers in a tree of DNS servers, and of their query logs -> verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dns.message
import pytest
from check_harness import PORT, TREE, WORD, check, conversation, judged, ran
from dns_bytes import QUERY, printed, question_of

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import LogText, ProgramResult, ReadLog, RunProgram

DIG = Path(__file__).parents[2] / "recordings" / "dig"
REFERRAL, MX, TXT, TURN, NX = ((DIG / f"{name}.txt").read_text() for name in ("referral", "mx", "txt", "turn", "nx"))
LOG = (
    "2026-11-23T23:13:10.{ms}Z queries: client @0x7f69 192.168.68.{who}#{port} ({name}): "
    "query: {name} IN {kind} -E(0) (192.168.68.12)\n"
)


def line(who: int, name: str, *, kind: str = "A", ms: int = 100, port: int = 37372) -> str:
    """One line of a query log; `who` is the last number of the asker's address."""
    return LOG.format(ms=f"{ms:03}", who=who, port=port, name=name, kind=kind)


def verdict(found: Judgement) -> tuple[str, str]:
    return found.verdict, found.actual


def test_a_server_that_leads_on_names_the_server_below() -> None:
    """A referral: no answer, no AA, NS in the authority section; asked directly, without recursion."""
    one = check(from_="client", resolves="www.shop.lab", asks="root", recursive=False, refers_to="tld")
    log = line(16, "www.shop.lab", port=PORT)
    judgement, probes = conversation(one, ran(printed(REFERRAL)), LogText(log), lab=TREE)
    assert verdict(judgement) == ("pass", "NOERROR")
    assert judgement.expected == "www.shop.lab A leads on to tld answered by root"
    assert judgement.evidence[-1] == "answer: lab 2 IN NS tld.shop.lab"
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[-1] == "192.168.68.10"
    assert dns.message.from_wire(bytes.fromhex(probes[0].argv[QUERY])).flags == 0


@pytest.mark.parametrize(
    ("keys", "out", "wrong"),
    [
        ({"refers_to": "auth"}, REFERRAL, "it leads on to tld.shop.lab"),
        ({"refers_to": "tld"}, REFERRAL.replace("flags: qr;", "flags: qr aa;"), "it names no other server"),
        ({"refers_to": "tld", "type": "MX"}, MX, "that is an answer, and does not lead on to another server"),
        ({"type": "MX", "to": "auth"}, MX, "that is not auth.shop.lab"),
        ({"type": "MX", "ttl": 5}, MX, "it may be kept for 4 s, not for 5 s"),
        ({"type": "MX", "ttl": {"at_most": 3}}, MX, "it may be kept for 4 s, not for at most 3 s"),
        ({"type": "MX", "ttl": {"at_least": 5}}, MX, "it may be kept for 4 s, not for at least 5 s"),
        ({"type": "MX", "count": 2}, MX, "there are 1 MX records, not 2"),
        ({"type": "MX", "over": "tcp"}, MX, "the answer came over UDP"),
        ({"type": "MX", "asks": "auth"}, MX, "192.168.68.13 answered, which is not auth"),
        ({"rcode": "NXDOMAIN", "ttl": 5}, NX, "it may be kept for 2 s, not for 5 s"),
        ({"ttl": 5}, REFERRAL.replace("IN	NS", "IN	TXT"), "there is no A record"),
        ({"count": 0, "ttl": 5}, REFERRAL, "nothing says for how long this may be kept"),
        ({"answered": False}, MX, "resolver answered"),
    ],
)
def test_what_differs_is_said(keys: dict[str, object], out: str, wrong: str) -> None:
    judgement = judged(check(from_="client", resolves="shop.lab", **keys), ran(printed(out)), lab=TREE)
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith(f"; {wrong}")


@pytest.mark.parametrize(
    ("keys", "out", "actual"),
    [
        ({"type": "MX", "to": "app", "ttl": 4, "count": 1}, MX, "NOERROR 10 app.shop.lab"),
        (
            {"type": "MX", "to": ["10 app.shop.lab"], "ttl": {"at_least": 1, "at_most": 4}},
            MX,
            "NOERROR 10 app.shop.lab",
        ),
        ({"type": "TXT", "to": ['a "b" ü'], "over": "tcp"}, TXT, 'NOERROR a "b" ü'),
        ({"rcode": "NXDOMAIN", "ttl": {"at_most": 2}}, NX, "NXDOMAIN"),
        ({"count": 0}, REFERRAL, "NOERROR"),
    ],
)
def test_what_is_as_declared_passes(keys: dict[str, object], out: str, actual: str) -> None:
    assert verdict(judged(check(from_="client", resolves="shop.lab", **keys), ran(printed(out)), lab=TREE)) == (
        "pass",
        actual,
    )


NAME = f"{WORD}.shop.lab"
WALK = check(from_="client", resolves="${random}.shop.lab", type="MX", through=["root", "tld", "auth"])
KNOWN = check(from_="client", resolves="${random}.shop.lab", type="MX", through=[])


def logs(**texts: str) -> list[LogText]:
    """The logs of all but the resolver, in the order of the file."""
    return [LogText(texts.get(node, "")) for node in ("root", "tld", "auth", "second")]


def marks(count: int, text: str = "status: REFUSED") -> list[ProgramResult]:
    return [ran(printed(text))] * count


MARK = line(16, f"{WORD}.log-mark")
ASKED = {node: line(13, NAME, kind="MX", ms=100) for node in ("root", "tld", "auth")}


def test_the_way_of_a_question_is_read_from_the_servers_logs() -> None:
    """Questions of the resolver count, in their order; each server that may not be asked is proved not to have been."""
    judgement, probes = conversation(WALK, ran(printed(MX)), *marks(1), *logs(**ASKED, second=MARK), lab=TREE)
    assert judgement.verdict == "pass"
    assert [text.split(": ")[0] for text in judgement.evidence[1:4]] == [
        f"query log of {n}" for n in ("root", "tld", "auth")
    ]
    assert "query log of second, up to a question of ours: nothing" in judgement.evidence
    assert [probe.node for probe in probes if isinstance(probe, ReadLog)] == ["root", "tld", "auth", "second"]


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        ({"auth": ASKED["auth"]}, "auth"),
        ({**ASKED, "root": line(13, NAME, kind="MX", ms=200)}, "tld -> auth -> root"),
        ({**ASKED, "root": line(16, NAME, kind="MX")}, "tld -> auth"),
        ({**ASKED, "root": line(13, "other.shop.lab", kind="MX")}, "tld -> auth"),
        ({**ASKED, "root": line(13, NAME)}, "tld -> auth"),
    ],
)
def test_another_way_fails(texts: dict[str, str], asked: str) -> None:
    """A server left out, another order, the question of a client, for another name, of another type."""
    judgement = judged(WALK, ran(printed(MX)), *marks(1), *logs(**texts, second=MARK), lab=TREE)
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith(f"asked on the way: {asked}, not root -> tld -> auth")


def test_what_was_asked_after_the_answer_was_not_asked_for_it() -> None:
    """Another question for the same name, which began when this one had its answer, at 23:13:10.150."""
    answer = replace(ran(printed(MX), started=1795475590.0), seconds=0.15)
    assert judged(WALK, answer, *marks(1), *logs(**ASKED, second=MARK), lab=TREE).verdict == "pass"
    later = {**ASKED, "auth": line(13, NAME, kind="MX", ms=151)}
    judgement = judged(WALK, answer, *marks(1), *logs(**later, second=MARK), lab=TREE)
    assert judgement.actual.endswith("asked on the way: root -> tld, not root -> tld -> auth")


def test_in_one_step_of_the_clock_the_order_is_that_of_the_tree_and_not_what_the_check_says() -> None:
    wrong = check(from_="client", resolves="${random}.shop.lab", type="MX", through=["tld", "root", "auth"])
    judgement = judged(wrong, ran(printed(MX)), *marks(1), *logs(**ASKED, second=MARK), lab=TREE)
    assert judgement.actual.endswith("asked on the way: root -> tld -> auth, not tld -> root -> auth")


def test_that_nobody_was_asked_is_proved_by_complete_logs() -> None:
    """Each log holds a question that we put afterwards, and before it nothing."""
    complete = dict.fromkeys(("root", "tld", "auth", "second"), MARK)
    assert judged(KNOWN, ran(printed(MX)), *marks(4), *logs(**complete), lab=TREE).verdict == "pass"
    judgement = judged(
        KNOWN, ran(printed(MX)), *marks(4), *logs(**{**complete, "auth": ASKED["auth"] + MARK}), lab=TREE
    )
    assert judgement.actual.endswith("asked on the way: auth, not nobody")


def test_a_log_that_is_not_complete_proves_nothing() -> None:
    late = logs(root=MARK, tld=MARK, auth="", second=MARK)
    judgement = judged(KNOWN, ran(printed(MX)), *marks(4), *late, lab=TREE)
    assert verdict(judgement) == ("unknown", "could not be asked: the log of auth is not complete yet")


def test_a_server_that_answers_nobody_was_not_asked_with_success() -> None:
    """Stopped servers cannot be given a question that marks their log's end."""
    assert judged(KNOWN, ran(printed(MX)), *marks(4, BOTH), *logs(), lab=TREE).verdict == "pass"


def test_the_second_server_is_asked_from_a_port_of_its_own() -> None:
    """The servers of resolv.conf are asked one after the other; the question is found in the second one's log."""
    one = check(from_="client", resolves="shop.lab", type="MX", answered_by="second")
    out = BOTH.splitlines(True)[0] + MX.replace("192.168.68.13", "192.168.68.14")
    judgement, probes = conversation(
        one, ran(printed(out)), LogText(line(16, "shop.lab", kind="MX", port=PORT + 1)), lab=TREE
    )
    assert verdict(judgement) == ("pass", "NOERROR 10 app.shop.lab")
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[5] == str(PORT)
    assert len(probes[0].argv) == QUERY + 1


MANY = check(from_="client", resolves="many.shop.lab", order="rotates", count=3)
FIRST = ";; Got answer:" + TURN.split(";; Got answer:")[1]


def test_the_order_turns() -> None:
    judgement, probes = conversation(MANY, ran(printed(FIRST)), ran(printed(TURN)), lab=TREE)
    assert judgement.verdict == "pass"
    assert "order: 192.168.68.11, 192.168.68.15, 192.168.68.10" in judgement.evidence
    assert isinstance(probes[1], RunProgram)
    assert (question_of(probes[1]), probes[1].argv[6]) == ("many.shop.lab. IN A", "6")


@pytest.mark.parametrize(
    ("order", "out", "wrong"),
    [
        ("rotates", FIRST * 6, "the order does not change"),
        ("fixed", TURN, "the order changes"),
        ("rotates", FIRST * 2, "only 2 of 6 further questions were answered"),
        (
            "rotates",
            FIRST * 5 + FIRST.replace("68.11", "x").replace("68.15", "68.11").replace("x", "68.15"),
            "the order changes, but not in turn",
        ),
    ],
)
def test_an_order_that_is_not_as_declared_fails(order: str, out: str, wrong: str) -> None:
    judgement = judged(
        check(from_="client", resolves="many.shop.lab", order=order), ran(printed(FIRST)), ran(printed(out)), lab=TREE
    )
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith(wrong)


def test_a_fixed_order_is_always_the_same() -> None:
    one = check(from_="client", resolves="many.shop.lab", order="fixed")
    assert judged(one, ran(printed(FIRST)), ran(printed(FIRST * 6)), lab=TREE).verdict == "pass"


BOTH = (
    ";; communications error to 192.168.68.13#53: timed out\n;; communications error to 192.168.68.14#53: timed out\n"
    ";; no servers could be reached\n"
)


def test_that_nobody_answers_is_proved_by_the_error_of_each_server() -> None:
    one = check(from_="client", resolves="app.shop.lab", answered=False)
    judgement = judged(one, ran(printed(BOTH)), lab=TREE)
    assert judgement.verdict == "pass"
    assert judgement.evidence == (
        "resolver: 192.168.68.13 over UDP: timed out",
        "second: 192.168.68.14 over UDP: timed out",
    )
    busy = BOTH.replace("68.14#53: timed out", "68.14#53: address in use")
    assert judged(one, ran(printed(busy)), lab=TREE).verdict == "unknown"
    half = judged(one, ran(printed(BOTH.replace("68.14", "68.99"))), lab=TREE)
    assert half.verdict == "unknown"
    assert half.actual.endswith("it is not known whether second was asked")
    assert judged(one, ran("", "this is not a DNS name", code=1), lab=TREE).verdict == "unknown"


def test_who_has_no_server_asks_its_own_machine_in_vain() -> None:
    """Without a server in resolv.conf the own machine is asked; where that is not said, nothing is proved."""
    lab = TREE.replace("resolvers: [resolver, second]", "resolvers: []")
    one = check(from_="client", resolves="app.shop.lab", answered=False)
    said = "communications error to 127.0.0.1#53: connection refused"
    judgement = judged(one, ran(printed(f";; {said}\n")), lab=lab)
    assert (judgement.verdict, judgement.evidence) == ("pass", ("127.0.0.1 over UDP: connection refused",))
    busy = said.replace("connection refused", "address in use")
    assert judged(one, ran(printed(f";; {busy}\n")), lab=lab).verdict == "unknown"


def test_the_dot_at_the_end_of_a_text_counts() -> None:
    text = TXT.replace('"a \\"b\\" \\195\\188"', '"hello."')
    assert text != TXT
    for value, verdict in (("hello.", "pass"), ("hello", "fail")):
        assert (
            judged(
                check(from_="client", resolves="shop.lab", type="TXT", to=[value]), ran(printed(text)), lab=TREE
            ).verdict
            == verdict
        )
