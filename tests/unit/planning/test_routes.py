"""Which way each node knows to the networks behind routers, and what `up` does about it."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
from observed_labs import listed, nothing, plan_of, planned, standing, with_container

from orchestrator.engine.docker.config import network_config, network_seen
from orchestrator.planning.plan import MakeNetwork, MakeNode, SetRoutes
from orchestrator.planning.routes import read_table, routes_of, routes_text

# front --- middle --- back, with a router at each joint, and an office that no router reaches.
CHAIN = """\
name: shop
title: Three networks in a row
networks:
  front: {subnet: 192.168.1.0/24}
  middle: {subnet: 192.168.2.0/24}
  back: {subnet: 192.168.3.0/24}
  office: {subnet: 192.168.4.0/24}
nodes:
  west: {role: router, networks: [front, middle]}
  east: {role: router, networks: [middle, back]}
  client: {role: client, networks: [front]}
  db: {role: database, networks: [back]}
  clerk: {role: client, networks: [office]}
"""


def routes(text: str) -> dict[str, str]:
    return {node: routes_text(found) for node, found in routes_of(planned(text, nothing())[0]).items()}


def test_each_node_learns_the_way_to_every_network_that_routers_reach() -> None:
    """Over two routers too, each router included; a node where no router is near is left alone."""
    assert routes(CHAIN) == {
        "west": "192.168.3.0/24 via 192.168.2.11",
        "east": "192.168.1.0/24 via 192.168.2.10",
        "client": "192.168.2.0/24 via 192.168.1.10, 192.168.3.0/24 via 192.168.1.10",
        "db": "192.168.1.0/24 via 192.168.3.10, 192.168.2.0/24 via 192.168.3.10",
    }


def test_the_shorter_way_is_taken_and_the_first_router_of_two() -> None:
    """A router from front straight to back beats two in a row; of two such the one that the file declares first."""
    shorter = CHAIN + "  a: {role: router, networks: [front, back]}\n  b: {role: router, networks: [front, back]}\n"
    assert routes(shorter)["client"] == "192.168.2.0/24 via 192.168.1.10, 192.168.3.0/24 via 192.168.1.12"


@pytest.mark.slow
def test_a_node_knows_only_the_ways_that_it_is_given() -> None:
    """`routes: []` is no way at all, `routes: [back]` one."""
    one = CHAIN.replace(
        "client: {role: client, networks: [front]", "client: {role: client, networks: [front], routes: %s"
    )
    assert routes(one % "[]")["client"] == "none"
    assert routes(one % "[back]")["client"] == "192.168.3.0/24 via 192.168.1.10"


def test_where_the_file_opens_a_network_the_way_out_is_kept() -> None:
    """`internal: false` is the declared exception; the networks beside it stay closed."""
    opened = CHAIN.replace("front: {subnet: 192.168.1.0/24}", "front: {subnet: 192.168.1.0/24, internal: false}")
    assert routes(opened)["client"].startswith("default via 192.168.1.1, ")
    assert "default" not in routes(opened)["db"]


def test_without_a_router_nobody_touches_a_route() -> None:
    """Several networks alone change nothing: no step, and nothing to look at."""
    alone = "".join(line for line in CHAIN.splitlines(keepends=True) if "role: router" not in line)
    assert routes(alone) == {}
    assert "routes:" not in plan_of(alone, nothing())


def test_a_network_with_a_router_is_closed_by_a_bridge_without_an_address() -> None:
    """To the engine it is not internal, for then nothing could be routed; what the engine shows is read as closed."""
    specs = {
        step.action.network: step.action.spec
        for step in planned(CHAIN, nothing())[1].steps
        if isinstance(step.action, MakeNetwork)
    }
    assert {name: (spec.internal, spec.gateway_unanswered) for name, spec in specs.items()} == {
        "front": (True, True),
        "middle": (True, True),
        "back": (True, True),
        "office": (True, False),
    }
    front, office = network_config(specs["front"]), network_config(specs["office"])
    assert (front["Internal"], office["Internal"]) == (False, True)
    assert front["Options"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    seen = network_seen(listed(front))
    assert (seen.internal, seen.gateway_unanswered) == (True, True)


def test_only_routers_forward() -> None:
    """The engine's host forwards, and a new network namespace would take that over."""
    steps = planned(CHAIN, nothing())[1].steps
    forward = {
        step.action.node: step.action.spec.sysctls["net.ipv4.ip_forward"]
        for step in steps
        if isinstance(step.action, MakeNode)
    }
    assert forward == {"west": "1", "east": "1", "client": "0", "db": "0", "clerk": "0"}


def test_a_helper_sets_them_after_the_start_and_before_the_node_counts_as_ready() -> None:
    """It has NET_ADMIN and root for a moment; the node has neither."""
    plan = planned(CHAIN, nothing())[1]
    step = next(step for step in plan.steps if step.id == "routes:client")
    assert isinstance(step.action, SetRoutes)
    assert "node:client" in step.needs
    assert "routes:client" in next(step for step in plan.steps if step.id == "ready:client").needs
    helper = step.action.helper
    assert (helper.user, helper.capabilities, helper.share_network_of) == ("0", ("NET_ADMIN",), "client")
    assert helper.command == (
        "/usr/lib/wirelab/routes",
        "192.168.2.0/24=192.168.1.10",
        "192.168.3.0/24=192.168.1.10",
    )
    node = next(s.action.spec for s in plan.steps if isinstance(s.action, MakeNode) and s.action.node == "client")
    assert node.capabilities == ()


def test_a_lab_that_stands_needs_nothing() -> None:
    assert plan_of(CHAIN, standing(CHAIN)) == ""


def test_routes_that_a_restart_or_a_hand_took_are_set_again() -> None:
    """What the node really has is what counts, and the plan says it."""
    observed = standing(CHAIN)
    observed = replace(observed, routes={**observed.routes, "client": ("default via 192.168.1.1",), "db": ()})
    ways = {"client": "192.168.2.0/24 via 192.168.1.10, 192.168.3.0/24 via 192.168.1.10"}
    assert plan_of(CHAIN, observed) == dedent(f"""\
        routes:client {ways["client"]}  (it has default via 192.168.1.1)
        routes:db 192.168.1.0/24 via 192.168.3.10, 192.168.2.0/24 via 192.168.3.10  (it has none)""")


def test_a_node_into_which_nobody_can_look_keeps_what_was_set_since_its_start() -> None:
    """As a frozen one, or one of a foreign image without `cat`."""
    observed = replace(standing(CHAIN), routes={})
    assert plan_of(CHAIN, observed) == ""
    again = with_container(observed, "client", started="2026-01-01T00:00:01.000000001Z")
    assert [line.split()[0] for line in plan_of(CHAIN, again).splitlines()] == ["routes:client", "ready:client"]


def test_a_node_that_is_put_back_on_a_network_gets_its_routes_again() -> None:
    """The engine forgets them with the end on the network."""
    observed = with_container(standing(CHAIN), "client", addresses={})
    steps = planned(CHAIN, observed)[1].steps
    assert [(step.id, step.needs) for step in steps] == [
        ("connect:client:front", ()),
        ("routes:client", ("connect:client:front",)),
    ]


def test_a_first_router_makes_the_networks_anew() -> None:
    """They were internal to the engine, which would let nothing be routed."""
    without = CHAIN.replace("  west: {role: router, networks: [front, middle]}\n", "")
    plan = plan_of(CHAIN, standing(without))
    assert "network:front 192.168.1.0/24  (changed)" in plan
    assert "network:back" not in plan


def test_the_kernels_own_table_is_read() -> None:
    """proc(5): hexadecimal, least significant byte first; routes without a gateway are the node's own networks."""
    table = dedent("""\
        Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
        eth0\t00000000\t01DDA8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
        eth0\t00DDA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
        eth0\t00DEA8C0\t0ADDA8C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
        """)
    assert read_table(table) == ("default via 192.168.221.1", "192.168.222.0/24 via 192.168.221.10")
    assert read_table("") == ()


@pytest.mark.slow
def test_a_name_leads_to_the_address_that_the_fewest_routers_part_from_the_asker() -> None:
    """A node on two networks is told by the near one, by a farther one, and where no way leads to any by all."""
    text = CHAIN + "  dns: {role: dns, networks: [front]}\n  app: {role: app, networks: [office, back, middle]}\n"
    topology, _ = planned(text, nothing())
    front, middle, office = (topology.addresses_from((name,), "app") for name in ("front", "middle", "office"))
    assert [str(one) for one in (*front, *middle, *office)] == ["192.168.2.12", "192.168.2.12", "192.168.4.11"]
    assert str(topology.address_for("client", "app")) == "192.168.2.12"
    assert str(topology.address_for("db", "app")) == "192.168.3.12"
    assert len(topology.addresses_from((), "app")) == 3
    assert str(topology.address_for("clerk", "db")) == "192.168.3.11"
