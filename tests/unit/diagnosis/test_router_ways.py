"""A router without a way to an end, or with a rule, is named at its layer; also for a datagram."""

from __future__ import annotations

import pytest
from walk_harness import LOST, Rule, SimulatedLab, dns_reply, far, program, tcp, walked

from orchestrator.checks.kinds.udp import NO_REPLY
from orchestrator.checks.probes import LogText, LookAtNetwork, Probe, ProbeResult, ProgramResult, RunProgram

ANSWERS = {
    "blackhole": "RTNETLINK answers: Invalid argument",
    "prohibit": "RTNETLINK answers: Permission denied",
    "unreachable": "RTNETLINK answers: No route to host",
    "none": "RTNETLINK answers: Network is unreachable",
}
MEANS = {
    "blackhole": "a rule in its routing table drops what goes there",
    "prohibit": "a rule in its routing table forbids what goes there",
    "unreachable": "No route to host",
    "none": "Network is unreachable",
}


def no_way(world: SimulatedLab, kind: str, to: str) -> Rule:
    address = str(world.topology.address_for("clerk" if to == "app-1" else "app-1", to))

    def answer(probe: Probe) -> ProbeResult | None:
        asks = isinstance(probe, RunProgram) and (probe.node, probe.argv[-2:]) == ("router", ("get", address))
        return ProgramResult(2, "", f"{ANSWERS[kind]}\n") if asks else None

    return answer


@pytest.mark.parametrize("to", ["app-1", "clerk"])
@pytest.mark.parametrize("kind", list(ANSWERS))
def test_a_router_without_a_way_to_an_end_is_named(kind: str, to: str) -> None:
    world = far()
    world.rules += [tcp("silent 3"), no_way(world, kind, to)]
    walk = walked(world, from_="clerk", connects="${app-1}:80")
    assert walk.broken
    assert walk.broken.name == "route"
    assert walk.sentence == f"The router router has no route to {to}: {MEANS[kind]}."
    address = world.topology.address_for("clerk" if to == "app-1" else "app-1", to)
    assert str(walk.command).endswith(f" router -- ip route get {address}")


def test_a_way_of_a_router_excuses_nothing_where_the_connection_is_made() -> None:
    world = far()
    world.rules.append(no_way(world, "blackhole", "app-1"))
    assert "has no route to" not in walked(world, from_="clerk", connects="${app-1}:80").sentence


def test_a_datagram_takes_the_same_way() -> None:
    world = far()
    bound = ProgramResult(0, "udp UNCONN 0 0 0.0.0.0:80 0.0.0.0:*\n", "")
    world.rules += [program("ss", bound, "app-1"), no_way(world, "unreachable", "app-1")]
    walk = walked(world, actual=NO_REPLY, from_="clerk", udp="${app-1}:80")
    assert walk.sentence == "The router router has no route to app-1: No route to host."


@pytest.mark.parametrize(("rule", "named"), [("drop", True), ("tcp dport 9 drop", False)])
def test_a_rule_in_a_router_explains_that_nothing_comes_through(rule: str, named: bool) -> None:
    world = far()
    server = str(world.topology.address_for("clerk", "resolver"))
    text = f"== filter\ntable inet t {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n\nwirelab: ready\n"
    world.rules += [
        tcp("silent 3"),
        dns_reply(ProgramResult(9, LOST.format(server=server), "")),
        lambda probe: LogText(text) if probe == LookAtNetwork("router") else None,
    ]
    walk = walked(world, from_="clerk", connects="app-1.shop.lab:80")
    lost = "Nothing comes through the router router: clerk reaches neither app-1 nor resolver"
    assert walk.sentence.startswith(lost)
    clause = ": a packet filter rule that wirelab did not make stands in router (table inet t, chain c: drop)."
    assert walk.sentence.endswith(clause) is named
    assert ("inject far stop router" in str(walk.command)) is named
