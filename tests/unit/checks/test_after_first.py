"""A check that looks too late after the checks of its `first` has seen nothing of what these cause."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from check_harness import BEGAN, PORT, WORD, check, conversation, own_interfaces, ran, rows, shop

from orchestrator.checks.kinds import check_steps
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.checks.steps import run_steps

READ = {"name": "Read", "from": "db", "sql": "select 1"}
SESSIONS = "select host(client_addr) from pg_stat_activity where application_name = 'app'"
SQL: dict[str, Any] = {"from_": "db", "sql": SESSIONS, "rows": [["192.168.7.12"]]}
SEES: dict[str, Any] = {"node": "web", "sees": "client"}
NO_STATUS = "curl: (7) refused\n" + json.dumps({"http_code": 0, "remote_ip": "", "errormsg": "refused"})
HTTP: dict[str, Any] = {"from_": "client", "http": "http://${app}/items"}
RUNS: dict[str, Any] = {"from_": "client", "runs": ["sleep", "3"], "exit": 1}
ASKED = replace(rows("1\n"), seconds=0.1)  # answered at BEGAN + 0.1


def at(start: float, result: ProgramResult, seconds: float = 0.05, starved: float = 0.0) -> ProgramResult:
    return replace(result, started=BEGAN + start, seconds=seconds, starved=starved)


LATE = "not measured: asked {:.1f} s after the checks of `first`, and what these cause may be gone by then ({})"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "result", "late", "seen"),
    [
        (SQL, at(3.05, rows()), 3.0, "0 rows: []"),
        (SQL, at(0.2, rows(), seconds=2.9), 3.0, "0 rows: []"),
        (SEES, at(3.05, ran()), 3.0, "by its socket table it saw nobody"),
        (RUNS, at(9.1, ran()), 9.0, "exit code 0"),
        (RUNS, at(7.1, ran(), seconds=2.9, starved=1.4), 8.4, "exit code 0"),
    ],
)
def test_what_is_asked_late_does_not_fail(keys: dict[str, Any], result: ProgramResult, late: float, seen: str) -> None:
    judgement, _ = conversation(check(**keys, first=[READ]), ASKED, result)
    assert (judgement.verdict, judgement.actual) == ("unknown", LATE.format(late, seen))


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (SQL, at(0.4, rows())),
        (SQL, at(0.4, ran("", "psql: error: timeout expired", 2), seconds=2.0)),
        (SEES, at(0.4, ran())),
        (RUNS, at(0.4, ran(), seconds=3.0)),
        (RUNS, at(3.0, ran())),
        (HTTP, at(0.4, ran("", NO_STATUS, 7), seconds=3.9)),
    ],
)
def test_what_is_asked_soon_fails_as_always(keys: dict[str, Any], result: ProgramResult) -> None:
    """Also where its program waits long for an answer: it looked in time."""
    assert conversation(check(**keys, first=[READ]), ASKED, result)[0].verdict == "fail"


def test_what_holds_late_holds() -> None:
    found = at(9.0, rows("192.168.7.12\n"))
    assert conversation(check(**SQL, first=[READ]), ASKED, found)[0].verdict == "pass"


@pytest.mark.parametrize(("began", "seconds", "verdict"), [(0.4, 3.0, "fail"), (2.0, 0.1, "unknown")])
def test_the_first_of_several_checks_counts(began: float, seconds: float, verdict: str) -> None:
    """How long the program of another one works is no delay."""
    again = at(began, rows("1\n"), seconds=seconds)
    steps = (ASKED, again, at(began + seconds + 0.3, rows()))
    assert conversation(check(**SQL, first=[READ, {**READ, "name": "Again"}]), *steps)[0].verdict == verdict


def test_without_a_check_before_it_the_time_does_not_matter() -> None:
    assert conversation(check(**SQL), at(60.0, rows()))[0].verdict == "fail"


BESIDE = {**HTTP, "name": "Get", "from": "client"}
ENDS = {"remote_ip": "192.168.7.12", "remote_port": 80, "local_ip": "192.168.7.13", "local_port": 40000}
PAGE = ran("ok", json.dumps({"http_code": 200, **ENDS, "time_total": 0.1, "content_type": "text/plain"}))


def steps_of(main: dict[str, Any]) -> list[list[str]]:
    """The programs of each step of a check after an HTTP request."""
    keys = {key: value for key, value in BESIDE.items() if key != "from_"}
    steps = check_steps(check(**main, first=[keys]), CheckContext(shop(), WORD, PORT, BEGAN))
    topology = shop()
    asked: list[list[str]] = []

    def result_of(probe: RunProgram) -> ProbeResult:
        known = {"curl": PAGE, "psql": rows()}
        return known[probe.argv[0]] if probe.argv[0] in known else own_interfaces(topology, probe)

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        programs = [probe for probe in probes if isinstance(probe, RunProgram)]
        asked.append([probe.argv[0] for probe in programs])
        return [result_of(program) for program in programs]

    run_steps(steps, run_probes)
    return asked


def test_who_looks_at_sessions_does_so_at_once() -> None:
    """While the request gathers evidence of who answered it; on a busy machine each step takes half a second."""
    assert steps_of(SQL)[:2] == [["curl"], ["ip", "ip", "psql"]]


def test_who_acts_waits_until_the_check_before_holds() -> None:
    assert all("curl" not in step or len(step) == 1 for step in steps_of(HTTP))
    assert steps_of(HTTP)[1] == ["ip", "ip"]
