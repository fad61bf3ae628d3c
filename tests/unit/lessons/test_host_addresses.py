"""A host of a lesson leads to addresses: also an alias, whatever program has looked it up, or none."""

from __future__ import annotations

import pytest

from orchestrator.lessons.host_addresses import host_addresses, known_hosts
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

SCENARIO = """
name: shop
title: Names that lead to nodes
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
records:
  www:     {CNAME: web}
  www2:    {CNAME: www.shop.lab}
  old:     {A: ["${web}", 192.0.2.7], MX: 10 web}
  "*.page": {A: "${web}"}
  gone:    {CNAME: away.example, dangling: true}
nodes:
  dns:    {role: dns, zones: {shop.lab: {}, other.lab: {records: {shop: {CNAME: web.shop.lab}}}}}
  web:    {role: app}
  client: {role: client}
"""


@pytest.fixture(scope="module")
def topology() -> Topology:
    scenario = read_scenario(SCENARIO, file="shop", read_companion=dict[str, str]().get).scenario
    return assign_addresses("shop", scenario, Snapshot("/s", "r", {}, secrets={}), {})


@pytest.mark.parametrize("host", ["web", "web.shop.lab", "www.shop.lab", "WWW2.shop.lab", "shop.other.lab"])
def test_a_name_leads_to_its_node_also_by_way_of_aliases(topology: Topology, host: str) -> None:
    assert host_addresses(topology, host) == (str(topology.addresses("web")[0]),)


def test_other_hosts(topology: Topology) -> None:
    assert host_addresses(topology, "old.shop.lab") == (str(topology.addresses("web")[0]), "192.0.2.7")
    assert host_addresses(topology, "gone.shop.lab") == ("away.example",)
    assert host_addresses(topology, "192.168.7.99") == ("192.168.7.99",)
    assert host_addresses(topology, "[fd00::1]") == ("fd00::1",)
    assert host_addresses(topology, "LOCALHOST") == ("127.0.0.1", "::1")
    assert host_addresses(topology, "www") == ("www",)  # no node, and in DNS no whole name


def test_the_known_hosts_are_nodes_and_records_but_no_wildcards(topology: Topology) -> None:
    hosts = known_hosts(topology)
    assert {"localhost", "web", "web.shop.lab", "www.shop.lab", "shop.other.lab"} <= set(hosts)
    assert not [host for host in hosts if "*" in host]
