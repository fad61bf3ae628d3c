"""Who gets which address."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from observed_labs import BASIC, LAB, SEED, foreign, nothing, scenario, standing

from orchestrator.errors import RangeFull, RangeTaken
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import resolver_text
from orchestrator.planning.snapshot import Snapshot, UsedRange

FIXED = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.7.0/24}}\nnodes:")


def places(text: str, observed: Snapshot, lab: str = LAB) -> Topology:
    return assign_addresses(lab, scenario(text), observed, SEED)


def addresses(found_addresses: Topology) -> dict[str, str]:
    return {place.node: str(place.address) for place in found_addresses.attachments}


def test_addresses_begin_at_ten_in_the_order_of_the_file() -> None:
    found_addresses = addresses(places(FIXED, nothing()))
    assert found_addresses == {
        "dns": "192.168.7.10",
        "db": "192.168.7.11",
        "app": "192.168.7.12",
        "client": "192.168.7.13",
    }


def test_the_same_file_gives_the_same_addresses() -> None:
    assert addresses(places(BASIC, nothing())) == addresses(places(BASIC, nothing()))


def test_a_lab_that_stands_keeps_its_range_where_another_would_be_chosen() -> None:
    """Two labs of one file: the second takes another range, and each stays where it is."""
    first = standing(BASIC)
    assert places(BASIC, first).subnets["lab"] == IPv4Network("192.168.102.0/24")
    other = replace(nothing(), networks=(foreign("192.168.102.0/24"),))
    assert places(BASIC, other).subnets["lab"] == IPv4Network("192.168.103.0/24")


def test_two_labs_of_one_file_stand_apart() -> None:
    observed = replace(nothing(), networks=standing(BASIC).networks)
    one, two = places(BASIC, observed), places(BASIC, observed, "second")
    assert not one.subnets["lab"].overlaps(two.subnets["lab"])


def test_a_range_that_the_host_routes_is_not_taken() -> None:
    observed = replace(nothing(), taken=(UsedRange(IPv4Network("192.168.96.0/20"), "a route of this host by eth0"),))
    assert places(BASIC, observed).subnets["lab"] == IPv4Network("192.168.112.0/24")


def test_the_route_that_our_own_network_brings_does_not_count() -> None:
    observed = standing(BASIC)
    observed = replace(observed, taken=(UsedRange(observed.networks[0].subnets[0], "a route of this host by br-1"),))
    assert places(BASIC, observed).subnets["lab"] == observed.networks[0].subnets[0]


@pytest.mark.parametrize("theirs", ["192.168.7.0/24", "192.168.0.0/16", "192.168.7.128/25"])
def test_a_declared_subnet_that_is_in_use_is_a_conflict(theirs: str) -> None:
    """The message says whose it is and what to do."""
    with pytest.raises(RangeTaken) as caught:
        places(FIXED, replace(nothing(), networks=(foreign(theirs),)))
    assert caught.value.what == "the network 'lab' wants 192.168.7.0/24, which is in use"
    assert caught.value.why == f"{theirs} belongs to the network 'theirs' of the engine"
    assert "subnet" in caught.value.hint


def test_no_range_left() -> None:
    with pytest.raises(RangeFull) as caught:
        places(BASIC, replace(nothing(), networks=(foreign("192.168.0.0/16"),)))
    assert caught.value.what == "no private range is left for the network 'lab'"


def test_no_address_left() -> None:
    """A /29 has six hosts, of which one is the engine's."""
    small = FIXED.replace("192.168.7.0/24", "192.168.7.0/29")
    five = small + "  two: {role: client}\n"
    assert sorted(addresses(places(five, nothing())).values()) == [f"192.168.7.{last}" for last in range(2, 7)]
    with pytest.raises(RangeFull) as caught:
        places(five + "  three: {role: client}\n", nothing())
    assert caught.value.what == "the network 'lab' has no address left for the node 'three'"
    assert caught.value.why == "192.168.7.0/29 holds 5 nodes; 6 stand on it"


def test_a_declared_address_is_kept_free_for_its_node() -> None:
    text = FIXED.replace("{role: client, uses: [app]}", "{role: client, uses: [app], address: 192.168.7.10}")
    found_addresses = addresses(places(text, nothing()))
    assert found_addresses["client"] == "192.168.7.10"
    assert len(set(found_addresses.values())) == 4


def test_a_declared_address_drives_away_who_had_it() -> None:
    """The declaration wins over what stands; only that node moves."""
    text = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.102.0/24}}\nnodes:")
    observed = standing(text)
    changed = text.replace("{role: client, uses: [app]}", "{role: client, uses: [app], address: 192.168.102.10}")
    found_addresses = addresses(places(changed, observed))
    assert found_addresses["client"] == "192.168.102.10"
    assert found_addresses["dns"] not in ("192.168.102.10", found_addresses["db"], found_addresses["app"])
    assert (found_addresses["db"], found_addresses["app"]) == ("192.168.102.11", "192.168.102.12")


def test_resolv_conf_names_the_labs_servers_by_address() -> None:
    assert resolver_text(places(FIXED, nothing()), "client") == (
        "nameserver 192.168.7.10\nsearch shop.lab\noptions timeout:1 attempts:2\n"
    )


def test_resolv_conf_names_the_address_on_the_askers_network() -> None:
    two = BASIC.replace(
        "nodes:", "networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24}}\nnodes:"
    ).replace("seed.sql}", "seed.sql, networks: [back]}")
    found = places(two, nothing())
    assert resolver_text(found, "db").startswith("nameserver 192.168.8.10\n")
    assert resolver_text(found, "client").startswith("nameserver 192.168.7.10\n")


def test_without_a_dns_server_nobody_is_asked() -> None:
    lone = "name: lone\ntitle: One\nnodes:\n  client: {role: client}\n"
    assert "nameserver" not in resolver_text(places(lone, nothing()), "client")
