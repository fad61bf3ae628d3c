"""A resolver that goes on with an answer which the server of the zone would not give any more."""

from __future__ import annotations

import pytest
from walk_harness import CONNECTS, SimulatedLab, dns_reply, far, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.probes import ProgramResult, RunProgram, Unavailable

TEXT = """
name: far
title: A resolver
domain: shop.lab
nodes:
  resolver: {role: dns, WAY}
  root:     {role: dns, zones: {".": {delegates: {shop.lab: AUTH}}}}
  auth:     {role: dns, zones: {shop.lab: {}}}
  other:    {role: dns, zones: {OTHER: {}}}
  app-1:    {role: app}
  client:   {role: client, resolvers: [resolver], uses: [app-1]}
"""
WAYS = {
    "from the root": "hints: [root]",
    "forwards all": "forward: [auth]",
    "forwards a domain": "hints: [root], forward_zones: {shop.lab: auth}",
}
HEAD = ";; ->>HEADER<<- opcode: QUERY, status: {status}, id: 1\n;; flags: {flags}; QUERY: 1\n\n"
SOA = ";; AUTHORITY SECTION:\nshop.lab. {ttl} IN SOA auth.shop.lab. h.shop.lab. 1 3600 600 86400 {ttl}\n\n"
ROW = ";; ANSWER SECTION:\napp-1.shop.lab. {ttl} IN A {address}\n\n"
SERVER = ";; SERVER: {server}#53({server}) (UDP)\n"


def lab(way: str, kept: str, now: str, *, auth: str = "auth", other: str = "example.org") -> SimulatedLab:
    world = far(TEXT.replace("WAY", way).replace("AUTH", auth).replace("OTHER", other))
    app, server = (str(world.topology.address_for("client", node)) for node in ("app-1", "resolver"))
    told = kept.format(address="192.0.2.9", ttl=586)
    world.rules.append(dns_reply(ProgramResult(0, told + SERVER.format(server=server), ""), "client"))
    place = str(world.topology.address_for("resolver", "auth"))
    said = now.format(address=app, ttl=60)
    world.rules.append(dns_reply(ProgramResult(0, said + SERVER.format(server=place), ""), "resolver"))
    return world


def head(status: str, flags: str) -> str:
    return HEAD.format(status=status, flags=flags)


NOBODY = head("NXDOMAIN", "qr rd ra") + SOA
ELSEWHERE = head("NOERROR", "qr rd ra") + ROW
NOW = head("NOERROR", "qr aa") + ROW


def asked_of(world: SimulatedLab, node: str) -> list[RunProgram]:
    return [
        probe for probe in world.asked if isinstance(probe, RunProgram) and probe.node == node and ASK in probe.argv
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kept", "begins"),
    [
        (NOBODY, "The DNS server resolver answers that the name app-1.shop.lab does not exist (NXDOMAIN). "),
        (ELSEWHERE, "The DNS server resolver says that app-1.shop.lab is 192.0.2.9 (which is nobody here), but app-1 "),
    ],
)
def test_a_resolver_that_has_kept_a_wrong_answer_is_told_as_such(way: str, kept: str, begins: str) -> None:
    world = lab(WAYS[way], kept, NOW)
    sentence = walked(world, **CONNECTS).sentence
    app = world.topology.address_for("client", "app-1")
    assert sentence.startswith(begins)
    assert sentence.endswith(f"resolver keeps this answer for 586 s more; auth, which it asks, now says {app}.")


@pytest.mark.parametrize(
    ("way", "kept", "now", "more"),
    [
        # The server of the zone says the same, or does not answer with authority.
        ("from the root", NOBODY, head("NXDOMAIN", "qr aa") + SOA, {}),
        ("from the root", NOBODY, head("NOERROR", "qr") + ROW, {}),
        # The answer is the server's own.
        ("from the root", head("NXDOMAIN", "qr aa rd ra") + SOA, NOW, {}),
        # The resolver is led to another server, or two of them answer for the zone.
        ("from the root", NOBODY, NOW, {"auth": "other", "other": "shop.lab"}),
        ("from the root", NOBODY, NOW, {"other": "shop.lab"}),
    ],
)
def test_where_that_is_not_known_nothing_is_said_of_it(way: str, kept: str, now: str, more: dict[str, str]) -> None:
    assert "has kept" not in walked(lab(WAYS[way], kept, now, **more), **CONNECTS).sentence


def test_of_a_server_that_cannot_be_asked_nothing_is_said() -> None:
    world = lab(WAYS["from the root"], NOBODY, NOW)
    gone = Unavailable("the node resolver is stopped")
    world.rules.insert(0, lambda probe: gone if isinstance(probe, RunProgram) and probe.node == "resolver" else None)
    assert "has kept" not in walked(world, **CONNECTS).sentence


def test_a_right_answer_is_not_asked_for_twice() -> None:
    world = far(TEXT.replace("WAY", "hints: [root]").replace("AUTH", "auth").replace("OTHER", "example.org"))
    assert walked(world, "pass", **CONNECTS).broken is None
    assert asked_of(world, "resolver") == []
