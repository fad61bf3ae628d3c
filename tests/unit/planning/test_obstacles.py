"""What wirelab did not make in the network of a node is told; what it or the engine made is not."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from typing import Any

import pytest

from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.obstacles import obstacles_in, resolver_obstacle
from orchestrator.planning.seen_network import FilterRule, read_network
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

TEXT = """
name: shop
title: A network with a server, one that leads out, and a router to another
domain: shop.lab
networks: {near: null, out: {internal: false}, far: null}
nodes:
  dns:    {role: dns, networks: [near]}
  app:    {role: app, networks: [near]}
  both:   {role: client, networks: [near, out]}
  router: {role: router, networks: [near, far]}
  clerk:  {role: client, networks: [far]}
"""
ENGINE_RULES = """table ip nat {
\tchain DOCKER_OUTPUT {
\t\tip daddr 127.0.0.11 tcp dport 53 counter xt target "DNAT"
\t}

\tchain OUTPUT {
\t\ttype nat hook output priority dstnat; policy accept;
\t\tip daddr 127.0.0.11 counter jump DOCKER_OUTPUT
\t}
}
"""
Parts = dict[str, Any]


def snapshot() -> Snapshot:
    images = dict.fromkeys(("dns", "app", "client", "database"), "i")
    return Snapshot("/s", "r", images, secrets={"db": Secret("x")})


def topology() -> Topology:
    scenario = read_scenario(TEXT, file="shop", read_companion=dict[str, str]().get).scenario
    return assign_addresses("shop", scenario, snapshot(), {})


def network_of(node: str) -> Parts:
    """The parts of what `look` prints of a node that nobody has touched, on an engine like Docker 20.10."""
    shop = topology()
    links: list[Parts] = [
        {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
        {"ifname": "tunl0", "flags": ["NOARP"], "addr_info": []},
    ]
    routes: list[Parts] = [{"type": "local", "dst": "127.0.0.1", "table": "local", "protocol": "kernel"}]
    for number, end in enumerate(shop.attachments_of(node)):
        subnet, own = shop.subnets[end.network], {"local": str(end.address), "prefixlen": 24}
        links.append({"ifname": f"eth{number}", "flags": ["UP"], "mtu": 1500, "addr_info": [own]})
        routes.append({"dst": str(subnet), "dev": f"eth{number}", "protocol": "kernel", "scope": "link"})
        if end.network == "out":
            routes.append({"dst": "default", "gateway": str(subnet[1]), "dev": f"eth{number}"})
    if node == "clerk":
        routes.append({"dst": str(shop.subnets["near"]), "gateway": str(shop.address_for("clerk", "router"))})
    elif end.network == "near" or node == "both":
        routes.append({"dst": str(shop.subnets["far"]), "gateway": str(shop.address_for("app", "router"))})
    return {
        "addresses": links,
        "routes": routes,
        "rules": [{"priority": 0, "src": "all", "table": "local"}, {"priority": 32766, "src": "all", "table": "main"}],
        "neighbours": [],
        "queues": [{"kind": "noqueue", "handle": "0:", "dev": "eth0"}],
        "filter": ENGINE_RULES,
        "legacy": "ip nat 4\nip filter 0",
        "forwarding": str(int(node == "router")),
    }


def text_of(parts: Parts) -> str:
    return "".join(f"== {name}\n{p if isinstance(p, str) else json.dumps(p)}\n\n" for name, p in parts.items())


def obstacles_of(node: str, parts: Parts) -> list[str]:
    seen = read_network(text_of(parts) + "wirelab: ready\n")
    return [obstacle.text for obstacle in obstacles_in(topology(), snapshot(), node, seen)]


@pytest.mark.parametrize("node", ["dns", "app", "both", "router", "clerk"])
def test_of_a_node_that_nobody_has_touched_nothing_is_told(node: str) -> None:
    assert obstacles_of(node, network_of(node)) == []


def test_of_a_node_into_which_nobody_could_look_nothing_is_told() -> None:
    assert obstacles_in(topology(), snapshot(), "app", read_network("")) == ()


def rules(*lines: str, table: str = "ip filter", chain: str = "INPUT") -> str:
    inside = "".join(f"\t\t{line}\n" for line in lines)
    a_set = "\tset s {\n\t\ttype inet_service\n\t}\n"
    return f"{ENGINE_RULES}table {table} {{\n{a_set}\n\tchain {chain} {{\n{inside}\t}}\n}}\n"


@pytest.mark.parametrize(
    ("ruleset", "wanted"),
    [
        (rules("tcp dport 80 counter drop"), ["table ip filter, chain INPUT: tcp dport 80 drop"]),
        (
            rules("type filter hook input priority filter; policy drop;", "tcp dport 22 accept"),
            ["table ip filter, chain INPUT: policy drop"],
        ),
        (
            rules("tcp dport { 80,", "\t443 } reject with tcp reset", table="inet t", chain="c"),
            ["table inet t, chain c: tcp dport { 80, 443 } reject with tcp reset"],
        ),
        (rules('xt match "statistic" counter drop'), ['table ip filter, chain INPUT: xt match "statistic" drop']),
        (rules("tcp dport 80 redirect to :81"), ["table ip filter, chain INPUT: tcp dport 80 redirect to :81"]),
        (rules("type filter hook input priority filter; policy accept;", "counter accept", "log prefix a"), []),
        (rules("tcp dport @s accept"), []),
    ],
)
def test_rules_that_may_keep_a_packet_are_told_with_table_and_chain(ruleset: str, wanted: list[str]) -> None:
    parts = network_of("app") | {"filter": ruleset}
    assert obstacles_of("app", parts) == [
        f"has a packet filter rule that wirelab did not make: {rule}" for rule in wanted
    ]


def test_the_table_of_a_cut_is_told_where_no_cut_is_in() -> None:
    parts = network_of("app") | {"filter": rules("ip saddr 10.0.0.1 drop", table="inet wirelab", chain="arriving")}
    (seen,) = obstacles_of("app", parts)
    assert "although no cut is in" in seen


def test_rules_of_the_older_iptables_are_counted() -> None:
    (seen,) = obstacles_of("app", network_of("app") | {"legacy": "ip nat 4\nip filter 2"})
    assert "table ip filter, chain of iptables-legacy: 2 rules" in seen


@pytest.mark.parametrize(
    ("part", "row", "wanted"),
    [
        (
            "routes",
            {"type": "blackhole", "dst": "10.9.9.9", "flags": []},
            "that wirelab did not set: blackhole 10.9.9.9",
        ),
        ("routes", {"dst": "10.9.9.9", "gateway": "10.0.0.1", "dev": "eth0"}, "10.9.9.9 via 10.0.0.1 dev eth0"),
        ("routes", {"dst": "default", "dev": "eth0", "scope": "link"}, "that wirelab did not set: default dev eth0"),
        ("rules", {"priority": 100, "src": "all", "table": "7"}, "routing rule that wirelab did not set: priority 100"),
        (
            "neighbours",
            {"dst": "10.0.0.9", "lladdr": "02::", "state": ["PERMANENT"]},
            "fixed hardware address for 10.0.0.9",
        ),
        (
            "queues",
            {"kind": "netem", "handle": "8001:", "dev": "eth0"},
            "queueing rule on eth0 that wirelab did not make: netem",
        ),
        (
            "addresses",
            {"ifname": "eth0", "flags": ["UP"], "addr_info": [{"local": "10.9.9.9", "prefixlen": 32}]},
            "has the address 10.9.9.9/32 on eth0, which wirelab did not give it",
        ),
        (
            "addresses",
            {"ifname": "dummy0", "flags": ["UP"], "addr_info": []},
            "an interface without an address: dummy0",
        ),
    ],
)
def test_what_somebody_added_is_told(part: str, row: Parts, wanted: str) -> None:
    parts = network_of("app")
    parts[part].append(row)
    (obstacle,) = obstacles_of("app", parts)
    assert wanted in obstacle


def test_what_somebody_changed_at_an_interface_is_told() -> None:
    parts = network_of("app")
    (link,) = [row for row in parts["addresses"] if row["ifname"] == "eth0"]
    link |= {"ifname": "eth1", "flags": ["NOARP"], "mtu": 100}
    seen = " ".join(obstacles_of("app", parts))
    for words in ("eth1 down", "eth1 without ARP", "at its start it was eth0", "at most 100 bytes"):
        assert words in seen


def test_of_a_node_on_two_networks_both_names_are_its_own() -> None:
    """Which of its networks an engine connects first is the engine's affair."""
    parts = network_of("both")
    for row in parts["addresses"]:
        row["ifname"] = {"eth0": "eth1", "eth1": "eth0"}.get(row["ifname"], row["ifname"])
    assert obstacles_of("both", parts) == []


def test_what_somebody_took_away_is_told() -> None:
    parts, address = network_of("both"), str(topology().address_for("app", "both"))
    for row in parts["addresses"]:
        row["addr_info"] = [own for own in row["addr_info"] if own["local"] != address]
    parts["routes"] = [row for row in parts["routes"] if row["dst"] not in ("default", str(topology().subnets["near"]))]
    seen = obstacles_of("both", parts)
    assert f"does not have its address {address}" in seen
    assert f"has no route to its own network {topology().subnets['near']}" in seen
    assert "has no default route, although its network leads out" in seen


def test_forwarding_is_told_where_it_is_not_as_the_role_has_it() -> None:
    assert obstacles_of("router", network_of("router") | {"forwarding": "0"}) == [
        "has net.ipv4.ip_forward = 0, and wirelab set 1"
    ]


def test_another_resolver_file_is_told_with_its_lines() -> None:
    wanted = "nameserver 10.0.0.1\nsearch .\n"
    assert resolver_obstacle("app", wanted, wanted) == ()
    (obstacle,) = resolver_obstacle("app", wanted, "nameserver 10.0.0.2\n")
    assert str(obstacle) == "app has another /etc/resolv.conf than wirelab gave it: nameserver 10.0.0.2"
    assert "it is empty" in resolver_obstacle("app", wanted, "")[0].text


@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ("tcp dport 80 drop", True),
        ("tcp dport 81 drop", False),
        ("tcp sport 80 drop", True),
        ("udp dport 80 drop", False),
        ("tcp dport { 80, 81 } drop", True),
        ("tcp dport != 80 drop", True),
        ("ip saddr 10.0.0.1 drop", True),
        ("ip saddr 10.0.0.9 drop", False),
        ("ip saddr 10.0.0.0/8 drop", True),
        ("meta l4proto udp drop", False),
        ("meta l4proto tcp drop", True),
        ("ip protocol icmp drop", False),
        ("icmp type echo-request drop", False),
        ("policy drop", True),
    ],
)
def test_a_rule_is_blamed_only_for_packets_that_its_words_allow(rule: str, *, meets: bool) -> None:
    addresses = frozenset(map(str, (IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))))
    assert FilterRule("ip filter", "INPUT", rule).may_meet("tcp", 80, addresses) is meets
