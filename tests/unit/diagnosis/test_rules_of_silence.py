"""Rules that wirelab did not make explain silence of every kind: of a datagram, a handshake, a statement, a connection
that is held; and rules of routing and of queues do where the packet filter has none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from walk_harness import CONNECTS, Rule, SimulatedLab, far, program, tcp, walked

from orchestrator.checks.kinds.udp import REFUSALS
from orchestrator.checks.probes import LogText, LookAtNetwork, Probe, ProbeResult, ProgramResult

PARTS = {
    "packet filter": ("filter", "table inet t {\n\tchain c {\n\t\tmeta length > 100 drop\n\t}\n}"),
    "routing": (
        "rules",
        json.dumps([{"priority": 9, "src": "all", "ipproto": "tcp", "dport": 80, "action": "blackhole"}]),
    ),
    "queueing": ("queues", json.dumps([{"kind": "tbf", "handle": "8001:", "dev": "eth0"}])),
    "nothing": ("queues", json.dumps([{"kind": "noqueue", "handle": "0:", "dev": "eth0"}])),
}


def in_node(node: str, kind: str) -> Rule:
    name, part = PARTS[kind]

    def answer(probe: Probe) -> ProbeResult | None:
        return LogText(f"== {name}\n{part}\n\nwirelab: ready\n") if probe == LookAtNetwork(node) else None

    return answer


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("routing", "routing rule that wirelab did not make stands in app-1 (priority 9 src all ipproto tcp dport 80"),
        ("queueing", "queueing rule that wirelab did not make stands in app-1 (tbf on eth0)."),
    ],
)
def test_a_rule_of_routing_or_of_a_queue_explains_a_lost_packet(kind: str, named: str) -> None:
    world = far()
    world.rules += [tcp("silent 3"), in_node("app-1", kind)]
    assert f"Nothing comes back from port 80 of app-1: a {named}" in walked(world, **CONNECTS).sentence


@pytest.mark.parametrize("kind", ["routing", "queueing"])
def test_no_such_rule_sends_an_rst(kind: str) -> None:
    world = far()
    world.rules += [tcp("bash: connect: Connection refused"), in_node("app-1", kind)]
    assert "did not make" not in walked(world, **CONNECTS).sentence


def test_the_queues_of_the_kernel_are_no_rules() -> None:
    world = far()
    world.rules += [tcp("silent 3"), in_node("app-1", "nothing")]
    assert "did not make" not in walked(world, **CONNECTS).sentence


UDP = """
name: far
title: A server of datagrams
domain: shop.lab
nodes:
  dns:    {role: dns}
  app-1:
    role: service
    command: [sleep, "9"]
    listens: [{port: 80}, {port: 53, protocol: udp}, {port: 443, tls: true}]
  db:     {role: database}
  client: {role: client, uses: [db]}
"""
SILENT = [
    ("udp", "no reply in 4 s", "No reply comes in 4 s from UDP port 53 of app-1"),
    ("udp", REFUSALS["ECONNREFUSED"], f"The datagram to UDP port 53 of app-1 is {REFUSALS['ECONNREFUSED']}"),
    ("udp", REFUSALS["EACCES"], f"The datagram to UDP port 53 of app-1 is refused: {REFUSALS['EACCES']}"),
    (
        "tls",
        "no certificate in 4 s: nothing answers the handshake",
        "app-1 accepts the connection, but does not answer",
    ),
    (
        "tls",
        "no certificate: the connection is broken off with an RST",
        "app-1 accepts the connection, but breaks it off",
    ),
    ("holds_open", "silent: the text was sent 4 times, and nothing acknowledged it", "What client sends on the conn"),
    ("holds_open", "reset: an RST came 0.1 s after the connection was last used", "app-1, or something before it"),
]
KEYS: dict[str, dict[str, Any]] = {
    "udp": {"udp": "app-1.shop.lab:53"},
    "tls": {"tls": "app-1.shop.lab:443"},
    "holds_open": {"holds_open": "app-1.shop.lab:80", "send": "x"},
}


def lab(kind: str) -> SimulatedLab:
    world = far(UDP)
    world.rules.append(in_node("app-1", kind))
    return world


@pytest.mark.parametrize(("key", "actual", "begins"), SILENT)
def test_a_rule_explains_what_is_lost_after_the_connection_is_made(key: str, actual: str, begins: str) -> None:
    walk = walked(lab("packet filter"), actual=actual, from_="client", **KEYS[key])
    assert walk.broken
    assert walk.broken.name == ("tls" if key == "tls" else "answer")
    assert walk.sentence.startswith(begins)
    where = "table inet t, chain c: meta length > 100 drop"
    assert walk.sentence.endswith(f": a packet filter rule that wirelab did not make stands in app-1 ({where}).")
    assert walk.command == "wirelab inject far stop app-1 && wirelab heal far"


@pytest.mark.parametrize(("key", "actual", "begins"), SILENT)
def test_without_a_rule_the_program_is_looked_at(key: str, actual: str, begins: str) -> None:
    walk = walked(lab("nothing"), actual=actual, from_="client", **KEYS[key])
    assert walk.sentence.startswith(begins)
    assert "did not make" not in walk.sentence
    assert " inject " not in str(walk.command)


LED = "192.168.1.4 has not answered: a packet filter rule in client leads its packets elsewhere (a rule)"


@pytest.mark.parametrize("actual", [LED, f"status 200 from 192.168.1.4:80; {LED}"])
def test_a_connection_that_is_led_elsewhere_is_broken_there(actual: str) -> None:
    walk = walked(far(UDP), actual=actual, from_="client", connects="app-1.shop.lab:80")
    assert walk.broken
    assert (walk.broken.name, walk.sentence) == ("tcp", f"{LED}.")
    assert walk.command == "wirelab inject far stop client && wirelab heal far"


@pytest.mark.parametrize(("node", "named"), [("client", True), ("app-1", False)])
def test_a_wrong_answer_may_be_that_of_another_machine(node: str, named: bool) -> None:
    """A rule of the server that leads to another port of its own is its own matter."""
    facts = {"http_code": 404, "time_connect": 0.1, "remote_ip": "x", "remote_port": 80, "time_total": 0.1}
    rule = "tcp dport 80 redirect to :81"
    text = f"== filter\ntable ip n {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n\nwirelab: ready\n"
    world = far(UDP)
    world.rules += [
        program("curl", ProgramResult(0, "", json.dumps({**facts, "local_ip": "y", "local_port": 1}))),
        lambda probe: LogText(text) if probe == LookAtNetwork(node) else None,
    ]
    walk = walked(world, from_="client", http="http://app-1.shop.lab/health")
    assert walk.sentence.startswith("app-1 answers, but it has nothing at /health (status 404)")
    assert (f"stands in client (table ip n, chain c: {rule})" in walk.sentence) is named


def test_nobody_looks_for_rules_where_a_server_tells_of_its_error() -> None:
    """What it needs is looked at first, and each look takes a helper of its own."""
    facts = {"http_code": 503, "time_connect": 0.1, "remote_ip": "x", "remote_port": 80, "time_total": 0.1}
    world = far(UDP)
    world.rules.append(program("curl", ProgramResult(0, "", json.dumps({**facts, "local_ip": "y", "local_port": 1}))))
    walked(world, from_="client", http="http://app-1.shop.lab/health")
    assert not [probe for probe in world.asked if isinstance(probe, LookAtNetwork)]


def test_a_wrong_reply_to_a_datagram_is_no_matter_of_rules() -> None:
    world = lab("packet filter")
    walk = walked(world, actual="the reply does not hold 'x': 'y'", from_="client", **KEYS["udp"])
    assert "the reply does not hold 'x'" in walk.sentence
    assert not [probe for probe in world.asked if isinstance(probe, LookAtNetwork)]


def test_a_rule_explains_a_statement_that_nobody_answers() -> None:
    world = lab("nothing")
    late = ProgramResult(
        2, "", 'psql: error: connection to server at "db.shop.lab.", port 5432 failed: timeout expired\n'
    )
    world.rules += [program("env", late), in_node("db", "packet filter")]
    walk = walked(world, from_="client", sql="select 1")
    assert walk.broken
    assert walk.broken.name == "answer"
    assert "gives no answer: a packet filter rule that wirelab did not make stands in db" in walk.sentence


NEIGHBOUR = '[{"dst": "%s", "dev": "eth0", "state": ["FAILED"]}]'


@pytest.mark.parametrize(
    ("table", "rule", "named"),
    [
        ("arp t", "drop", True),
        ("netdev t", "ip saddr 192.168.1.1 drop", True),
        ("inet t", "drop", False),  # sees no ARP
        ("arp t", "accept", False),
    ],
)
def test_a_rule_explains_a_machine_that_nobody_finds(table: str, rule: str, named: bool) -> None:
    world = far()
    address = str(world.topology.address_for("client", "app-1"))
    text = f"== filter\ntable {table} {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n\nwirelab: ready\n"

    def answer(probe: Probe) -> ProbeResult | None:
        if probe == LookAtNetwork("app-1"):
            return LogText(text)
        neighbours = getattr(probe, "argv", ()) == ("ip", "-j", "neigh")
        return ProgramResult(0, NEIGHBOUR % address, "") if neighbours else None

    world.rules += [tcp("bash: connect: No route to host"), answer]
    walk = walked(world, **CONNECTS)
    assert walk.sentence.startswith(f"app-1 does not answer for its address {address}: client asks its network")
    assert ("a packet filter rule that wirelab did not make stands in app-1" in walk.sentence) is named


def test_a_machine_that_is_not_found_by_a_datagram_is_looked_for_as_by_a_connection() -> None:
    actual = "no machine answers client for the address 192.168.1.3 (ARP, or neighbour discovery)"
    walk = walked(far(UDP), actual=actual, from_="client", **KEYS["udp"])
    assert walk.sentence.startswith("app-1 does not answer for its address ")
    assert str(walk.command).endswith(" client -- ip neigh")
