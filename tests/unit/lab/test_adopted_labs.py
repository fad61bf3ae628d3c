"""A lab that a second command completes after the first one died belongs to nobody dead: it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, Place, bash, down
from sample_runs import alive, dead

from orchestrator.engine.fake import Behaviour, FakeEngine, as_declared
from orchestrator.errors import LabBusy, Leftovers, NodeFailed
from orchestrator.host.state import State
from orchestrator.lab.guard import Guard
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.removal import sweep_run, sweep_until_quiet
from orchestrator.lab.run_registry import Run, dead_runs, ended_well
from orchestrator.planning.specs import ContainerSpec

NODES = ["app", "client", "db", "dns"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(FakeEngine(list(IMAGES.values()), answer=bash), State(tmp_path / "state"))


def half_made(place: Place, run: str) -> None:
    """What an `up` leaves that died when two of four nodes ran, and its watchdog with it."""
    place.lab(run=run).up()
    for node in ("app", "client"):
        (container,) = place.engine.containers(f"wirelab.node={node}")
        place.engine.remove_container(container.id)


def nodes(place: Place, lab: str = "shop") -> list[str]:
    return [container.labels["wirelab.node"] for container in place.engine.containers(f"wirelab.lab={lab}")]


def test_a_repaired_lab_survives_the_sweep_of_the_run_that_began_it(place: Place) -> None:
    run = dead(place.state)
    half_made(place, run)
    with alive(place.state) as second:
        place.lab(run=second).up()
    assert sweep_run(place.engine, place.state, run) == 0
    assert nodes(place) == NODES
    assert place.lab(run="none").plan().steps == ()
    assert list(dead_runs(place.state)) == []


def test_a_complete_lab_of_a_dead_run_is_adopted_by_an_up_that_has_nothing_to_do(place: Place) -> None:
    run = dead(place.state)
    place.lab(run=run).up()
    with alive(place.state) as second:
        assert not place.lab(run=second).up()
    assert sweep_run(place.engine, place.state, run) == 0
    assert nodes(place) == NODES


def test_a_lab_that_nobody_adopted_is_swept(place: Place) -> None:
    run = dead(place.state)
    half_made(place, run)
    assert sweep_run(place.engine, place.state, run)
    assert place.empty()
    assert not (place.state.labs / "shop").exists()


def test_only_the_lab_that_was_adopted_outlives_the_run(place: Place) -> None:
    run = dead(place.state)
    half_made(place, run)
    place.lab(name="other", run=run).up()
    with alive(place.state) as second:
        place.lab(run=second).up()
    assert sweep_run(place.engine, place.state, run)
    assert (nodes(place), nodes(place, "other")) == (NODES, [])


def test_a_watchdog_waits_for_the_command_that_adopts_and_then_removes_nothing(place: Place) -> None:
    """Its own command died while it was stopped or slow; the second `up` holds the lab."""
    run = dead(place.state)
    half_made(place, run)
    with lab_lock(place.state, "shop"):
        assert not sweep_until_quiet(place.engine, place.state, run, seconds=0.2)
        assert nodes(place) == ["db", "dns"]
    with alive(place.state) as second:
        place.lab(run=second).up()
    assert sweep_until_quiet(place.engine, place.state, run, seconds=20)
    assert nodes(place) == NODES


def test_a_sweep_of_a_lab_at_which_another_command_works_is_busy(place: Place) -> None:
    """The run stays known, so that the next sweep finds it."""
    run = dead(place.state)
    half_made(place, run)
    with lab_lock(place.state, "shop"), pytest.raises(LabBusy):
        sweep_run(place.engine, place.state, run)
    assert list(dead_runs(place.state)) == [run]
    assert nodes(place) == ["db", "dns"]


def test_an_up_that_fails_adopts_nothing(place: Place) -> None:
    """What it made it takes back; what the dead run made is still swept."""
    run = dead(place.state)

    def client_fails(spec: ContainerSpec) -> Behaviour:
        fails = spec.labels["wirelab.node"] == "client" and spec.labels["wirelab.run"] != run
        return Behaviour((), 1) if fails else as_declared(spec)

    broken = Place(FakeEngine(list(IMAGES.values()), answer=bash, behave=client_fails), place.state)
    half_made(broken, run)
    with alive(place.state) as second, pytest.raises(NodeFailed):
        broken.lab(run=second).up()
    assert nodes(broken) == ["db", "dns"]
    assert sweep_run(broken.engine, place.state, run)
    assert broken.empty()


def test_a_repair_of_a_standing_lab_outlives_the_command_that_made_it(place: Place) -> None:
    """As the healing of a check that is interrupted afterwards: the lab stood before, and is whole again."""
    place.lab(run="ended").up()
    (client,) = place.engine.containers("wirelab.node=client")
    place.engine.remove_container(client.id)
    run = dead(place.state)
    place.lab(run=run).up()
    assert sweep_run(place.engine, place.state, run) == 0
    assert nodes(place) == NODES


def test_the_labs_of_a_living_run_stay_its_own(place: Place) -> None:
    """A test process that dies takes its labs with it, although somebody checked one of them from outside."""
    run = Run(place.state)
    run.begin()
    place.lab(run=run.id).up()
    with alive(place.state) as second:
        place.lab(run=second).up()
    run.end()
    (place.state.root / "runs" / run.id).touch()
    assert sweep_run(place.engine, place.state, run.id)
    assert place.empty()


def test_a_lab_that_was_taken_down_remembers_no_run(place: Place) -> None:
    """The next lab of this name is swept like any other."""
    run = dead(place.state)
    half_made(place, run)
    with alive(place.state) as second:
        place.lab(run=second).up()
    down(place)
    half_made(place, run)
    assert sweep_run(place.engine, place.state, run)
    assert place.empty()


def test_a_whole_lab_is_released_while_its_lock_is_held(place: Place) -> None:
    """No moment is left in which the lab is whole and its command's death would remove it."""
    guard = Guard("unix:///nobody", place.state, {})
    guard.begin()
    busy: list[bool] = []

    def release() -> None:
        with pytest.raises(LabBusy), lab_lock(place.state, "shop"):
            pass
        guard.release()
        busy.append(ended_well(place.state, guard.run))

    assert not ended_well(place.state, guard.run)
    place.lab(run=guard.run, whole=release).up()
    assert busy == [True]
    guard.end()


class Stuck(FakeEngine):
    """No network can be removed."""

    def remove_network(self, network: str) -> None:
        raise Leftovers("the engine refused", why=f"network {network[:12]} has active endpoints")


def test_a_sweep_that_leaves_something_forgets_nothing(place: Place) -> None:
    stuck = Place(Stuck(list(IMAGES.values()), answer=bash), place.state)
    run = dead(place.state)
    half_made(stuck, run)
    with pytest.raises(Leftovers):
        sweep_run(stuck.engine, place.state, run)
    assert list(dead_runs(place.state)) == [run]
