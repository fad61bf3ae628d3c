"""Walks of checks that try IPv6 alone: AAAA records are asked for, and IPv6 addresses are followed."""

from __future__ import annotations

import json

import pytest
from dns_bytes import question_of
from walk_harness import FOUND, LOST, SimulatedLab, dns_reply, far, tcp, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.kinds.udp import REFUSALS
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram

SIX = """
name: far
title: One network with both versions of IP
domain: shop.lab
networks: {near: {ipv6: IPV6}}
nodes:
  dns:    {role: dns}
  app:    {role: app}
  client: {role: client, resolvers: [dns]}
"""
NAME = {"from_": "client", "connects": "app.shop.lab:80"}


def both(ipv6: str = "true") -> SimulatedLab:
    """A lab in which each node has all of its addresses, and listens on them."""
    world = far(SIX.replace("IPV6", ipv6))

    def over_both(probe: Probe) -> ProgramResult | None:
        if not isinstance(probe, RunProgram):
            return None
        if probe.argv[0] == "ss":
            return ProgramResult(0, world.out(probe).replace("0.0.0.0:", "*:"), "")
        if probe.argv == ("ip", "-j", "addr"):
            own = [{"local": str(address)} for address in world.topology.addresses_of(probe.node)]
            return ProgramResult(0, json.dumps([{"ifname": "eth0", "flags": ["UP"], "addr_info": own}]), "")
        return None

    world.rules.append(over_both)
    return world


def lab(rows: str, ipv6: str = "true") -> SimulatedLab:
    """The same, and its DNS server answers with these rows."""
    world = both(ipv6)
    own = str(world.topology.address6_for("client", "app"))
    server = world.topology.address_for("client", "dns")
    world.rules.append(dns_reply(ProgramResult(0, FOUND.format(rows=rows.format(own=own), server=server), "")))
    return world


def questions(world: SimulatedLab) -> set[str]:
    """What the DNS server was asked."""
    return {question_of(probe) for probe in world.asked if isinstance(probe, RunProgram) and ASK in probe.argv}


def connected_to(world: SimulatedLab) -> list[str]:
    """The hosts to which the walk tried to connect."""
    runs = [probe for probe in world.asked if isinstance(probe, RunProgram)]
    return [run.argv[3] for run in runs if run.argv[0] == "bash" and len(run.argv) > 4]


@pytest.mark.slow
def test_a_program_that_tries_ipv6_alone_asks_for_the_ipv6_address() -> None:
    """AAAA is asked for, and its address is tried; with ipv4 it is A; without `family` it is AAAA after A."""
    world = lab("app.shop.lab. 60 IN AAAA {own}")
    walk = walked(world, family="ipv6", **NAME)
    assert [layer.verdict for layer in walk.layers if layer.name == "dns"] == ["pass"]
    assert {question.split()[-1] for question in questions(world)} == {"AAAA"}
    assert connected_to(world) == [str(world.topology.address6_for("client", "app"))]
    for keys, types in (({}, {"A", "AAAA"}), ({"family": "ipv4"}, {"A"})):
        world = both()
        walked(world, **keys, **NAME)
        assert {question.split()[-1] for question in questions(world)} == types
        assert connected_to(world) == [str(world.topology.address_for("client", "app"))]


@pytest.mark.parametrize("ipv6", ["true", "false"])
def test_a_name_without_an_ipv6_address_is_named(ipv6: str) -> None:
    """That the name has an A record helps no program that tries IPv6 alone; nor does a machine without IPv6."""
    walk = walked(lab("", ipv6), family="ipv6", **NAME)
    assert walk.broken
    assert walk.broken.name == "dns"
    assert walk.sentence == "The DNS server dns knows the name app.shop.lab, but has no AAAA record for it."
    assert "dig AAAA app.shop.lab." in walk.command


def test_a_wrong_ipv6_address_is_named_beside_the_right_one() -> None:
    walk = walked(lab("app.shop.lab. 60 IN AAAA fd00::99"), family="ipv6", **NAME)
    assert walk.broken
    assert walk.broken.name == "dns"
    assert "says that app.shop.lab is fd00::99 (which is nobody here), but app is fd" in walk.sentence


def test_a_check_of_an_aaaa_record_names_the_node_that_is_meant() -> None:
    """As of an A record: a learner knows of no check."""
    world = lab("app.shop.lab. 60 IN AAAA fd00::99")
    walk = walked(world, from_="client", resolves="app.shop.lab", type="AAAA", to="app")
    assert "says that app.shop.lab is fd00::99 (which is nobody here), but app is fd" in walk.sentence


def test_an_aaaa_question_without_an_answer_is_named() -> None:
    """As of a server or a filter that drops AAAA questions alone."""
    world = both()
    server = world.topology.address_for("client", "dns")
    world.rules.append(dns_reply(ProgramResult(9, LOST.format(server=server), "")))
    walk = walked(world, family="ipv6", **NAME)
    assert walk.broken
    assert walk.broken.name == "dns"
    assert walk.sentence.startswith("The DNS server dns does not answer client")


def test_a_connection_over_ipv6_that_is_lost_is_named_there() -> None:
    world = lab("app.shop.lab. 60 IN AAAA {own}")
    world.rules.append(tcp("silent 3"))
    walk = walked(world, family="ipv6", **NAME)
    assert walk.broken
    assert walk.broken.name == "tcp"


@pytest.mark.parametrize(("to", "wanted"), [("[fd00::12]:5000", "AAAA"), ("192.168.7.12:5000", "A")])
def test_a_datagram_is_followed_over_the_version_of_ip_that_it_took(to: str, wanted: str) -> None:
    """Of a name a datagram goes to one address alone: a server that waits over the other version gets none."""
    world = lab("app.shop.lab. 60 IN AAAA {own}")
    evidence = (f"datagram from port 43165 to {to}: Connection refused",)
    walked(world, actual=REFUSALS["ECONNREFUSED"], evidence=evidence, from_="client", udp="app.shop.lab:5000")
    assert ("app.shop.lab. IN A" in questions(world)) == (wanted == "A")
    assert wanted == "A" or questions(world) == {"app.shop.lab. IN AAAA"}
