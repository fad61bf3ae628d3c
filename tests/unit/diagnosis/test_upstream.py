"""Walks behind a resolver: to the servers that it asks in turn."""

from __future__ import annotations

import json

import pytest
from walk_harness import CONNECTS, FOUND, LOST, Rule, SimulatedLab, dns_reply, far, state, walked

from orchestrator.checks.probes import ProgramResult, RunProgram

SERVFAIL = ProgramResult(0, FOUND.format(rows="", server="192.168.1.1").replace("NOERROR", "SERVFAIL"), "")
REFUSED = ProgramResult(0, SERVFAIL.out.replace("SERVFAIL", "REFUSED"), "")
TREE = """
name: tree
title: A tree of servers, and a resolver that hands on to the one which walks through it
domain: shop.lab
nodes:
  root:   {role: dns, zones: {".": {delegates: {lab: tld, test: other}}}}
  tld:    {role: dns, zones: {lab: {delegates: {shop: auth}}}}
  auth:   {role: dns, zones: {shop.lab: {}}}
  other:  {role: dns, zones: {test: {}}}
  walker: {role: dns, hints: [root]}
  near:   {role: dns, forward: [walker]}
  app:    {role: app}
  client: {role: client, resolvers: [near], uses: [app]}
"""
NAME = {"from_": "client", "resolves": "app.shop.lab", "to": "app"}


def lost(server: str, world: SimulatedLab) -> ProgramResult:
    return ProgramResult(9, LOST.format(server=world.topology.address_for("client", server)), "")


def leading_on(who: str, at: str) -> ProgramResult:
    """A referral to the server of that name, at the address of a node."""
    below = f";; AUTHORITY SECTION:\nlab. 3 IN NS {who}.shop.lab.\n\n"
    glue = f";; ADDITIONAL SECTION:\n{who}.shop.lab. 3 IN A {at}\n"
    return ProgramResult(
        0, FOUND.replace(";; ANSWER SECTION:\n{rows}\n", below + glue).format(server="192.168.1.1"), ""
    )


def from_server(server: str, answer: ProgramResult, world: SimulatedLab) -> Rule:
    """What one server answers, to whom it does not matter."""
    at = str(world.topology.address_for("client", server))
    own = ProgramResult(answer.exit_code, answer.out.replace("192.168.1.1#53(192.168.1.1)", f"{at}#53({at})"), "")
    return dns_reply(own, server=at)


def test_a_server_behind_the_resolver_is_named_where_the_resolver_found_nothing_out() -> None:
    world = far()
    world.rules += [state("auth", "stopped"), dns_reply(SERVFAIL)]
    walk = walked(world, **CONNECTS)
    assert walk.sentence == "The DNS server auth is stopped, so resolver does not get the answer for app-1.shop.lab."
    assert walk.also == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("silent", "says"),
    [
        ({"root": "lost"}, "The DNS server root does not answer walker, so it does not learn the address of {}."),
        ({"auth": "lost"}, "The DNS server auth does not answer walker, so it does not learn the address of {}."),
        (
            {"auth": "refused"},
            "tld delegates shop.lab to auth, which does not answer for it: auth refuses the question (REFUSED). "
            "The delegation is lame.",
        ),
        (
            {"auth": "empty"},
            "tld delegates shop.lab to auth, which does not answer for it: auth has no answer with authority "
            "(no flag aa). The delegation is lame.",
        ),
        ({"auth": "servfail"}, "The DNS server auth answers that it could not find out about {} (SERVFAIL)."),
        ({"tld": "astray"}, "The DNS server tld leads on to auth at the wrong address: {app} (app)."),
        ({"tld": "other"}, "The DNS server tld leads on to other.shop.lab for {}, and not to auth."),
        ({"tld": "empty"}, "The DNS server tld does not lead on to auth for {}: it names no other server."),
        ({}, "The DNS server walker answers that it could not find out about {} (SERVFAIL)."),
    ],
)
def test_a_walk_goes_on_behind_the_resolver_to_the_server_that_is_broken(silent: dict[str, str], says: str) -> None:
    """Through whom it hands on to, and from the root down; a server that the name does not need is not asked."""
    world = far(TREE)
    address = {node: str(world.topology.address_for("walker", node)) for node in world.topology.names}
    answers = {
        "refused": REFUSED,
        "servfail": SERVFAIL,
        "astray": leading_on("auth", address["app"]),
        "other": leading_on("other", address["other"]),
        "empty": ProgramResult(0, SERVFAIL.out.replace("SERVFAIL", "NOERROR"), ""),
    }
    for node, what in silent.items():
        world.rules.append(from_server(node, answers.get(what) or lost(node, world), world))
    world.rules += [
        from_server("root", leading_on("tld", address["tld"]), world),
        from_server("tld", leading_on("auth", address["auth"]), world),
        from_server("other", REFUSED, world),
        dns_reply(SERVFAIL, "client"),
        from_server("walker", SERVFAIL, world),
    ]
    walk = walked(world, **NAME)
    assert walk.sentence == says.format("app.shop.lab", app=address["app"])
    assert walk.also == ()


@pytest.mark.slow
def test_a_server_that_is_stopped_and_not_on_the_way_to_a_name_is_named_only_where_nothing_else_is() -> None:
    """An alias may lead to it."""
    world = far(TREE)
    world.rules += [state("other", "stopped"), dns_reply(SERVFAIL, "client")]
    tld, auth = (str(world.topology.address_for("walker", node)) for node in ("tld", "auth"))
    world.rules += [
        from_server("root", leading_on("tld", tld), world),
        from_server("tld", leading_on("auth", auth), world),
    ]
    world.rules += [from_server("walker", SERVFAIL, world)]
    assert walked(world, **NAME).sentence.startswith("The DNS server other is stopped, so walker")
    world.rules.insert(0, from_server("auth", REFUSED, world))
    assert "auth" in walked(world, **NAME).sentence


@pytest.mark.slow
def test_a_way_that_leads_a_resolver_astray_is_named_and_not_the_server_at_its_end() -> None:
    """A resolver makes no connection to those that it asks: whether a way works shows by their answer alone."""
    world = far(TREE)
    root, gateway, auth = (str(world.topology.address_for("walker", node)) for node in ("root", "app", "auth"))
    astray = ProgramResult(0, json.dumps([{"dev": "eth0", "gateway": gateway}]), "")
    route = RunProgram("walker", ("ip", "-j", "route", "get", root), frozenset({"ss"}))
    world.rules += [
        lambda probe: astray if probe == route else None,
        from_server("root", lost("root", world), world),
        from_server("tld", leading_on("auth", auth), world),
        dns_reply(SERVFAIL, "client"),
        from_server("walker", SERVFAIL, world),
    ]
    walk = walked(world, **NAME)
    assert walk.sentence.startswith(f"walker sends what is for root through {gateway} (app), though")
    assert walk.also == ()


@pytest.mark.slow
def test_a_walk_follows_a_delegation_that_is_written_as_a_record() -> None:
    """The NS record of a part of a zone leads on as `delegates` does."""
    world = far(TREE.replace("{delegates: {shop: auth}}", "{records: {shop: {NS: auth.shop.lab.}}}"))
    address = {node: str(world.topology.address_for("walker", node)) for node in world.topology.names}
    world.rules += [
        from_server("root", leading_on("tld", address["tld"]), world),
        from_server("tld", leading_on("auth", address["auth"]), world),
        from_server("auth", REFUSED, world),
        dns_reply(SERVFAIL, "client"),
        from_server("walker", SERVFAIL, world),
    ]
    assert walked(world, **NAME).sentence.startswith("tld delegates shop.lab to auth, which does not answer for it")


CONDITIONAL = """
name: two
title: A server that asks another one for one domain
domain: shop.lab
nodes:
  dns:    {role: dns, forward_zones: {corp.lab: corp}}
  corp:   {role: dns, zones: {corp.lab: {records: {www: {A: "${app}"}}}}}
  app:    {role: app}
  client: {role: client, resolvers: [dns]}
"""


def by_resolver(answer: ProgramResult, world: SimulatedLab) -> Rule:
    """What the client's own DNS server says."""
    at = str(world.topology.address_for("client", "dns"))
    return dns_reply(
        ProgramResult(0, answer.out.replace("192.168.1.1#53(192.168.1.1)", f"{at}#53({at})"), ""), "client"
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("stopped", "The DNS server corp is stopped, so dns does not get the answer for www.corp.lab."),
        ("refuses", "The DNS server corp answers that it does not answer questions for www.corp.lab (REFUSED)."),
        ("", "The DNS server dns answers that it could not find out about www.corp.lab (SERVFAIL)."),
    ],
)
def test_a_walk_goes_on_at_the_server_to_which_a_domain_is_forwarded(broken: str, says: str) -> None:
    world = far(CONDITIONAL)
    if broken == "stopped":
        world.rules.append(state("corp", "stopped"))
    if broken == "refuses":
        world.rules.append(from_server("corp", REFUSED, world))
    world.rules.append(by_resolver(SERVFAIL, world))
    assert walked(world, from_="client", resolves="www.corp.lab", to="app").sentence == says


def test_a_server_to_which_another_domain_is_forwarded_is_not_asked() -> None:
    """Of what it says of its own names, the server is to blame itself."""
    world = far(CONDITIONAL)
    world.rules += [from_server("corp", REFUSED, world), by_resolver(SERVFAIL, world)]
    walk = walked(world, from_="client", resolves="app.shop.lab", to="app")
    assert walk.sentence == "The DNS server dns answers that it could not find out about app.shop.lab (SERVFAIL)."
