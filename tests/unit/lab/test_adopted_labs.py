"""A lab that a second command completes after the first one died belongs to nobody dead: it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, LabHost, bash, down
from sample_runs import alive, dead

from orchestrator.engine.fake import Behaviour, FakeEngine, as_declared
from orchestrator.errors import LabBusy, Leftovers, NodeFailed
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.guard import Guard
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.removal import sweep_run, sweep_until_quiet
from orchestrator.lab.run_registry import Run, dead_runs, ended_well
from orchestrator.planning.specs import ContainerSpec

pytestmark = pytest.mark.slow

NODES = ["app", "client", "db", "dns"]


@pytest.fixture
def lab_host(tmp_path: Path) -> LabHost:
    return LabHost(FakeEngine(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state"))


def half_made(lab_host: LabHost, run: str) -> None:
    """What an `up` leaves that died when two of four nodes ran, and its watchdog with it."""
    lab_host.lab(run=run).up()
    for node in ("app", "client"):
        (container,) = lab_host.engine.containers(f"wirelab.node={node}")
        lab_host.engine.remove_container(container.id)


def nodes(lab_host: LabHost, lab: str = "shop") -> list[str]:
    return [container.labels["wirelab.node"] for container in lab_host.engine.containers(f"wirelab.lab={lab}")]


def test_a_repaired_lab_survives_the_sweep_of_the_run_that_began_it(lab_host: LabHost) -> None:
    run = dead(lab_host.state)
    half_made(lab_host, run)
    with alive(lab_host.state) as second:
        lab_host.lab(run=second).up()
    assert sweep_run(lab_host.engine, lab_host.state, run) == 0
    assert nodes(lab_host) == NODES
    assert lab_host.lab(run="none").plan().steps == ()
    assert list(dead_runs(lab_host.state)) == []


def test_a_complete_lab_of_a_dead_run_is_adopted_by_an_up_that_has_nothing_to_do(lab_host: LabHost) -> None:
    run = dead(lab_host.state)
    lab_host.lab(run=run).up()
    with alive(lab_host.state) as second:
        assert not lab_host.lab(run=second).up()
    assert sweep_run(lab_host.engine, lab_host.state, run) == 0
    assert nodes(lab_host) == NODES


def test_a_lab_that_nobody_adopted_is_swept(lab_host: LabHost) -> None:
    run = dead(lab_host.state)
    half_made(lab_host, run)
    assert sweep_run(lab_host.engine, lab_host.state, run)
    assert lab_host.empty()
    assert not (lab_host.state.labs / "shop").exists()


def test_only_the_lab_that_was_adopted_outlives_the_run(lab_host: LabHost) -> None:
    run = dead(lab_host.state)
    half_made(lab_host, run)
    lab_host.lab(name="other", run=run).up()
    with alive(lab_host.state) as second:
        lab_host.lab(run=second).up()
    assert sweep_run(lab_host.engine, lab_host.state, run)
    assert (nodes(lab_host), nodes(lab_host, "other")) == (NODES, [])


def test_a_watchdog_waits_for_the_command_that_adopts_and_then_removes_nothing(lab_host: LabHost) -> None:
    """Its own command died while it was stopped or slow; the second `up` holds the lab."""
    run = dead(lab_host.state)
    half_made(lab_host, run)
    with lab_lock(lab_host.state, "shop"):
        assert not sweep_until_quiet(lab_host.engine, lab_host.state, run, seconds=0.2)
        assert nodes(lab_host) == ["db", "dns"]
    with alive(lab_host.state) as second:
        lab_host.lab(run=second).up()
    assert sweep_until_quiet(lab_host.engine, lab_host.state, run, seconds=20)
    assert nodes(lab_host) == NODES


def test_a_sweep_of_a_lab_at_which_another_command_works_is_busy(lab_host: LabHost) -> None:
    """The run stays known, so that the next sweep finds it."""
    run = dead(lab_host.state)
    half_made(lab_host, run)
    with lab_lock(lab_host.state, "shop"), pytest.raises(LabBusy):
        sweep_run(lab_host.engine, lab_host.state, run)
    assert list(dead_runs(lab_host.state)) == [run]
    assert nodes(lab_host) == ["db", "dns"]


def test_an_up_that_fails_adopts_nothing(lab_host: LabHost) -> None:
    """What it made it takes back; what the dead run made is still swept."""
    run = dead(lab_host.state)

    def client_fails(spec: ContainerSpec) -> Behaviour:
        fails = spec.labels["wirelab.node"] == "client" and spec.labels["wirelab.run"] != run
        return Behaviour((), 1) if fails else as_declared(spec)

    broken = LabHost(FakeEngine(list(IMAGES.values()), answer=bash, behave=client_fails), lab_host.state)
    half_made(broken, run)
    with alive(lab_host.state) as second, pytest.raises(NodeFailed):
        broken.lab(run=second).up()
    assert nodes(broken) == ["db", "dns"]
    assert sweep_run(broken.engine, lab_host.state, run)
    assert broken.empty()


def test_a_repair_of_a_standing_lab_outlives_the_command_that_made_it(lab_host: LabHost) -> None:
    """As the healing of a check that is interrupted afterwards: the lab stood before, and is whole again."""
    lab_host.lab(run="ended").up()
    (client,) = lab_host.engine.containers("wirelab.node=client")
    lab_host.engine.remove_container(client.id)
    run = dead(lab_host.state)
    lab_host.lab(run=run).up()
    assert sweep_run(lab_host.engine, lab_host.state, run) == 0
    assert nodes(lab_host) == NODES


def test_the_labs_of_a_living_run_stay_its_own(lab_host: LabHost) -> None:
    """A test process that dies takes its labs with it, although somebody checked one of them from outside."""
    run = Run(lab_host.state)
    run.begin()
    lab_host.lab(run=run.id).up()
    with alive(lab_host.state) as second:
        lab_host.lab(run=second).up()
    run.end()
    (lab_host.state.root / "runs" / run.id).touch()
    assert sweep_run(lab_host.engine, lab_host.state, run.id)
    assert lab_host.empty()


def test_a_lab_that_was_taken_down_remembers_no_run(lab_host: LabHost) -> None:
    """The next lab of this name is swept like any other."""
    run = dead(lab_host.state)
    half_made(lab_host, run)
    with alive(lab_host.state) as second:
        lab_host.lab(run=second).up()
    down(lab_host)
    half_made(lab_host, run)
    assert sweep_run(lab_host.engine, lab_host.state, run)
    assert lab_host.empty()


def test_a_whole_lab_is_released_while_its_lock_is_held(lab_host: LabHost) -> None:
    """No moment is left in which the lab is whole and its command's death would remove it."""
    guard = Guard("unix:///nobody", lab_host.state, {})
    guard.begin()
    busy: list[bool] = []

    def release() -> None:
        with pytest.raises(LabBusy), lab_lock(lab_host.state, "shop"):
            pass
        guard.release()
        busy.append(ended_well(lab_host.state, guard.run))

    assert not ended_well(lab_host.state, guard.run)
    lab_host.lab(run=guard.run, on_complete=release).up()
    assert busy == [True]
    guard.end()


class Stuck(FakeEngine):
    """No network can be removed."""

    def remove_network(self, network: str) -> None:
        raise Leftovers("the engine refused", why=f"network {network[:12]} has active endpoints")


def test_a_sweep_that_leaves_something_forgets_nothing(lab_host: LabHost) -> None:
    stuck = LabHost(Stuck(list(IMAGES.values()), answer=bash), lab_host.state)
    run = dead(lab_host.state)
    half_made(stuck, run)
    with pytest.raises(Leftovers):
        sweep_run(stuck.engine, lab_host.state, run)
    assert list(dead_runs(lab_host.state)) == [run]
