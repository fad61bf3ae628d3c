"""A walk asks again what the check had asked: another answer by then is told as that, and the first one is not lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dns_bytes import printed, question_of
from walk_harness import FOUND, SimulatedLab, dns_reply, far

from orchestrator.checks.dns_query import DnsQuestion
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import connect_probe
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.checks.steps import run_steps
from orchestrator.checks.walk import Walk
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import walk
from orchestrator.model.checks import KINDS, kind_of

pytestmark = pytest.mark.slow
NAME = "app-1.shop.lab"


def dns_output(world: SimulatedLab, address: str) -> str:
    server = str(world.topology.address_for("client", "resolver"))
    return FOUND.format(rows=f"{NAME}. 60 IN A {address}", server=server)


def asked(world: SimulatedLab, address: str) -> dict[Probe, ProbeResult]:
    """The question of the check itself, and its answer."""
    probe = RunProgram("client", DnsQuestion(NAME, "A").argv(20000))
    return {probe: ProgramResult(0, printed(dns_output(world, address), question_of(probe)), "")}


def connected_to(address: str) -> dict[Probe, ProbeResult]:
    return {connect_probe("client", NAME, 80): ProgramResult(1, f"{address}\nsilent 3\n", "")}


def fetched_from(address: str) -> dict[Probe, ProbeResult]:
    probe = RunProgram("client", ("curl", "-sS", f"http://{NAME}/health"))
    return {probe: ProgramResult(0, "no", json.dumps({"remote_ip": address, "http_code": 404}))}


def walked_after(world: SimulatedLab, seen: dict[Probe, ProbeResult], **keys: Any) -> Walk:
    whole = {"name": "A claim", "from": "client", **keys}
    check = KINDS[str(kind_of(whole))].model_validate(whole)
    context = CheckContext(world.topology, "w0", 20000, 1000.0)
    steps = walk(check, context, Judgement("fail", "it is so", "it is not"), Commands(world.topology), seen)
    return run_steps(steps, world)


RESOLVES = {"resolves": NAME, "to": "app-1"}
CONNECTS = {"connects": f"{NAME}:80"}
HTTP = {"http": f"http://{NAME}/health"}


@pytest.mark.parametrize(("keys", "how"), [(RESOLVES, "asked"), (CONNECTS, "connected"), (HTTP, "fetched")])
def test_an_answer_that_is_right_by_now_was_wrong_for_the_check(keys: dict[str, str], how: str) -> None:
    """The check met the old machine; an answer that expired meanwhile does not make its layer whole."""
    world = far()
    old = str(world.topology.address_for("client", "gate"))
    seen = {"asked": asked(world, old), "connected": connected_to(old), "fetched": fetched_from(old)}[how]
    found = walked_after(world, seen, **keys)
    assert found.broken
    assert found.broken.name == "dns"
    assert (
        f"has changed meanwhile: the check was given {'NOERROR ' if how == 'asked' else ''}{old} (gate), and now it is"
        in (found.sentence)
    )
    assert found.broken.summary.startswith("the check was given")


def test_an_answer_that_is_wrong_in_another_way_by_now_names_both() -> None:
    world = far()
    old, now = (str(world.topology.address_for("client", node)) for node in ("gate", "db"))
    world.rules.append(dns_reply(ProgramResult(0, dns_output(world, now), ""), node="client"))
    found = walked_after(world, asked(world, old), **RESOLVES)
    assert f"the check was given NOERROR {old} (gate). The DNS server resolver says that {NAME} is {now} (db)" in (
        found.sentence
    )


@pytest.mark.parametrize("keys", [RESOLVES, CONNECTS])
def test_the_same_answer_is_not_called_another_one(keys: dict[str, str]) -> None:
    world = far()
    right = str(world.topology.address_for("client", "app-1"))
    for seen in (asked(world, right), connected_to(right), {}):
        assert "meanwhile" not in walked_after(world, seen, **keys).sentence


def test_a_machine_of_a_group_is_no_other_answer() -> None:
    """A check of a group tries one address; the answer has them all."""
    world = far()
    first = str(world.topology.address_for("client", "app-1"))
    seen: dict[Probe, ProbeResult] = {
        connect_probe("client", "app.shop.lab", 80): ProgramResult(1, f"{first}\nsilent 3\n", "")
    }
    assert "meanwhile" not in walked_after(world, seen, connects="app.shop.lab:80").sentence
