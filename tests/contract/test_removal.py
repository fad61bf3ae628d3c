"""What goes when a container goes while others work beside it, held to by the fake and by a real engine alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from contract_setup import ContractSetup

from orchestrator.errors import EngineRefused, NotFound

pytestmark = pytest.mark.engines


def test_a_container_goes_although_helpers_are_made_beside_it_meanwhile(world: ContractSetup) -> None:
    """As when a lab is removed while a command puts routes into a node. No helper stays that cannot be removed."""
    node = world.started("node")

    def make_helper(number: int) -> str | None:
        try:
            return world.engine.make_container(replace(world.spec(f"beside{number}"), share_network_of=node))
        except EngineRefused:
            return None  # the node has gone, or its removal has begun

    made = [make_helper(0)]
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: [make_helper(number) for number in range(1, 8)])
        world.engine.remove_container(node)
        made += others.result()
    for container in (node, *filter(None, made)):
        world.engine.remove_container(container)
        with pytest.raises(NotFound):
            world.engine.container(container)


def test_containers_are_listed_while_others_go(world: ContractSetup) -> None:
    """As `wirelab ls` beside a `wirelab down`: what goes meanwhile is on the list or not, and nothing is refused."""
    stays, *go = [world.started(f"n{number}") for number in range(9)]
    with ThreadPoolExecutor(4) as removals:
        gone = [removals.submit(world.engine.remove_container, container) for container in go]
        listings = 0
        while not listings or not all(one.done() for one in gone):
            assert stays in [one.id for one in world.engine.listed_containers(world.label)]
            assert stays in [one.id for one in world.engine.containers(world.label)]
            listings += 1
        for one in gone:
            one.result()
    assert [one.id for one in world.engine.listed_containers(world.label)] == [stays]
