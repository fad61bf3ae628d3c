"""Three engines in memory as one: a split lab on them, and a member that vanishes at each step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from lab_in_memory import IMAGES, LabHost, is_done
from swarm_in_memory import SwarmFake

from orchestrator.errors import MemberUnreachable, NotFound, WorldError
from orchestrator.events import Event
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lab import Lab
from orchestrator.lab.member_pin import kept_split, pinned_labs
from orchestrator.lab.split_engine import SplitEngine
from orchestrator.lab.take_down import take_down
from orchestrator.planning import labels
from orchestrator.planning.split import split_nodes

HOME = "a+b+c"


class Members(LabHost):
    """Three members, of which `a` manages the Swarm, and a state folder."""

    @classmethod
    def on(cls, folder: Path) -> tuple[Members, dict[str, SwarmFake]]:
        swarm: list[SwarmFake] = []
        engines = {name: SwarmFake(number, swarm, IMAGES.values()) for number, name in enumerate("abc")}
        return cls(SplitEngine(engines), StateFolder(folder)), engines  # type: ignore[arg-type]

    def split_lab(self, publish: Callable[[Event], None] = lambda _event: None) -> Lab:
        def split() -> Any:
            kept = kept_split(self.state, "shop")
            return split_nodes(lab.scenario, "abc", "a", kept.nodes if kept else {})

        lab = self.lab(member=HOME, split=split, publish=publish)
        return lab

    def nothing_left(self, engines: dict[str, SwarmFake]) -> bool:
        return all(
            not (engine.containers(labels.LAB) or engine.volumes(labels.LAB) or engine.networks())
            for engine in engines.values()
        )


def down(members: Members) -> None:
    take_down(members.engine, members.state, "shop", lambda _event: None)


def test_each_node_stands_where_the_plan_says_and_down_leaves_nothing(tmp_path: Path) -> None:
    members, engines = Members.on(tmp_path)
    lab = members.split_lab()
    lab.up()
    where = {name: {c.labels[labels.NODE] for c in engine.containers(labels.LAB)} for name, engine in engines.items()}
    assert where == {"a": {"dns", "db"}, "b": {"app"}, "c": {"client"}}
    assert not lab.up()
    assert pinned_labs(members.state, "b") == ["shop"]
    (network,) = members.engine.networks()
    assert network.overlay
    node = next(c for c in members.engine.containers(labels.LAB) if c.labels[labels.NODE] == "app")
    assert members.engine.container(node.id) == engines["b"].container(node.id)
    assert members.engine.run(node.id, ("true",), seconds=5).exit_code == 0
    down(members)
    assert members.nothing_left(engines)
    with pytest.raises(NotFound, match="is not there"):
        members.engine.container(node.id)


def test_an_engine_made_anew_finds_containers_that_another_process_made(tmp_path: Path) -> None:
    members, engines = Members.on(tmp_path)
    members.split_lab().up()
    node = engines["b"].containers(labels.LAB)[0]
    afresh = SplitEngine(engines)
    assert afresh.member_of(node.id) == "b"
    afresh.stop(node.id, 1)
    assert engines["b"].container(node.id).state == "exited"
    down(members)


def test_a_member_that_vanishes_at_any_step_is_named_and_nothing_is_left_when_it_is_back(tmp_path: Path) -> None:
    members, engines = Members.on(tmp_path)
    done: list[str] = []
    members.split_lab(lambda event: done.append(event.step) if is_done(event) else None).up()
    down(members)
    last = done.index("ready:app")
    for number in range(len(done)):
        steps = count(1)

        def switch_off(event: Event, steps: count[int] = steps, number: int = number) -> None:
            if is_done(event) and next(steps) > number:
                engines["b"].is_off = True

        missed = pytest.raises(MemberUnreachable, match="the member 'b' does not answer")
        with missed if number < last else nullcontext():
            members.split_lab(switch_off).up()
        with suppress(MemberUnreachable):
            down(members)
        engines["b"].is_off = False
        down(members)
        assert members.nothing_left(engines), f"after {number} steps"


def test_without_a_manager_a_network_that_spans_stays_and_that_is_said(tmp_path: Path) -> None:
    members, engines = Members.on(tmp_path)
    members.split_lab().up()
    workers = SplitEngine({name: engine for name, engine in engines.items() if name != "a"})
    (network,) = workers.networks()
    with pytest.raises(WorldError, match="none of the members b, c manages the Swarm any more"):
        workers.remove_network(network.id)
    down(members)
