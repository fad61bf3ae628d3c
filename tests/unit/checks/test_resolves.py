"""Answers, written as dig(1) prints them, and the server's query log -> verdict."""

from __future__ import annotations

import pytest
from check_harness import PORT, check, conversation, judged, ran
from dns_bytes import printed, question_of

from orchestrator.checks.dns_answer import values_text
from orchestrator.checks.probes import LogText, ProbeResult, ReadLog, RunProgram, Unavailable

ANSWER = """\

; <<>> DiG 9.20.11-4-Debian <<>> -b 0.0.0.0#20123 +tries +timeout +nocookie -t A app.shop.lab.
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 43211
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;app.shop.lab.			IN	A

;; ANSWER SECTION:
app.shop.lab.		60	IN	A	192.168.7.12

;; Query time: 0 msec
;; SERVER: 192.168.7.10#53(192.168.7.10) (UDP)
;; WHEN: Mon Nov 23 11:00:00 UTC 2026
;; MSG SIZE  rcvd: 57

"""
NXDOMAIN = """\
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1

;; QUESTION SECTION:
;nobody.shop.lab.		IN	A

;; AUTHORITY SECTION:
shop.lab.		60	IN	SOA	dns.shop.lab. hostmaster.shop.lab. 1 3600 600 86400 60

;; SERVER: 192.168.7.10#53(192.168.7.10) (UDP)
"""
POINTER = ANSWER.replace(
    "app.shop.lab.		60	IN	A	192.168.7.12", "12.7.168.192.in-addr.arpa. 60	IN	PTR	app.shop.lab."
).replace(";app.shop.lab.			IN	A", ";12.7.168.192.in-addr.arpa. IN PTR")
SILENCE = ";; communications error to 192.168.7.10#53: timed out\n\n;; no servers could be reached\n"
LOG = (
    "23-Nov-2026 11:00:00.000 client @0x7f2a 192.168.7.13#20123 (app.shop.lab): "
    "query: app.shop.lab IN A +E(0) (192.168.7.10)\n"
)


def test_the_right_answer_from_the_right_server_passes_with_the_line_of_its_log() -> None:
    one = check(from_="client", resolves="app.shop.lab", to="app", answered_by="dns", authoritative=True)
    judgement, probes = conversation(one, ran(printed(ANSWER)), LogText(LOG))
    assert judgement.verdict == "pass"
    assert judgement.expected == "app.shop.lab A is 192.168.7.12 answered by dns authoritatively"
    assert judgement.actual == "NOERROR 192.168.7.12"
    assert judgement.evidence[0] == "192.168.7.10 answered NOERROR, flags qr aa rd ra"
    assert judgement.evidence[1].startswith("query log of dns: client @0x7f2a 192.168.7.13#20123")
    assert isinstance(probes[0], RunProgram)
    assert question_of(probes[0]) == "app.shop.lab. IN A"
    assert str(PORT) in probes[0].argv
    assert probes[1] == ReadLog("dns", 1000.0)


@pytest.mark.parametrize(
    ("keys", "out", "wrong"),
    [
        ({"to": "db"}, ANSWER, "that is not 192.168.7.11"),
        ({"to": ["192.168.7.99"]}, ANSWER, "that is not 192.168.7.99"),
        ({"to": "app"}, NXDOMAIN, "the response code is NXDOMAIN, not NOERROR"),
        ({"rcode": "NXDOMAIN"}, ANSWER, "the response code is NOERROR, not NXDOMAIN"),
        ({"to": "app", "authoritative": False}, ANSWER, "the AA flag is set"),
        ({"to": "app", "authoritative": True}, ANSWER.replace(" aa", ""), "the AA flag is missing"),
        (
            {"to": "app", "answered_by": "dns"},
            ANSWER.replace("192.168.7.10#53", "127.0.0.11#53"),
            "127.0.0.11 answered, which is not dns",
        ),
        ({}, ANSWER.replace("IN	A	192.168.7.12", "IN	AAAA	fd00::1"), "there is no A record"),
    ],
)
def test_a_wrong_answer_fails_and_says_what_is_wrong(keys: dict[str, object], out: str, wrong: str) -> None:
    judgement = judged(check(from_="client", resolves="app.shop.lab", **keys), ran(printed(out)))
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith(wrong)


def test_nxdomain_is_right_where_it_is_expected() -> None:
    asked = check(from_="client", resolves="${random}.shop.lab", rcode="NXDOMAIN", answered_by="dns")
    assert conversation(asked, ran(printed(NXDOMAIN)), LogText(LOG))[0].expected == (
        "w0123456789.shop.lab A is answered NXDOMAIN by dns"
    )
    judgement = judged(check(from_="client", resolves="${random}.shop.lab", rcode="NXDOMAIN"), ran(printed(NXDOMAIN)))
    assert (judgement.verdict, judgement.actual) == ("pass", "NXDOMAIN")
    assert judgement.expected.startswith("w0123456789.shop.lab")


def test_an_address_leads_back_to_its_name() -> None:
    one = check(from_="client", resolves="${app}", type="PTR", to="app")
    judgement, probes = conversation(one, ran(printed(POINTER)))
    assert (judgement.verdict, judgement.actual) == ("pass", "NOERROR app.shop.lab")
    assert isinstance(probes[0], RunProgram)
    assert question_of(probes[0]) == "12.7.168.192.in-addr.arpa. IN PTR"


@pytest.mark.parametrize(
    "log",
    [
        "",
        LOG.replace("192.168.7.13#20123", "192.168.7.13#20124"),
        LOG.replace("192.168.7.13#", "192.168.7.12#"),
    ],
)
def test_without_this_very_question_in_the_log_it_fails(log: str) -> None:
    """An answer of somebody else, or the question of somebody else, is no proof."""
    judgement = judged(
        check(from_="client", resolves="app.shop.lab", to="app", answered_by="dns"), ran(printed(ANSWER)), LogText(log)
    )
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith("the query log of dns does not hold the question")


def test_no_server_means_fail() -> None:
    """The negative control: the DNS server is stopped."""
    judgement = judged(check(from_="client", resolves="app.shop.lab", to="app"), ran(printed(SILENCE), code=9))
    assert (judgement.verdict, judgement.actual) == ("fail", "no DNS server answered: timed out")


def test_what_could_not_be_asked_is_unknown() -> None:
    gone = Unavailable("the node client is stopped")
    one = check(from_="client", resolves="app.shop.lab", to="app", answered_by="dns")
    judgement = judged(one, gone)
    assert (judgement.verdict, judgement.actual) == ("unknown", "could not be asked: the node client is stopped")
    assert judged(one, ran(printed(ANSWER)), Unavailable("the node dns has no container")).verdict == "unknown"
    assert judged(one, ran("", "timeout: failed to run command 'dig': No such file", 127)).verdict == "unknown"


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (ran("", "", 124), "the program was ended before it got that far"),
        (ran("", "", 137), "the program was ended before it got that far"),
        (ran("", "MemoryError", 1), "MemoryError"),
        (ran("", "", 3), "exit code 3"),
    ],
)
def test_a_question_that_was_not_sent_is_unknown_with_the_reason(result: ProbeResult, why: str) -> None:
    judgement = judged(check(from_="client", resolves="app.shop.lab", to="app"), result)
    assert judgement.verdict == "unknown"
    assert why in judgement.actual


def test_a_very_long_answer_is_shown_in_part() -> None:
    """Thirty texts of 200 signs would fill the screen of who reads why a check failed."""
    shown = values_text([f"{number:02}{'x' * 200}" for number in range(30)])
    assert shown.startswith(f"00{'x' * 98}..., 01")
    assert shown.endswith("... and 20 more")
    assert values_text(["one", "two"]) == "one, two"
