"""Programs inside nodes, and the servers' own testimony -> verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from check_harness import BEGAN, SHOP, check, conversation, judged, ran

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import LogText, RunProgram, Unavailable
from orchestrator.checks.verdict import worst
from orchestrator.model.checks import BaseCheck


def runs(**keys: object) -> BaseCheck:
    return check(from_="client", runs=["getent", "hosts", "${app}"], **keys)


@pytest.mark.slow
def test_the_exit_code_and_the_output_are_compared() -> None:
    judgement = judged(runs(contains="app"), ran("192.168.7.12 app\n"))
    assert (judgement.verdict, judgement.actual) == ("pass", "exit code 0")
    assert judgement.expected == "getent hosts 192.168.7.12 ends with 0, prints 'app'"
    assert judged(runs(exit=2), ran("", "", 2)).verdict == "pass"
    assert judged(runs(), ran("", "", 2)).actual == "exit code 2"
    assert judged(runs(contains="db"), ran("app\n")).actual == "the output does not hold 'db'"
    assert judged(runs(lacks="app"), ran("app\n")).actual == "the output holds 'app'"


@pytest.mark.parametrize("code", [126, 127])
def test_a_program_that_cannot_be_run_is_unknown(code: int) -> None:
    assert judged(runs(), ran("", "getent: not found\n", code)).verdict == "unknown"
    for text in ("timeout: failed to run command 'getent': No such file", "getent: not found or not executable"):
        assert judged(runs(), ran("", text, code)).actual == f"getent cannot be run in client: {text}"
    assert judged(runs(exit=2), ran("", "getent: not found\n", code)).verdict == "unknown"
    judgement = judged(runs(), Unavailable("the node client is paused"))
    assert (judgement.verdict, judgement.actual) == ("unknown", "could not be asked: the node client is paused")
    assert judgement.expected.startswith("from client: runs: ")


@pytest.mark.parametrize("code", [126, 127])
def test_a_program_may_end_with_such_a_code_by_itself(code: int) -> None:
    """`bash -c "exit 127"`, or a shell that does not find another program: it was run, and ended so."""
    for err in ("", "bash: line 1: dgi: command not found\n"):
        one = check(from_="client", runs=["bash", "-c", "dgi"])
        assert judged(one, ran("", err, code)).verdict == "fail"
        assert (
            judged(check(from_="client", runs=["bash", "-c", "dgi"], exit=code), ran("", err, code)).verdict == "pass"
        )


def test_a_program_that_had_to_be_ended_proves_nothing_of_its_exit_code() -> None:
    judgement = judged(runs(exit=124, within=2), replace(ran("", "", 124), seconds=2.01))
    assert (judgement.verdict, judgement.actual) == ("fail", "it had not ended after 2 s, and was ended: exit code 124")
    assert judged(runs(exit=124, within=2), replace(ran("", "", 124), seconds=0.1)).verdict == "pass"
    killed = judged(runs(exit=137, within=2), replace(ran("", "", 137), seconds=3.01))
    assert (killed.verdict, killed.actual) == ("fail", "it had not ended after 2 s, and was ended: exit code 137")
    assert judged(runs(exit=137, within=2), replace(ran("", "", 137), seconds=0.1)).verdict == "pass"


def test_a_text_does_not_begin_in_the_output_and_end_in_the_errors() -> None:
    """They are two streams; each may hold it."""
    assert judged(runs(contains="bcd"), ran("ab", "cde")).actual == "the output does not hold 'bcd'"
    assert judged(runs(lacks="bcd"), ran("ab", "cde")).verdict == "pass"
    for text in ("ab", "cde"):
        assert judged(runs(contains=text), ran("ab", "cde")).verdict == "pass"
        assert judged(runs(lacks=text), ran("ab", "cde")).verdict == "fail"


def test_what_an_output_lacks_is_not_known_before_its_end() -> None:
    cut = replace(ran("begins"), cut=True)
    assert judged(runs(lacks="end"), cut).verdict == "unknown"
    assert judged(runs(contains="end"), cut).verdict == "unknown"
    assert judged(runs(exit=1, lacks="end"), cut).verdict == "fail"


def test_the_app_names_its_client_in_its_access_log() -> None:
    one = check(node="app", sees="client")
    line = "access 192.168.7.13:40000 GET /items 200"
    judgement = judged(one, LogText(f"started\n{line}\n"))
    assert judgement.verdict == "pass"
    assert judgement.actual == "192.168.7.13: app is a server to client, client is a client of app"
    assert judgement.evidence == (f"access log of app: {line}",)


def test_another_peer_or_nobody_is_a_fail() -> None:
    one = check(node="app", sees="client")
    judgement = judged(one, LogText("access 192.168.7.11:40000 GET / 200\n"))
    assert (judgement.verdict, judgement.actual) == ("fail", "by its access log it saw 192.168.7.11 (db)")
    assert judged(one, LogText("")).actual == "by its access log it saw nobody"
    assert judged(one, Unavailable("the node app has no container")).verdict == "unknown"


def test_the_database_names_its_client_by_a_session_or_by_its_log() -> None:
    one = check(node="db", sees="app")
    assert judged(one, ran("192.168.7.12,40000\n"), LogText("")).verdict == "pass"
    log = "2026-11-23 [9] LOG:  connection received: host=192.168.7.12 port=40000\n"
    assert judged(one, ran(""), LogText(log)).verdict == "pass"
    assert judged(one, ran("192.168.7.13,40000\n"), LogText("")).verdict == "fail"


def test_a_foreign_image_is_known_by_its_socket_table() -> None:
    one = check(node="web", sees="client")
    assert judged(one, ran("ESTAB 0 0 192.168.7.14:80 192.168.7.13:40000\n")).verdict == "pass"
    assert judged(one, ran("ESTAB 0 0 [::ffff:192.168.7.14]:80 [::ffff:192.168.7.13]:40000\n")).verdict == "pass"
    assert judged(one, ran("")).verdict == "fail"


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("ESTAB 0 0 192.168.7.14:41000 192.168.7.13:80", "fail"),
        ("SYN-RECV 0 0 192.168.7.14:80 192.168.7.13:40000 timer:(on,800ms,0)", "fail"),
        ("TIME-WAIT 0 0 192.168.7.14:80 192.168.7.13:40000 timer:(timewait,59sec,0)", "pass"),
        ("TIME-WAIT 0 0 192.168.7.14:80 192.168.7.13:40000 timer:(timewait,1min,0)", "pass"),
        ("TIME-WAIT 0 0 192.168.7.14:80 192.168.7.13:40000 timer:(timewait,40sec,0)", "fail"),
        ("ESTAB 0 0 192.168.7.14:80 192.168.7.13:40000 cubic lastsnd:9000 lastrcv:1900 lastack:10", "pass"),
        ("ESTAB 0 0 192.168.7.14:80 192.168.7.13:40000 cubic lastrcv:9000", "pass"),
        ("ESTAB 0 0 192.168.7.14:80 192.168.7.13:40000 cubic lastsnd:9000 lastrcv:2100 lastack:10", "fail"),
        ("CLOSE-WAIT 1 0 192.168.7.14:80 192.168.7.13:40000 cubic lastsnd:90000 lastrcv:90000", "fail"),
        ("LISTEN 0 5 0.0.0.0:9000 0.0.0.0:*\nESTAB 0 0 192.168.7.14:9000 192.168.7.13:40000", "pass"),
    ],
)
def test_whom_the_server_itself_asked_and_who_had_gone_before_was_not_seen(row: str, verdict: str) -> None:
    """The table is read two seconds after the check began; a connection stays in it for a minute after its end."""
    assert judged(check(node="web", sees="client"), ran(row + "\n", started=BEGAN + 2)).verdict == verdict


def test_a_table_that_could_not_be_read_proves_nothing() -> None:
    """The tool is missing: then nobody knows whom the server saw."""
    assert judged(check(node="web", sees="client"), ran("", "ss: not found\n", 127)).verdict == "unknown"


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "unknown"], "unknown"),
        (["unknown", "fail", "pass"], "fail"),
        ([], "pass"),
    ],
)
def test_one_verdict_on_all(verdicts: list[str], whole: str) -> None:
    assert worst(verdicts) == whole  # type: ignore[arg-type]


def test_a_finding_as_a_document() -> None:
    found = Finding("A claim", "http", "client", Judgement("fail", "this", "that", ("line",)), 1.23456)
    assert found.document() == {
        "check": "A claim",
        "kind": "http",
        "from": "client",
        "verdict": "fail",
        "expected": "this",
        "actual": "that",
        "evidence": ["line"],
        "seconds": 1.235,
    }


PROXY_LOG = (
    'access 192.168.7.13:38220 "GET /whoami HTTP/1.1" 200 179B 0.001s host=web.shop.lab upstream=192.168.7.12:80\n'
)
SSH_LOG = """\
Server listening on 0.0.0.0 port 22.
Connection from 192.168.7.11 port 42938 on 192.168.7.15 port 22 rdomain ""
Accepted publickey for student from 192.168.7.13 port 42940 ssh2: ED25519 SHA256:CCR+2Rcji8dXfRCz1TckRxS6Gjg3
"""


@pytest.mark.parametrize(("server", "log"), [("proxy", PROXY_LOG), ("shell", SSH_LOG)])
def test_a_role_says_itself_how_its_log_names_peers(server: str, log: str) -> None:
    """nginx and OpenSSH, as recorded; who was not let in, and who stands behind a proxy, was no client."""
    assert judged(check(node=server, sees="client"), LogText(log)).verdict == "pass"
    assert judged(check(node=server, sees="db"), LogText(log)).verdict == "fail"
    assert judged(check(node=server, sees="app"), LogText(log)).verdict == "fail"


def test_a_server_that_believes_a_header_proves_no_peer() -> None:
    """With X-Forwarded-For believed, the log names whomever the client names, at port 0."""
    spoofed = LogText('access 192.168.7.13:0 "GET / HTTP/1.1" 200 2B 0.1ms\n')
    assert judged(check(node="app", sees="client"), spoofed).verdict == "fail"


def test_with_a_command_of_the_author_the_socket_table_counts_and_not_the_log() -> None:
    lab = SHOP.replace("{role: app, uses: [db]}", "{role: app, uses: [db], command: [uvicorn, mine]}")
    one = check(node="app", sees="client")
    judgement, probes = conversation(one, ran("ESTAB 0 0 192.168.7.12:80 192.168.7.13:40000\n"), lab=lab)
    assert (judgement.verdict, isinstance(probes[0], RunProgram)) == ("pass", True)


def test_of_sessions_only_those_count_that_did_something_since() -> None:
    probes = conversation(check(node="db", sees="app"), ran("192.168.7.12,40000\n"), LogText(""))[1]
    assert isinstance(probes[0], RunProgram)
    assert ">= to_timestamp(1000.000)" in probes[0].argv[-1]
