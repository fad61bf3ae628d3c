"""`why` asks for the name that the program asked for, and says where the second answer is another one."""

from __future__ import annotations

from typing import Any

import pytest
from dns_bytes import printed, question_of
from walk_harness import FOUND, Rule, SimulatedLab, far, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram

LAB = """
name: shop
title: A wildcard in the search domain
domain: shop.lab
nodes:
  dns:    {role: dns, zones: {shop.lab: , corp.lab: {records: {www: {A: "${app}"}}}}}
  app:    {role: app}
  trap:   {role: app}
  client: {role: client, search: [corp.lab], resolv_options: {ndots: 5}}
  plain:  {role: client}
"""
HTTP: dict[str, Any] = {"http": "http://app.shop.lab/", "servers": ["app"]}


def answers(world: SimulatedLab, name: str, node: str) -> Rule:
    """A name leads to a node; without a node it does not exist."""
    dns = world.topology.address_for("client", "dns")
    rows = f"{name}. 60 IN A {world.topology.address_for('client', node)}" if node else ""
    text = FOUND.format(rows=rows, server=dns)
    text = text if node else text.replace("NOERROR", "NXDOMAIN")

    def rule(probe: Probe) -> ProgramResult | None:
        if isinstance(probe, RunProgram) and ASK in probe.argv and question_of(probe).startswith(f"{name}. "):
            return ProgramResult(0, printed(text, question_of(probe)), "")
        return None

    return rule


def test_a_name_of_the_search_list_that_leads_elsewhere_is_named() -> None:
    """With ndots 5 programs complete the name first: they never ask for the name as it stands."""
    world = far(LAB)
    world.rules.append(answers(world, "app.shop.lab.corp.lab", "trap"))
    trap, app = (world.topology.address_for("client", node) for node in ("trap", "app"))
    walk = walked(world, from_="client", actual="answered by trap, not by app", **HTTP)
    assert walk.sentence == (
        "Programs of client try app.shop.lab.corp.lab before app.shop.lab (search list and ndots), "
        f"and it is {trap} (trap); but app is {app}."
    )
    assert walk.also == ()


@pytest.mark.parametrize("asker", ["client", "plain"])
def test_a_name_of_the_search_list_that_nobody_has_is_to_blame_for_nothing(asker: str) -> None:
    world = far(LAB)
    world.rules.append(answers(world, "app.shop.lab.corp.lab", ""))
    walk = walked(world, from_=asker, connects="app.shop.lab:80")
    assert walk.sentence == "Each layer held when it was asked once more; the check itself had seen: it is not so."


def test_a_name_that_is_asked_for_as_it_stands_is_not_completed() -> None:
    world = far(LAB)
    world.rules.append(answers(world, "app.shop.lab.corp.lab", "trap"))
    walk = walked(world, from_="plain", connects="app.shop.lab:80")
    assert walk.broken is None


def test_the_names_that_are_tried_and_the_one_that_is_meant() -> None:
    """A node's name before that of a record; where nobody has any, the first."""
    topology = far(LAB).topology
    assert topology.names_tried("client", "App.shop.lab") == ("app.shop.lab.corp.lab", "app.shop.lab")
    assert topology.names_tried("plain", "app.shop.lab") == ("app.shop.lab", "app.shop.lab.shop.lab")
    assert topology.absolute_name("client", "www") == "www.corp.lab"
    assert topology.absolute_name("client", "app.shop.lab") == "app.shop.lab"
    assert topology.absolute_name("client", "nobody") == "nobody.corp.lab"
    assert topology.absolute_name("client", "nobody.") == "nobody"


def test_an_answer_that_is_right_by_now_breaks_no_layer() -> None:
    """What was kept has expired meanwhile, for example."""
    world = far(LAB)
    seen = "NXDOMAIN; the response code is NXDOMAIN, not NOERROR"
    walk = walked(world, from_="plain", resolves="app.shop.lab", to="app", actual=seen)
    assert walk.broken is None
    assert walk.sentence == f"Each layer held when it was asked once more; the check itself had seen: {seen}."


def test_what_one_answer_does_not_show_is_told_of_the_check() -> None:
    world = far(LAB)
    seen = f"NOERROR {world.topology.address_for('client', 'app')}; asked on the way: dns, not nobody"
    walk = walked(world, from_="plain", resolves="app.shop.lab", to="app", through=[], actual=seen)
    assert walk.sentence == f"The name is answered, but not as the check says: {seen}."
