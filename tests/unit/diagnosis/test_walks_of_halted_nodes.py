"""What is tried where nodes do not run: nothing that is in vain, and all that may still show something."""

from __future__ import annotations

import json

import pytest
from walk_harness import CONNECTS, FAR, LOST, SimulatedLab, dns_reply, far, program, state, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.findings import Judgement
from orchestrator.checks.http_request import curl, seconds
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.checks.steps import run_steps
from orchestrator.checks.walk import Walk
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import walk
from orchestrator.model.checks import Http

TWO_SERVERS = FAR.replace("resolvers: [resolver], uses: [app]}", "resolvers: [resolver, auth], uses: [app]}", 1)


def tried(world: SimulatedLab, program_name: str) -> list[RunProgram]:
    return [probe for probe in world.asked if isinstance(probe, RunProgram) and probe.argv[0] == program_name]


def lookups(world: SimulatedLab) -> list[RunProgram]:
    return [run for run in tried(world, "python3") if ASK in run.argv]


@pytest.mark.parametrize(("word", "connections"), [("stopped", 0), ("missing", 0), ("paused", 1), ("running", 1)])
def test_nobody_connects_to_a_node_that_is_gone(word: str, connections: int) -> None:
    """Of a node that is paused the kernel still accepts connections."""
    world = far()
    world.rules.append(state("app-1", word))
    found = walked(world, **CONNECTS)
    assert len(tried(world, "bash")) == connections
    assert found.layers[-1].summary == (
        f"not asked: the node app-1 is {word}" if not connections else found.layers[-1].summary
    )


def test_without_a_dns_server_nobody_waits_for_an_answer() -> None:
    world = far()
    world.rules.append(state("resolver", "stopped"))
    found = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert found.sentence.startswith("The DNS server resolver is stopped")
    assert (lookups(world), tried(world, "bash"), tried(world, "curl")) == ([], [], [])
    assert [layer.summary for layer in found.layers][-3:] == ["not asked: the node resolver is stopped"] * 3


def test_a_dns_server_that_stands_by_is_asked() -> None:
    world = far(TWO_SERVERS)
    world.rules.append(state("resolver", "stopped"))
    walked(world, **CONNECTS)
    assert (len(lookups(world)), len(tried(world, "bash"))) == (1, 1)


def test_a_server_that_was_put_in_by_hand_is_asked() -> None:
    """It answers: that the declared one is stopped keeps nobody out."""
    world = far()
    world.rules += [
        state("resolver", "stopped"),
        program("cat", ProgramResult(0, "nameserver 192.168.9.9\n", ""), "client"),
    ]
    found = walked(world, **CONNECTS)
    assert (found.broken, len(lookups(world))) == (None, 1)


def test_silence_that_is_wanted_is_asked_for() -> None:
    world = far()
    world.rules += [state("resolver", "stopped"), dns_reply(ProgramResult(0, LOST.format(server="192.168.1.1"), ""))]
    found = walked(world, "pass", from_="client", resolves="app-1.shop.lab", answered=False)
    assert len(lookups(world)) == 1
    assert found.layers[-1].verdict == "pass"


HTTP = Http.model_validate({"name": "A claim", "from": "client", "http": "http://app-1.shop.lab/items"})


def explained(world: SimulatedLab, status: int, address: str = "") -> Walk:
    """The walk of a request to app-1 that the check itself saw answered with this status, from this address."""
    context = CheckContext(world.topology, "w", 20000, 0.0)
    own = address or str(world.topology.address_for("client", "app-1"))
    facts = json.dumps({"http_code": status, "time_connect": 0.1, "remote_ip": own})
    request = RunProgram("client", curl(HTTP, context, HTTP.http), frozenset({"curl"}), seconds=seconds(HTTP) + 1)
    seen: dict[Probe, ProbeResult] = {request: ProgramResult(0, "", facts)}
    judgement = Judgement("fail", "success", f"status {status}")
    return run_steps(walk(HTTP, context, judgement, Commands(world.topology), seen), world)


def test_an_error_that_the_check_met_is_not_asked_for_again_where_the_database_does_not_run() -> None:
    world = far()
    world.rules.append(state("db", "stopped"))
    found = explained(world, 503)
    assert (found.sentence, tried(world, "curl")) == ("The node db is stopped, so nobody can reach it.", [])
    assert (found.layers[-1].summary, found.layers[-1].causes) == ("status 503; that is no success", ())


@pytest.mark.parametrize(
    ("status", "address", "database"),
    [
        (503, "", "running"),  # nobody knows why
        (404, "", "stopped"),  # no server answers so for want of another one
        (503, "192.168.9.9", "stopped"),  # another machine answered
    ],
)
def test_a_request_is_sent_anew_where_the_database_may_not_be_to_blame(
    status: int, address: str, database: str
) -> None:
    world = far()
    world.rules.append(state("db", database))
    explained(world, status, address)
    assert len(tried(world, "curl")) == 1
