"""`why` follows both addresses of a name where its asker has IPv6, as a client does (RFC 6724, RFC 8305)."""

from __future__ import annotations

import json

from dns_bytes import printed, question_of
from walk_harness import FOUND, SimulatedLab, far, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult, RunProgram

BOTH = """
name: far
title: A name with an address of either version of IP
domain: shop.lab
networks: {near: {ipv6: true}}
records: {www: {A: "${web}", AAAA: "${trap}"}}
nodes:
  dns:    {role: dns}
  web:    {role: service, command: [sleep, "9"], listens: [{port: 80}]}
  trap:   {role: service, command: [sleep, "9"], listens: [{port: 80}]}
  client: {role: client}
"""


def over_both(value: str, six: str = "silent 3", *, four: bool = True) -> SimulatedLab:
    """All is well over IPv4; the name has this IPv6 address, or none, and an attempt there ends as `six` says.

    Without `four` the name has no IPv4 address.
    """
    world = far(BOTH)
    rows = {**({"A": world.topology.addresses("web")[0]} if four else {}), **({"AAAA": value} if value else {})}

    def answers(probe: Probe) -> ProbeResult | None:
        if not isinstance(probe, RunProgram):
            return None
        if ASK in probe.argv:
            name, _, kind = question_of(probe).split()
            row = f"{name} 60 IN {kind} {rows[kind]}" if kind in rows else ""
            text = FOUND.format(rows=row, server=world.topology.addresses("dns")[0])
            return ProgramResult(0, printed(text, question_of(probe)), "")
        if probe.argv[:3] == ("ip", "-j", "addr"):
            own = [{"local": str(address)} for address in world.topology.addresses_of(probe.node)]
            return ProgramResult(0, json.dumps([{"ifname": "eth0", "flags": ["UP"], "addr_info": own}]), "")
        if probe.argv[0] == "ss":
            return ProgramResult(0, "tcp LISTEN 0 9 *:80 *:*\nudp UNCONN 0 0 *:53 *:*\n", "")
        if probe.argv[0] == "curl":
            facts = {"http_code": 200, "time_connect": 0.1, "remote_ip": "x", "remote_port": 80, "time_total": 0.1}
            return ProgramResult(0, "", json.dumps({**facts, "local_ip": "y", "local_port": 1}))
        over_six = value and probe.argv[0] == "bash" and value in probe.argv
        return ProgramResult(1, f"{value}\n{six}\n", "") if over_six else None

    world.rules.append(answers)
    return world


def test_a_name_leads_nowhere_over_ipv6_which_a_client_tries_first() -> None:
    address = str(far(BOTH).topology.addresses_of("trap")[1])
    walk = walked(over_both(address), actual="timed out", from_="client", http="http://www.shop.lab/")
    assert walk.broken
    assert (walk.broken.name, address in walk.broken.summary) == ("tcp", True), walk.sentence
    first = "client tries the IPv6 address of www.shop.lab first, and there it fails: "
    assert walk.sentence.startswith(f"{first}Nothing comes back from port 80 of trap")


def test_a_name_without_an_ipv6_address_is_not_to_blame() -> None:
    walk = walked(over_both(""), actual="timed out", from_="client", http="http://www.shop.lab/")
    assert (walk.broken, walk.sentence) == (
        None,
        "Each layer held when it was asked once more; the check itself had seen: timed out.",
    )


def test_an_ipv6_address_that_refuses_at_once_is_not_to_blame() -> None:
    """A client then tries the IPv4 address."""
    address = str(far(BOTH).topology.addresses_of("trap")[1])
    world = over_both(address, "bash: connect: Connection refused")
    walk = walked(world, actual="timed out", from_="client", http="http://www.shop.lab/")
    assert walk.broken is None, walk.sentence


def test_a_check_that_could_not_be_measured_blames_no_other_address() -> None:
    address = str(far(BOTH).topology.addresses_of("trap")[1])
    walk = walked(over_both(address), "unknown", "not measured", from_="client", http="http://www.shop.lab/")
    assert walk.broken is None, walk.sentence


def test_a_name_that_has_an_ipv6_address_alone_is_followed_there() -> None:
    """That it lacks an A record is no cause: its only address is."""
    address = str(far(BOTH).topology.addresses_of("trap")[1])
    walk = walked(over_both(address, four=False), actual="silent", from_="client", connects="www.shop.lab:80")
    assert walk.broken
    assert (walk.broken.name, walk.broken.target) == ("tcp", "trap"), walk.sentence
    assert [layer.verdict for layer in walk.layers if layer.name == "dns"] == ["pass"]


def test_a_name_without_any_address_is_named() -> None:
    walk = walked(over_both("", four=False), actual="no address", from_="client", connects="www.shop.lab:80")
    assert walk.sentence == "The DNS server dns knows the name www.shop.lab, but has no A record for it."
