"""A packet filter rule that wirelab did not make is named at its layer, and only if it may be the cause."""

from __future__ import annotations

import json

import pytest
from walk_harness import CONNECTS, LOST, Rule, dns_reply, far, program, tcp, walked

from orchestrator.checks.probes import LogText, LookAtNetwork, Probe, ProbeResult, ProgramResult

pytestmark = pytest.mark.slow


def rule_in(node: str, rule: str) -> Rule:
    text = f"== filter\ntable ip filter {{\n\tchain INPUT {{\n\t\t{rule}\n\t}}\n}}\n\nwirelab: ready\n"

    def answer(probe: Probe) -> ProbeResult | None:
        return LogText(text) if probe == LookAtNetwork(node) else None

    return answer


@pytest.mark.parametrize(
    ("ended", "begins"),
    [
        ("silent 3", "Nothing comes back from port 80 of app-1: "),
        ("refused", "The connection to port 80 of app-1 is refused at once: "),
    ],
)
@pytest.mark.parametrize("node", ["client", "app-1"])
def test_a_rule_in_an_end_explains_a_connection_that_is_not_made(ended: str, begins: str, node: str) -> None:
    world = far()
    words = "bash: connect: Connection refused" if ended == "refused" else ended
    world.rules += [tcp(words), rule_in(node, "tcp dport 80 drop")]
    walk = walked(world, **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "tcp"
    where = f"stands in {node} (table ip filter, chain INPUT: tcp dport 80 drop)."
    assert walk.sentence == f"{begins}a packet filter rule that wirelab did not make {where}"
    assert walk.command == f"wirelab inject far stop {node} && wirelab heal far"


def test_a_rule_in_a_router_on_the_way_counts_too() -> None:
    world = far()
    world.rules += [tcp("silent 3"), rule_in("router", "policy drop")]
    assert "stands in router" not in walked(world, **CONNECTS).sentence  # the client needs no router
    walk = walked(world, from_="clerk", connects="app-1.shop.lab:80")
    assert "stands in router" in walk.sentence


def test_a_rule_for_another_port_is_not_blamed() -> None:
    world = far()
    world.rules += [tcp("silent 3"), rule_in("app-1", "tcp dport 81 drop")]
    assert walked(world, **CONNECTS).sentence.endswith("packets are lost on the way, for example by a firewall rule.")


def test_nobody_looks_for_rules_where_the_connection_is_made() -> None:
    world = far()
    walked(world, **CONNECTS)
    assert not [probe for probe in world.asked if isinstance(probe, LookAtNetwork)]


def test_a_rule_explains_an_answer_that_does_not_come() -> None:
    """As one that drops packets over a size: the handshake passes."""
    world = far()
    late = "curl: (28) Operation timed out after 4001 milliseconds\n" + json.dumps({"time_connect": 0.1})
    world.rules += [
        program("curl", ProgramResult(28, "", late)),
        rule_in("app-1", "tcp sport 80 meta length > 100 drop"),
    ]
    walk = walked(world, from_="client", http="http://app-1.shop.lab/health")
    assert walk.broken
    assert walk.broken.name == "answer"
    where = "table ip filter, chain INPUT: tcp sport 80 meta length > 100 drop"
    assert walk.sentence == (
        "app-1 accepts the connection, but gives no answer within 4 seconds: "
        f"a packet filter rule that wirelab did not make stands in app-1 ({where})."
    )
    assert walk.command == "wirelab inject far stop app-1 && wirelab heal far"


def test_who_has_a_port_is_shown_by_the_socket_table_and_not_by_a_log() -> None:
    taken = "EADDRINUSE: Address already in use"
    assert walked(far(), actual=taken, from_="app-1", binds="0.0.0.0:80").command.endswith("app-1 -- ss -tulnp")


def test_a_rule_explains_a_question_that_nobody_answers() -> None:
    world = far()
    server = str(world.topology.address_for("client", "resolver"))
    world.rules += [
        dns_reply(ProgramResult(9, LOST.format(server=server), "")),
        rule_in("resolver", "udp dport 53 drop"),
    ]
    walk = walked(world, from_="client", resolves="app-1.shop.lab", to="app-1")
    assert walk.broken
    assert walk.broken.name == "dns"
    assert "stands in resolver (table ip filter, chain INPUT: udp dport 53 drop)." in walk.sentence
