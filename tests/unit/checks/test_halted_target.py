"""Where the target of a check does not run, its state decides at once, and nothing is tried that waits in vain."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from check_harness import PORT, WORD, check, ran, shop

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.probes import (
    CheckContext,
    GetNodeState,
    NodeState,
    Probe,
    ProbeResult,
    RunProgram,
    Unavailable,
)
from orchestrator.checks.steps import run_steps
from orchestrator.model.checks import BaseCheck

HTTP = check(from_="client", http="http://app.shop.lab/items")
CONNECTS = check(from_="client", connects="app.shop.lab:80")
BY_ADDRESS = check(from_="client", connects="192.168.7.12:80")
SQL = check(from_="app", sql="select 1")


def judged(one: BaseCheck, state: ProbeResult, *halted: str) -> tuple[Judgement, list[Probe]]:
    """The judgement, and the programs that were run; each of them fails."""
    programs: list[Probe] = []

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        programs.extend(probe for probe in probes if isinstance(probe, RunProgram))
        return [state if isinstance(probe, GetNodeState) else ran("", "no", 7) for probe in probes]

    context = CheckContext(shop(), WORD, PORT, 0.0, halted=frozenset(halted))
    return run_steps(check_steps(one, context), run_probes), programs


@pytest.mark.parametrize(
    ("one", "node", "state", "verdict"),
    [
        (HTTP, "app", "stopped", "fail"),
        (HTTP, "app", "paused", "fail"),
        (HTTP, "app", "missing", "fail"),
        (CONNECTS, "app", "stopped", "fail"),
        (BY_ADDRESS, "app", "dead", "fail"),
        (check(from_="client", tls="app.shop.lab:443"), "app", "paused", "fail"),
        (SQL, "db", "stopped", "fail"),
        (check(from_="app", sql="select 1", password="wrong", fails="password"), "db", "stopped", "unknown"),
        (check(from_="db", sql="select 1", first=[{**HTTP.as_written(), "name": "First"}]), "app", "stopped", "fail"),
    ],
)
def test_the_state_of_a_target_that_does_not_run_decides(one: BaseCheck, node: str, state: str, verdict: str) -> None:
    """The finding names the cause, and no program waits for an answer that cannot come."""
    judgement, programs = judged(one, NodeState(state, 137), node)
    assert (judgement.verdict, programs) == (verdict, [])
    assert judgement.actual.endswith(f"{node} is {state}")
    assert judgement.evidence == (f"state of {node}: {state}" + (", exit code 137" if state == "stopped" else ""),)


@pytest.mark.parametrize(
    ("one", "state", "halted"),
    [
        (CONNECTS, NodeState("paused"), "app"),  # its kernel accepts connections
        (HTTP, NodeState("running"), "app"),  # somebody has started it meanwhile
        (HTTP, Unavailable("the engine did not answer"), "app"),
        (HTTP, NodeState("stopped"), "db"),  # a server of the server: what the app says of it is the finding
        (check(from_="client", cannot_connect="app.shop.lab:80"), NodeState("stopped"), "app"),  # another may answer
        (check(from_="client", http="http://app.shop.lab/", requests=3, succeed=1), NodeState("stopped"), "app"),
        (check(from_="client", http="http://app.shop.lab/", takes={"at_least": 1}), NodeState("stopped"), "app"),
        (check(from_="client", http="http://other.example/"), NodeState("stopped"), "app"),
    ],
)
def test_what_the_state_does_not_decide_is_tried(one: BaseCheck, state: ProbeResult, halted: str) -> None:
    _, programs = judged(one, state, halted)
    assert programs
