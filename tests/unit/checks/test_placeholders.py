"""What `${…}` in a text of a check stands for."""

from __future__ import annotations

import pytest
from check_harness import WORD, shop

from orchestrator.checks.needed_nodes import needed_nodes
from orchestrator.checks.probes import CheckContext
from orchestrator.model.checks import Connects
from orchestrator.model.topology import Topology

LAB = """\
name: shop
title: Two networks
domain: shop.lab
networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24, ipv6: true}}
nodes:
  app:    {role: app, networks: [front, back]}
  db:     {role: database, networks: [back]}
  client: {role: client}
"""


def topology() -> Topology:
    return shop(LAB)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${app}:80", "192.168.7.10:80"),
        ("${app.front}:80", "192.168.7.10:80"),
        ("${app.back}:80", "192.168.8.10:80"),
        ("${app.name} ${random}", f"app.shop.lab {WORD}"),
        ("${loopback} [${loopback.ipv6}]:1", "127.0.0.1 [::1]:1"),
        ("$${app} $ ${nobody} ${app.side} ${app.front.ipv6}", "${app} $ ${nobody} ${app.side} ${app.front.ipv6}"),
    ],
)
def test_a_placeholder_stands_for_an_address_or_a_name(text: str, filled: str) -> None:
    """What names nothing stays as it is; reading refuses it."""
    assert CheckContext(topology(), WORD, 20000, 0.0).fill(text, "client") == filled


def test_the_ipv6_address_on_a_network_is_that_of_the_node() -> None:
    lab = topology()
    (_, back) = lab.attachments_of("app")
    assert back.address6 is not None
    context = CheckContext(lab, WORD, 20000, 0.0)
    assert context.fill("${app.back.ipv6} ${app.ipv6}", "client") == f"{back.address6} {back.address6}"


def test_a_node_called_loopback_is_that_node() -> None:
    """Such files were valid before the placeholder was there."""
    lab = shop(LAB.replace("client:", "loopback:"))
    assert CheckContext(lab, WORD, 20000, 0.0).fill("${loopback}", "app") == "192.168.7.11"


@pytest.mark.parametrize("place", ["${db.back}:5432", "[${db.back.ipv6}]:5432", "${db}:5432"])
def test_a_node_that_is_named_by_an_address_is_needed(place: str) -> None:
    check = Connects.model_validate({"name": "x", "from": "client", "connects": place})
    assert "db" in needed_nodes(check, topology())
