"""Which node of a split lab stands on which member, which networks span, and what cannot be split: as values alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import product

import pytest
from observed_labs import BASIC, made_by, nothing, plan_of, planned, scenario

from orchestrator.engine.docker.config import network_config, network_seen
from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.planning.capture import recorder_spec
from orchestrator.planning.plan import MakeNetwork, MakeNode
from orchestrator.planning.snapshot import Snapshot
from orchestrator.planning.split import Split, nodes_on, split_nodes
from orchestrator.planning.swarm import SwarmMember, require_swarm, swarm_range

NETWORKS = """\
name: shop
title: Three networks
domain: shop.lab
networks:
  front: {}
  middle: {}
  back: {MARK}
nodes:
  dns:    {role: dns, networks: [front, middle, back]}
  alice:  {role: client, networks: [front]}
  bob:    {role: client, networks: [front]}
  app:    {role: app, networks: [middle]}
  other:  {role: app, networks: [middle]}
  clerk:  {role: client, networks: [back]}
  keeper: {role: client, networks: [back]}
"""


def networks(mark: str = "") -> str:
    return NETWORKS.replace("MARK", mark)


def split_of(text: str, *members: str, standing: dict[str, str] | None = None) -> Split:
    return split_nodes(scenario(text), members or ("a", "b"), "a", standing)


def spanning(text: str, split: Split) -> list[str]:
    return [name for name in nodes_on(scenario(text)) if len(split.members_of(scenario(text), name)) > 1]


def seen(text: str = BASIC, split: Split | None = None) -> Snapshot:
    return replace(nothing(), split=split or split_of(text))


def test_basic_stands_two_and_two() -> None:
    assert split_of(BASIC).nodes == {"dns": "a", "db": "a", "app": "b", "client": "b"}


def test_few_networks_span_and_no_placement_of_as_even_halves_lets_fewer() -> None:
    text = networks()
    split = split_of(text)
    best = min(
        len(spanning(text, Split(("a", "b"), "a", dict(zip(split.nodes, where, strict=True)))))
        for where in product("ab", repeat=len(split.nodes))
        if where.count("a") in (3, 4)
    )
    assert len(spanning(text, split)) == best
    assert sorted(split.nodes.values()).count("a") in (3, 4)


def test_on_is_obeyed_and_what_stands_stays() -> None:
    text = BASIC.replace("{role: dns}", "{role: dns, on: b}")
    assert split_of(text).nodes["dns"] == "b"
    standing = {"dns": "b", "db": "b", "app": "a"}
    assert split_of(BASIC, standing=standing).nodes == {**standing, "client": "a"}


@pytest.mark.parametrize(
    ("text", "standing", "what", "why"),
    [
        (
            BASIC.replace("{role: dns}", "{role: dns, on: c}"),
            {},
            "the node 'dns' belongs on the member 'c', and the lab is not split over it",
            "the file says on: c, and the members are a, b",
        ),
        (
            BASIC.replace("{role: dns}", "{role: dns, on: a}"),
            {"dns": "b"},
            "the node 'dns' stands on the member 'b', and the file now says on: a",
            "a node stays where it came up first",
        ),
        (
            networks("ipv6: true").replace("clerk:  {", "clerk:  {on: a, ").replace("keeper: {", "keeper: {on: b, "),
            {},
            "the network 'back' cannot span members: it has ipv6: true, and an overlay of a Swarm carries IPv4 only",
            "the file or an earlier up puts its nodes on several: clerk on a, keeper on b",
        ),
        (
            BASIC.replace("nodes:", "networks:\n  lab: {internal: false}\nnodes:"),
            {},
            "the scenario 'shop' cannot be split",
            "the nodes of the network 'lab' must stand on one member: it has internal: false, and each member has a "
            "way out of its own",
        ),
        (
            BASIC.replace("nodes:", "networks:\n  lab: {subnet: 192.168.7.0/27}\nnodes:"),
            {},
            "the scenario 'shop' cannot be split",
            "the nodes of the network 'lab' must stand on one member: its subnet 192.168.7.0/27 is smaller than a /26, "
            "and the Swarm takes addresses of it for itself",
        ),
    ],
    ids=["on nobody", "on another one", "ipv6 apart", "way out", "small range"],
)
def test_what_cannot_be_split_is_refused_with_the_reason(
    text: str, standing: dict[str, str], what: str, why: str
) -> None:
    with pytest.raises(UsageInvalid) as raised:
        split_of(text, standing=standing)
    assert (raised.value.what, raised.value.why) == (what, why)
    assert raised.value.hint


def test_nodes_on_a_network_that_cannot_span_stand_together() -> None:
    for mark in ("ipv6: true", "internal: false"):
        split = split_of(networks(mark))
        assert "back" not in spanning(networks(mark), split)
    routed = networks().replace("clerk:  {role: client, networks: [", "clerk:  {role: router, networks: [middle, ")
    assert spanning(routed, split_of(routed)) == ["front"]


def test_the_plan_says_where_and_makes_an_overlay_only_where_a_network_spans() -> None:
    text = networks()
    plan = planned(text, seen(text))[1]
    specs = {step.action.network: step.action.spec for step in plan.steps if isinstance(step.action, MakeNetwork)}
    split = split_of(text)
    assert [name for name, spec in specs.items() if spec.overlay] == spanning(text, split)
    assert all(spec.member == "a" for spec in specs.values() if spec.overlay)
    made = {step.action.node: step for step in plan.steps if isinstance(step.action, MakeNode)}
    for node, step in made.items():
        assert isinstance(step.action, MakeNode)
        assert step.action.spec.member == split.nodes[node]
        assert step.shows.endswith(f" @{split.nodes[node]}")
    lines = plan_of(BASIC, seen())
    assert "network:lab 192.168.102.0/24 @a+b  (missing)" in lines
    assert "node:client 192.168.102.13 @b" in lines
    assert "@" not in plan_of(BASIC, nothing())


def test_a_split_lab_that_stands_needs_nothing_and_a_network_that_begins_to_span_is_made_anew() -> None:
    split = split_of(BASIC)
    plan = planned(BASIC, seen(split=split))[1]
    standing = made_by(plan, replace(nothing(), run="run2", split=split))
    spanned = replace(standing, networks=tuple(replace(network, overlay=True) for network in standing.networks))
    assert plan_of(BASIC, spanned) == ""
    elsewhere = replace(spanned, split=Split(("a", "b"), "a", {**split.nodes, "dns": "b", "db": "b"}))
    assert "remove:network:lab" in plan_of(BASIC, elsewhere)
    alone = tuple(replace(network, overlay=False, member="b") for network in standing.networks)
    assert "remove:network:lab" not in plan_of(BASIC, replace(elsewhere, networks=alone))
    assert "remove:network:lab" in plan_of(BASIC, replace(spanned, networks=alone))


def test_the_last_addresses_of_a_spanning_network_are_the_swarms() -> None:
    assert swarm_range(IPv4Network("192.168.7.0/24")) == IPv4Network("192.168.7.240/28")
    assert swarm_range(IPv4Network("192.168.7.0/26")) == IPv4Network("192.168.7.48/28")
    assert swarm_range(IPv4Network("10.0.0.0/8")) == IPv4Network("10.240.0.0/12")
    small = BASIC.replace("nodes:", "networks:\n  lab: {subnet: 192.168.7.0/24}\nnodes:")
    taken = small.replace("{role: dns}", "{role: dns, address: 192.168.7.250}")
    with pytest.raises(UsageInvalid, match="'dns' cannot have the address") as raised:
        planned(taken, seen(taken))
    assert raised.value.why == (
        "the network 'lab' spans members, and the Swarm takes addresses of 192.168.7.240/28 for itself"
    )
    assert planned(taken, nothing())[0].addresses("dns") == (IPv4Address("192.168.7.250"),)


def test_an_overlay_is_attachable_and_is_read_back_as_one() -> None:
    (spec,) = [s.action.spec for s in planned(BASIC, seen())[1].steps if isinstance(s.action, MakeNetwork)]
    body = network_config(spec)
    assert (body["Driver"], body["Attachable"], body["Internal"]) == ("overlay", True, True)
    (ranges,) = body["IPAM"]["Config"]
    assert ranges["IPRange"] == str(spec.overlay)
    assert network_seen({**body, "Id": "n1"}).overlay
    plain = network_config(replace(spec, overlay=None))
    assert not network_seen({**plain, "Id": "n1"}).overlay


def test_a_split_lab_cannot_be_recorded_and_says_so() -> None:
    with pytest.raises(UsageInvalid, match="the lab 'shop' is split over a, b, and cannot be recorded"):
        recorder_spec(planned(BASIC, seen())[0], seen())


READY = {"1": "ready", "2": "ready"}
MANAGER, WORKER = SwarmMember("a", "1", is_manager=True, states=READY), SwarmMember("b", "2")


def test_the_first_manager_makes_the_networks() -> None:
    assert require_swarm((WORKER, MANAGER)) == "a"


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ((MANAGER, SwarmMember("b")), "the member 'b' is in no Docker Swarm"),
        ((replace(WORKER, name="a"), WORKER), "none of the members a, b manages the Swarm"),
        ((MANAGER, replace(WORKER, node="9")), "the members 'a' and 'b' are in different Swarms"),
        ((replace(MANAGER, states={**READY, "2": "down"}), WORKER), "the Swarm says that the member 'b' is down"),
        ((MANAGER, replace(WORKER, is_podman=True)), "a split lab cannot stand on the member 'b': it is Podman"),
        (
            (MANAGER, replace(WORKER, is_rootless=True)),
            "a split lab cannot stand on the member 'b': its engine runs rootless",
        ),
    ],
    ids=["no swarm", "no manager", "two swarms", "down", "podman", "rootless"],
)
def test_members_that_cannot_carry_a_split_lab_are_refused_with_the_way_out(
    members: tuple[SwarmMember, ...], what: str
) -> None:
    with pytest.raises(WorldError) as raised:
        require_swarm(members)
    assert raised.value.what == what
    assert raised.value.why
    assert raised.value.hint


def test_a_lab_is_split_over_two_members_to_fourteen() -> None:
    for count in (1, 15):
        with pytest.raises(UsageInvalid, match=f"over 2 to 14 members, and {count} are named"):
            require_swarm((MANAGER,) * count)


def test_five_hundred_nodes_are_placed() -> None:
    """Each on one of fifty networks of ten nodes: only those at the borders of the members span."""
    nodes = "".join(f"  n{number}: {{role: client, networks: [net{number // 10}]}}\n" for number in range(500))
    nets = "".join(f"  net{number}: {{}}\n" for number in range(50))
    head = f"name: big\ntitle: Big\ndomain: big.lab\nnetworks:\n{nets}"
    text = f"{head}nodes:\n  dns: {{role: dns, networks: [net0]}}\n{nodes}"
    split = split_of(text, "a", "b", "c")
    assert len(spanning(text, split)) <= 2
    counts = [list(split.nodes.values()).count(member) for member in split.members]
    assert max(counts) - min(counts) <= 2
