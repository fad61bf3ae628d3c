"""How the programs of a node look names up: its resolv.conf and its hosts file."""

from __future__ import annotations

import pytest
from check_harness import shop

from orchestrator.checks.kinds.connections import target_of, wrong_machine
from orchestrator.checks.probes import CheckContext
from orchestrator.engine.docker.config import container_config
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import desired, resolver_text
from orchestrator.planning.snapshot import Snapshot

IMAGES = {name: f"wirelab/{name}:1" for name in ("dns", "app", "client")}
LAB = """\
name: shop
title: Names
domain: shop.lab
networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24, ipv6: true}}
nodes:
  dns:    {role: dns}
  app:    {role: app}
  other:  {role: app}
  plain:  {role: client}
  client:
    role: client
    search: [corp.lab, shop.lab]
    resolv_options: {ndots: 5, timeout: 3, attempts: 1, rotate: true}
    hosts:
      app.shop.lab: "${other}"
      Old: [192.0.2.9, "${app.back}", "${app.back.ipv6}"]
  bare:   {role: client, search: []}
"""


def test_resolv_conf_has_what_the_author_says() -> None:
    lines = resolver_text(shop(LAB), "client").splitlines()
    assert lines == [
        "nameserver 192.168.7.10",
        "search corp.lab shop.lab",
        "options ndots:5 timeout:3 attempts:1 rotate",
    ]
    assert resolver_text(shop(LAB), "plain").splitlines()[1:] == ["search shop.lab", "options timeout:1 attempts:2"]
    assert resolver_text(shop(LAB), "bare").splitlines()[1] == "search ."


def test_the_hosts_file_gets_addresses_of_nodes() -> None:
    lab = shop(LAB)
    six = next(end.address6 for end in lab.attachments_of("app") if end.address6)
    spec = desired(lab, Snapshot("/s", "r", IMAGES), "client").spec
    assert container_config(spec)["HostConfig"]["ExtraHosts"] == [
        "app.shop.lab:192.168.7.12",
        "old:192.0.2.9",
        "old:192.168.8.11",
        f"old:{six}",
    ]


def label(text: str) -> str:
    return desired(shop(text), Snapshot("/s", "r", IMAGES), "plain").spec.labels["wirelab.spec"]


def test_a_node_is_made_anew_for_another_hosts_file_and_not_for_another_search_list() -> None:
    """resolv.conf is written in place, and read at each use; the hosts file belongs to the container."""
    here = "plain:  {role: client"
    assert label(LAB.replace(here, f"{here}, search: [x.lab]")) == label(LAB)
    assert label(LAB.replace(here, f"{here}, hosts: {{x: 192.0.2.1}}")) != label(LAB)


def context(lab: Topology) -> CheckContext:
    return CheckContext(lab, "w", 20000, 0.0)


@pytest.mark.parametrize(
    ("asker", "host", "node"),
    [
        ("plain", "app", "app"),
        ("plain", "app.shop.lab", "app"),
        ("client", "app.shop.lab", "other"),
        ("client", "APP.shop.lab", "other"),
        ("client", "other", "other"),
        ("client", "old", None),
        ("bare", "app", None),
        ("bare", "app.shop.lab", "app"),
    ],
)
def test_a_check_knows_which_node_its_asker_means(asker: str, host: str, node: str | None) -> None:
    """By the asker's hosts file, then by its search list."""
    assert target_of(context(shop(LAB)), asker, host) == node


def test_a_name_of_the_hosts_file_may_lead_to_each_of_its_addresses() -> None:
    lab = shop(LAB)
    assert wrong_machine(context(lab), "client", "APP.shop.lab", "192.168.7.12") == ""
    assert wrong_machine(context(lab), "client", "app.shop.lab", "192.168.7.11") == (
        "app.shop.lab led to 192.168.7.11, which is app and not other"
    )
    two = shop(LAB.replace("192.0.2.9", '"${other}"'))
    assert wrong_machine(context(two), "client", "old", "192.168.8.11") == ""
    assert wrong_machine(context(two), "client", "old", "192.168.7.13").endswith("which is plain and not other")


def test_the_search_list_is_tried_in_the_order_of_ndots() -> None:
    """resolv.conf(5): a name with fewer dots than ndots first with each domain."""
    lab = shop(LAB)
    assert lab.absolute_name("client", "mail.corp.lab") == "mail.corp.lab.corp.lab"
    assert lab.absolute_name("plain", "mail.corp.lab") == "mail.corp.lab"
    assert lab.absolute_name("client", "app") == "app.shop.lab"
    assert lab.absolute_name("client", "mail.corp.lab.") == "mail.corp.lab"
    assert lab.absolute_name("bare", "mail") == "mail"
