"""Another machine with the address of a node: that it answers proves nothing about the node."""

from __future__ import annotations

import json

import pytest
from check_harness import check, conversation, ran

from orchestrator.checks.interfaces import addresses_of, used_neighbours_of
from orchestrator.checks.probes import LogText, LookAtNetwork, NodeState, Probe, ProbeResult, Unavailable
from orchestrator.model.checks import BaseCheck

APP, DB = "02:42:c0:a8:07:0c", "02:42:c0:a8:07:0b"
ACCEPTED = ran("192.168.7.12\naccepted\nESTAB 0 0 192.168.7.13:41234 192.168.7.12:80\n")
FACTS = {"http_code": 200, "remote_ip": "192.168.7.12", "remote_port": 80, "local_ip": "192.168.7.13"}
ANSWERED = ran("ok", json.dumps({**FACTS, "local_port": 4, "time_total": 0.1, "content_type": "text/plain"}))
Interfaces = dict[Probe, ProbeResult]
CHECKS = [
    (check(from_="client", connects="app.shop.lab:80"), ACCEPTED),
    (check(from_="client", http="http://app.shop.lab/"), ANSWERED),
    (check(from_="client", http="http://192.168.7.12/"), ANSWERED),
]


def own(address: str, hardware: str) -> ProbeResult:
    return ran(json.dumps([{"ifname": "eth0", "address": hardware, "addr_info": [{"local": address}]}]))


HAS_IT: Interfaces = {addresses_of("app"): own("192.168.7.12", APP)}


def sends_to(hardware: str) -> Interfaces:
    return {used_neighbours_of("client"): ran(json.dumps([{"dst": "192.168.7.12", "lladdr": hardware}]))}


@pytest.mark.slow
@pytest.mark.parametrize(("one", "answer"), CHECKS)
def test_the_machine_that_is_meant_answers_from_its_own_hardware_address(one: BaseCheck, answer: ProbeResult) -> None:
    judgement = conversation(one, answer, interfaces=HAS_IT | sends_to(APP))[0]
    assert judgement.verdict == "pass"


@pytest.mark.parametrize(("one", "answer"), CHECKS)
def test_another_hardware_address_is_another_machine(one: BaseCheck, answer: ProbeResult) -> None:
    judgement = conversation(one, answer, interfaces=HAS_IT | sends_to(DB))[0]
    assert judgement.verdict == "fail"
    assert f"192.168.7.12 answered from the hardware address {DB}, but app has {APP}" in judgement.actual


@pytest.mark.parametrize(("one", "answer"), CHECKS)
def test_a_node_that_is_stopped_or_has_lost_its_address_has_not_answered(one: BaseCheck, answer: ProbeResult) -> None:
    gone: Interfaces = {addresses_of("app"): Unavailable("the node app is stopped")}
    judgement = conversation(one, answer, NodeState("stopped"), interfaces=gone)[0]
    assert (judgement.verdict, "but app is stopped" in judgement.actual) == ("fail", True)
    judgement = conversation(one, answer, interfaces={addresses_of("app"): own("192.168.7.99", APP)})[0]
    assert (judgement.verdict, "app does not have this address now" in judgement.actual) == ("fail", True)


def test_the_kernel_of_a_paused_node_accepts() -> None:
    gone: Interfaces = {addresses_of("app"): Unavailable("the node app is paused")}
    assert conversation(CHECKS[0][0], ACCEPTED, NodeState("paused"), interfaces=gone)[0].verdict == "pass"


def test_behind_a_router_the_hardware_address_is_the_routers() -> None:
    """The asker's table then has no entry for the address, and the node's own addresses decide."""
    judgement = conversation(CHECKS[0][0], ACCEPTED, interfaces=HAS_IT)[0]
    assert judgement.verdict == "pass"


def heard_of(seconds: float, address: str = "192.168.7.12") -> Interfaces:
    """The asker's table of neighbours, with the seconds since it last heard of this one."""
    row = {"dst": address, "lladdr": APP, "confirmed": seconds}
    return HAS_IT | {used_neighbours_of("client"): ran(json.dumps([row]))}


def rules(*lines: str) -> LogText:
    body = "\n".join(f"\t\t{line}" for line in lines)
    return LogText(f"== filter\ntable ip n {{\n\tchain c {{\n{body}\n\t}}\n}}\n\nwirelab: ready\n")


@pytest.mark.parametrize(("one", "answer"), CHECKS)
@pytest.mark.parametrize("neighbours", [heard_of(40), heard_of(0, "192.168.7.11")])
def test_a_rule_of_the_asker_leads_a_connection_to_another_machine(
    one: BaseCheck, answer: ProbeResult, neighbours: Interfaces
) -> None:
    """Then nothing came from the neighbour itself."""
    leads = rules("tcp dport 80 dnat to 192.168.7.11:8080")
    judgement, probes = conversation(one, answer, leads, interfaces=neighbours)
    assert judgement.verdict == "fail"
    assert judgement.actual.endswith(
        "192.168.7.12 has not answered: a packet filter rule in client leads its packets elsewhere "
        "(table ip n, chain c: tcp dport 80 dnat to 192.168.7.11:8080)"
    )
    assert probes[-1] == LookAtNetwork("client")


@pytest.mark.parametrize(("one", "answer"), CHECKS)
@pytest.mark.parametrize(
    "look",
    [
        rules("tcp dport 81 dnat to 192.168.7.11:8080"),
        rules("tcp dport 80 drop"),
        rules("ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40000"),
        LogText(""),
        Unavailable("the engine did not answer"),
    ],
)
def test_an_old_entry_alone_proves_nothing(one: BaseCheck, answer: ProbeResult, look: ProbeResult) -> None:
    assert conversation(one, answer, look, interfaces=heard_of(40))[0].verdict == "pass"


@pytest.mark.parametrize(("one", "answer"), CHECKS)
def test_nobody_looks_for_rules_where_the_neighbour_was_heard(one: BaseCheck, answer: ProbeResult) -> None:
    assert conversation(one, answer, interfaces=heard_of(1))[0].verdict == "pass"
