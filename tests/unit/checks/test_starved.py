"""A time limit that passed while the asker got no processor proves nothing; an answer that came counts as always."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from check_harness import check, judged, ran, rows, shop

from orchestrator.checks.kinds import check_steps
from orchestrator.checks.probes import (
    CheckContext,
    HeldConnection,
    Probe,
    ProbeResult,
    ProgramResult,
    RunProgram,
    starved_text,
)
from orchestrator.checks.steps import run_steps
from orchestrator.checks.target_time import processor_probe

RESOLVER = "192.168.7.10 UDP ETIMEDOUT 0000 -\n"
TOO_LATE = "curl: (28) Operation timed out after 4001 milliseconds\n" + json.dumps({"http_code": 0})
NO_HOST = "curl: (6) Could not resolve host: app.shop.lab\n" + json.dumps({"http_code": 0})
LOST = 'psql: error: connection to server at "db.shop.lab." failed: timeout expired\n'
NO_REPLY = json.dumps({"asked": ["192.168.7.12", 5000], "own": 40000, "error": "silent", "said": ""})
HTTP: dict[str, Any] = {"from_": "client", "http": "http://app.shop.lab/items"}


def took(seconds: float, starved: float, result: ProgramResult) -> ProgramResult:
    return replace(result, seconds=seconds, starved=starved)


TIMED_OUT: list[tuple[dict[str, Any], float, ProgramResult]] = [
    (HTTP, 4.0, ran("", TOO_LATE, 28)),
    (HTTP, 4.0, ran("", NO_HOST, 6)),
    ({"from_": "app", "sql": "select 1"}, 2.0, ran("", LOST, 2)),
    ({"from_": "client", "tls": "app.shop.lab:443"}, 4.0, ran("", "", 124)),
    ({"from_": "client", "runs": ["sleep", "9"]}, 5.0, ran("", "", 124)),
    ({"from_": "client", "runs": ["curl", "-m", "2", "http://app.shop.lab"]}, 2.0, ran("", "curl: (28)", 28)),
    ({"from_": "client", "connects": "app.shop.lab:80"}, 4.0, ran("", "no address for app.shop.lab", 68)),
    ({"from_": "client", "udp": "app.shop.lab:5000"}, 4.0, ran(NO_REPLY)),
    ({"from_": "client", "resolves": "app.shop.lab"}, 2.0, ran(RESOLVER)),
]


@pytest.mark.parametrize(("keys", "seconds", "result"), TIMED_OUT)
def test_a_time_limit_proves_something_only_to_who_had_the_time(
    keys: dict[str, Any], seconds: float, result: ProgramResult
) -> None:
    """A little delay is no reason to doubt."""
    for starved in (0.0, 0.4 * seconds):
        assert judged(check(**keys), took(seconds, starved, result)).verdict == "fail"
    found = judged(check(**keys), took(seconds, 0.9 * seconds, result))
    assert found.verdict == "unknown"
    assert f"for {0.9 * seconds:.1f} s the node got no processor time" in found.actual


WORKED = took(4.0, 3.9, ran("", "", 124))


@pytest.mark.parametrize(("keys", "seconds", "result"), TIMED_OUT)
def test_who_waited_for_a_node_without_processor_time_knows_nothing(
    keys: dict[str, Any], seconds: float, result: ProgramResult
) -> None:
    """The node that is asked, one that it uses, or the DNS server; that of somebody else does not matter."""
    needed = {"dns"} if "resolves" in keys or "sleep" in keys.get("runs", ()) else {"app", "dns", "db"}
    for node in ("app", "db", "dns", "web"):
        found = judged(check(**keys), took(seconds, 0.0, result), processor={node: WORKED})
        waits = node in needed - {keys["from_"]}
        assert found.verdict == ("unknown" if waits else "fail"), (node, found)
        assert (f"at {node}: not measured: for 3.9 s the node got no processor time" in found.actual) == waits


def test_an_honest_failure_does_not_ask_for_processor_time() -> None:
    """That a connection is refused, or a name unknown, comes at once, whatever the node has to do."""
    refused = ran("", "curl: (7) Failed to connect\n" + json.dumps({"http_code": 0}), 7)
    unknown = took(0.1, 0.0, ran("", NO_HOST, 6))
    down = took(
        0.1, 0.0, ran("", 'psql: error: connection to server at "db.shop.lab." failed: Connection refused\n', 2)
    )
    app = {"from_": "app", "sql": "select 1"}
    for keys, result in ((HTTP, refused), (HTTP, unknown), (app, down)):
        assert judged(check(**keys), result, processor={"app": WORKED, "db": WORKED}).verdict == "fail"


@pytest.mark.parametrize(
    ("status", "seconds", "verdict"), [(503, 2.5, "unknown"), (503, 0.1, "unknown"), (404, 2.5, "fail")]
)
def test_a_server_that_gave_up_waiting_says_nothing_of_one_without_processor_time(
    status: int, seconds: float, verdict: str
) -> None:
    """An answer that came at once, or that no other server has a part in, is what it is."""
    facts = {"http_code": status, "time_total": seconds, "remote_ip": "192.168.7.12", "remote_port": 80}
    answer = ran("no", json.dumps({**facts, "local_ip": "192.168.7.13", "local_port": 41000}))
    assert judged(check(**HTTP), answer, processor={"db": WORKED}).verdict == verdict
    assert judged(check(**HTTP), answer).verdict == "fail"


def test_silence_is_no_proof_of_a_dns_server_without_processor_time() -> None:
    silent = check(from_="client", resolves="app.shop.lab", answered=False)
    assert judged(silent, took(2.0, 0.1, ran(RESOLVER))).verdict == "pass"
    assert judged(silent, took(2.0, 0.1, ran(RESOLVER)), processor={"dns": WORKED}).verdict == "unknown"


def test_an_unknown_verdict_names_the_node_without_processor_time() -> None:
    """A check that wants another error than a lost connection learns nothing; `why` does not blame the database."""
    refused = check(from_="app", sql="select 1", fails="password authentication failed")
    lost = took(2.0, 0.1, ran("", LOST, 2))
    assert "timeout expired" in judged(refused, lost).actual
    found = judged(refused, lost, processor={"db": WORKED})
    assert (found.verdict, found.actual.partition("for 3.9 s")[0]) == (
        "unknown",
        "could not be asked: no answer came, but at db: not measured: ",
    )


def test_silence_that_nobody_could_hear_is_no_silence() -> None:
    """`answered: false` holds where each server was asked in vain."""
    silent = check(from_="client", resolves="app.shop.lab", answered=False)
    assert judged(silent, took(2.0, 0.1, ran(RESOLVER))).verdict == "pass"
    assert judged(silent, took(2.0, 1.9, ran(RESOLVER))).verdict == "unknown"


def test_an_answer_that_came_counts_however_long_it_took() -> None:
    claim = {"from_": "app", "sql": "select 1", "rows": [[1]]}
    assert judged(check(**claim), took(40.0, 39.0, rows("1\n"))).verdict == "pass"
    assert judged(check(**claim), took(40.0, 39.0, rows("2\n"))).verdict == "fail"


@pytest.mark.parametrize(
    ("takes", "seconds", "starved", "verdict"),
    [
        ({"at_most": 1}, 3.0, 0.5, "fail"),
        ({"at_most": 1}, 3.0, 2.5, "unknown"),
        ({"at_most": 1}, 0.9, 0.8, "pass"),
        ({"at_least": 2}, 3.0, 0.5, "pass"),
        ({"at_least": 2}, 3.0, 2.5, "unknown"),
        ({"at_least": 2}, 1.0, 0.9, "fail"),
    ],
)
def test_a_time_counts_where_the_delay_cannot_have_decided(
    takes: dict[str, float], seconds: float, starved: float, verdict: str
) -> None:
    claim = check(from_="app", sql="select 1", takes=takes)
    assert judged(claim, took(seconds, starved, rows("1\n"))).verdict == verdict


def test_a_quick_program_is_not_doubted_for_a_moment_of_delay() -> None:
    assert starved_text(took(0.01, 0.9, ran())) == ""


def test_who_looks_with_a_program_that_was_ended_has_seen_nothing() -> None:
    """Half a socket table must not prove that nobody listens."""
    found = judged(check(node="app", listens=[{"port": 80}]), took(5.0, 0.0, ran("tcp LISTEN", "", 124)))
    assert (found.verdict, found.actual) == ("unknown", "could not be asked: the program had not ended after 5.0 s")


SILENT = ran("192.168.7.12\nsilent 3\n", "", 1)
LISTENS = ran("LISTEN 0 9 0.0.0.0:80 0.0.0.0:*\n")


def test_a_silent_target_without_processor_time_proves_nothing() -> None:
    """Its kernel accepts connections until the queue of its program is full; then it is silent."""
    claim = check(from_="client", connects="app.shop.lab:80")
    assert judged(claim, SILENT).verdict == "fail"
    assert judged(claim, SILENT, processor={"app": WORKED}).verdict == "unknown"
    refused = ran("192.168.7.12\nbash: connect: Connection refused\n", "", 1)
    assert judged(claim, refused, processor={"app": WORKED}).verdict == "fail"
    claim = check(from_="client", cannot_connect="app.shop.lab:80")
    assert judged(claim, SILENT, LISTENS).verdict == "pass"
    assert judged(claim, SILENT, LISTENS, processor={"app": WORKED}).verdict == "unknown"


@pytest.mark.parametrize(("state", "found"), [("usable", "fail"), ("unanswered", "pass")])
def test_a_held_connection_to_a_target_without_processor_time_proves_nothing(state: str, found: str) -> None:
    claim = check(from_="client", holds_open="app.shop.lab:80", send="hello\n", state=state)
    context = CheckContext(shop(), "w0", 20000, 1000.0, held=HeldConnection("w0", "192.168.7.12", "a:1 -> b:2"))
    for starved, verdict in ((None, found), (WORKED, "unknown")):

        def run_probes(probes: Sequence[Probe], starved: ProgramResult | None = starved) -> list[ProbeResult]:
            unanswered = ran(json.dumps({"state": "unanswered"}))
            lacks = {processor_probe("app"): starved} if starved else {}
            own = [probe for probe in probes if isinstance(probe, RunProgram)]
            return [lacks.get(probe, ran() if probe == processor_probe(probe.node) else unanswered) for probe in own]

        assert run_steps(check_steps(claim, context), run_probes).verdict == verdict
