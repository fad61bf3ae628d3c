"""After the death of a command the faults of its checks are healed, and nothing else; on the engine in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace, LabHost, bash
from sample_runs import alive, dead

from orchestrator.engine.fake import FakeEngine
from orchestrator.events import Actor, FaultEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab import faults as breaking
from orchestrator.lab.journal_reader import read_entries
from orchestrator.lab.lab import Lab
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.run_registry import dead_runs
from orchestrator.lab.source import LabSource
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.faults.pause import Pause
from orchestrator.model.faults.stop import Stop
from orchestrator.operations.dead_command import clean_up
from orchestrator.operations.sweep import sweep

pytestmark = pytest.mark.slow


class World:
    """A lab that is up, and the workspace of whoever cleans up."""

    def __init__(self, folder: Path) -> None:
        self.host = LabHost(FakeEngine(list(IMAGES.values()), answer=bash), StateFolder(folder))
        source = LabSource("shop", os.path.abspath("shop.yaml"), TEXT, SEED)
        self.host.lab(source=source).up()

    def lab(self, run: str) -> Lab:
        return self.host.lab(run=run)

    def broken_by_check(self, run: str, fault: BaseFault) -> None:
        breaking.inject(self.lab(run), fault, of_check=True)

    @property
    def workspace(self) -> InMemoryWorkspace:
        actor = Actor("cleaner", "watchdog")
        return InMemoryWorkspace(self.host.state, "unix:///nobody", self.host.engine, actor=actor)

    def states(self) -> dict[str, str]:
        containers = self.host.engine.containers("wirelab.lab=shop")
        return {container.labels["wirelab.node"]: container.state for container in containers}

    def written(self) -> list[str]:
        return [fault.id for fault in self.lab("other").folder.faults.faults()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


RUNNING = dict.fromkeys(("dns", "db", "app", "client"), "running")


def test_the_fault_of_a_killed_check_is_healed_and_told(world: World) -> None:
    run = dead(world.host.state)
    world.broken_by_check(run, Stop(stop="db"))
    assert world.states()["db"] == "exited"
    clean_up(world.workspace, run)
    assert (world.states(), world.written()) == (RUNNING, [])
    assert list(dead_runs(world.host.state)) == []
    journal = read_entries(world.host.state, "shop")
    told = [(entry.via, entry.event.state) for entry in journal if isinstance(entry.event, FaultEvent)]
    assert told == [("watchdog", "out")]


def test_a_fault_that_somebody_put_in_by_hand_stays(world: World) -> None:
    """Also one of the same node, and what somebody changed without wirelab."""
    run = dead(world.host.state)
    breaking.inject(world.lab("hand"), Pause(pause="app"))
    (client,) = world.host.engine.containers("wirelab.node=client")
    world.host.engine.pause(client.id)
    world.broken_by_check(run, Stop(stop="app"))
    world.broken_by_check(run, Stop(stop="db"))
    clean_up(world.workspace, run)
    assert world.states() == {**RUNNING, "app": "paused", "client": "paused"}
    assert world.written() == ["pause-app"]


def test_the_fault_of_a_check_that_still_runs_stays(world: World) -> None:
    """Another check of the same lab died."""
    run = dead(world.host.state)
    with alive(world.host.state) as living:
        world.broken_by_check(living, Stop(stop="db"))
        world.broken_by_check(run, Pause(pause="app"))
        clean_up(world.workspace, run)
        assert (world.states(), world.written()) == ({**RUNNING, "db": "exited"}, ["stop-db"])


def test_after_a_command_that_ended_well_nothing_is_touched(world: World) -> None:
    with alive(world.host.state) as run:
        world.broken_by_check(run, Stop(stop="db"))
    clean_up(world.workspace, run)
    assert (world.states()["db"], world.written()) == ("exited", ["stop-db"])


def test_a_fault_that_was_only_written_down_is_put_in_and_healed(world: World) -> None:
    """The engine may still stop the node because of a call of the dead command: a second stop waits for the first."""
    run = dead(world.host.state)
    world.broken_by_check(run, Stop(stop="db"))
    world.host.engine.start(world.host.engine.containers("wirelab.node=db")[0].id)
    before = world.host.engine.containers("wirelab.node=db")[0].started
    clean_up(world.workspace, run)
    (db,) = world.host.engine.containers("wirelab.node=db")
    assert (db.state, db.started != before, world.written()) == ("running", True, [])


def test_while_a_command_works_on_the_lab_the_run_stays_dead(world: World) -> None:
    """Nothing is lost: `sweep` heals it later, and says how many faults it healed."""
    run = dead(world.host.state)
    world.broken_by_check(run, Stop(stop="db"))
    with lab_lock(world.host.state, "shop"):
        result = sweep(world.workspace, all_labs=False)
        assert (result.healed, len(result.failures), world.written()) == (0, 1, ["stop-db"])
    result = sweep(world.workspace, all_labs=False)
    assert (result.healed, result.failures, world.states(), world.written()) == (1, (), RUNNING, [])
    assert sweep(world.workspace, all_labs=False).healed == 0


def test_a_lab_that_stands_on_another_engine_keeps_its_fault(world: World) -> None:
    """Here nobody can heal it."""
    run = dead(world.host.state)
    world.broken_by_check(run, Stop(stop="db"))
    elsewhere = InMemoryWorkspace(world.host.state, "unix:///nobody", FakeEngine(list(IMAGES.values())))
    clean_up(elsewhere, run)
    assert world.written() == ["stop-db"]
