"""IPv6 beside IPv4: ranges, addresses, and what `up` repairs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

from observed_labs import BASIC, foreign, listed, nothing, plan_of, planned, standing, with_container

from orchestrator.engine.docker.config import container_seen, endpoint_config, network_config, network_seen
from orchestrator.lab.host_routes import host_ranges
from orchestrator.planning.plan import MakeNetwork, MakeNode
from orchestrator.planning.snapshot import UsedRange

DUAL = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.7.0/24, ipv6: true}}\nnodes:")
PLAIN = DUAL.replace(", ipv6: true", "")
LOCAL = IPv6Network("fd00::/8")


def test_a_network_has_a_range_of_its_own_that_its_name_gives() -> None:
    """A /64 of the local ones (RFC 4193), the same on each up, another in another lab; none where none is asked."""
    topology, plan = planned(DUAL, nothing())
    subnet6 = topology.subnets6["lab"]
    assert (subnet6.prefixlen, subnet6.subnet_of(LOCAL)) == (64, True)
    assert planned(DUAL, nothing())[0].subnets6 == topology.subnets6
    assert str(plan.steps[0]) == f"network:lab 192.168.7.0/24 {subnet6}  (missing)"
    assert planned(PLAIN, nothing())[0].subnets6 == {}


def test_a_range_that_somebody_has_is_not_taken() -> None:
    """Another network of the engine, or a route of this host."""
    first = planned(DUAL, nothing())[0].subnets6["lab"]
    theirs = replace(foreign("10.0.0.0/24"), subnets6=(first.supernet(),))
    second = planned(DUAL, replace(nothing(), networks=(theirs,)))[0].subnets6["lab"]
    third = planned(DUAL, replace(nothing(), taken=(UsedRange(first, "a route"), UsedRange(second, "a route"))))[0]
    assert len({first, second, third.subnets6["lab"]}) == 3


def test_a_nodes_two_addresses_end_alike() -> None:
    """192.168.7.10 and fd…::10: who reads one knows the other."""
    topology, _ = planned(DUAL, nothing())
    attachment = topology.attachments_of("dns")[0]
    assert (str(attachment.address), str(attachment.address6).partition("::")[2]) == ("192.168.7.10", "10")
    assert attachment.address6 in topology.subnets6["lab"]
    assert topology.owner(str(attachment.address6)) == "dns"
    assert topology.answers("client", "dns", 6) == (attachment.address6,)
    assert topology.address6_for("client", "dns") == attachment.address6
    assert planned(PLAIN, nothing())[0].answers("client", "dns", 6) == ()


def test_the_engine_is_asked_for_both_and_both_are_seen() -> None:
    """The bodies of the Docker Engine API, there and back."""
    _, plan = planned(DUAL, nothing())
    network = next(step.action.spec for step in plan.steps if isinstance(step.action, MakeNetwork))
    assert network.subnet6
    body = network_config(network)
    assert (body["EnableIPv6"], body["IPAM"]["Config"][1]["Gateway"]) == (True, str(network.subnet6[1]))
    # Engine 20.10 drops the questions of neighbours on a network that it calls internal: this one is closed otherwise.
    aux = body["IPAM"]["Config"][1]["AuxiliaryAddresses"]
    assert (body["Internal"], aux) == (False, {"DefaultGatewayIPv6": str(network.subnet6[0xFFFF])})
    seen = network_seen(listed(body))
    assert (seen.internal, seen.gateway_unanswered) == (True, True)
    assert (seen.subnets, seen.subnets6) == ((network.subnet,), (network.subnet6,))
    node = next(step.action.spec for step in plan.steps if isinstance(step.action, MakeNode))
    config = endpoint_config(node.attachments[0])["IPAMConfig"]
    end = {"NetworkID": "1", "IPAddress": config["IPv4Address"], "GlobalIPv6Address": config["IPv6Address"]}
    found = {"Id": "2", "Name": "/x", "State": {"Status": "running"}, "Config": {}}
    assert container_seen({**found, "NetworkSettings": {"Networks": {"n": end}}}).addresses6 == {
        "1": node.attachments[0].address6
    }


def test_a_lab_that_stands_needs_nothing_and_a_wrong_address_is_put_right() -> None:
    observed = standing(DUAL)
    assert plan_of(DUAL, observed) == ""
    lost = plan_of(DUAL, with_container(observed, "app", addresses6={}))
    assert lost.startswith("connect:app:lab 192.168.7.12 fd")
    assert lost.endswith("::12  (at no IPv6 address instead of its own address)")
    other = plan_of(DUAL, with_container(observed, "app", addresses6={"id-lab": IPv6Address("fd00::99")}))
    assert other.endswith("(at fd00::99 instead of its own address)")


def test_a_network_that_is_given_ipv6_is_made_anew() -> None:
    """And the engine's range for it is kept while it stands."""
    assert "network:lab 192.168.7.0/24 fd" in plan_of(DUAL, standing(PLAIN))
    observed = standing(DUAL)
    moved = replace(observed, networks=(replace(observed.networks[0], subnets6=(IPv6Network("fd12::/64"),)),))
    assert str(planned(DUAL, moved)[0].subnets6["lab"]) == "fd12::/64"


def test_the_hosts_own_local_ranges_are_read(tmp_path: object) -> None:
    """/proc/net/ipv6_route (proc(5)): only ranges of the kind that labs take, and no default route."""
    from pathlib import Path

    table = Path(str(tmp_path)) / "ipv6_route"
    rest = "00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001"
    rows = ["fd120000000000000000000000000000 40", "fe800000000000000000000000000000 40", f"{'0' * 32} 00"]
    table.write_text("".join(f"{row} {rest}     eth0\n" for row in rows))
    found = host_ranges(Path("/nowhere"), table)
    assert found == (UsedRange(IPv6Network("fd12::/64"), "a route of this host by eth0"),)


def test_the_routes_that_our_own_network_brings_do_not_count() -> None:
    """To its range, and to the gateway's address alone, which the kernel lists too."""
    observed = standing(DUAL)
    subnet6 = observed.networks[0].subnets6[0]
    routes = (UsedRange(subnet6, "a route"), UsedRange(IPv6Network((subnet6[1], 128)), "a route"))
    assert plan_of(DUAL, replace(observed, taken=routes)) == ""
