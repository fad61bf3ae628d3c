"""What one command has beside a node for a moment is no leftover to another command while the first one is at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from networks_in_memory import Helped
from sample_runs import alive, dead

from orchestrator.checks.probes import LogText, LookAtNetwork, ProbeResult, RunProgram
from orchestrator.engine.fake import Behaviour, as_declared
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab import faults as breaking
from orchestrator.lab.judging import probe_targets
from orchestrator.lab.lab import Lab
from orchestrator.lab.obstacles import find_obstacles
from orchestrator.lab.probe_runner import ProbeRunner
from orchestrator.lab.run_registry import dead_runs
from orchestrator.model.faults.pause import Pause
from orchestrator.planning import labels
from orchestrator.planning.specs import ContainerSpec

pytestmark = pytest.mark.slow

LOOK = "/usr/lib/wirelab/look"
SEEN = "== addresses\n[]\nwirelab: ready"


class Looked(Helped):
    """An engine on which something happens between the making of a helper and its start."""

    def __init__(self) -> None:
        super().__init__()
        self.between: Callable[[], object] = lambda: None
        self.makers: list[str] = []
        self.started: list[str] = []
        make = self.engine.make_container

        def make_container(spec: ContainerSpec) -> str:
            made = make(spec)
            if labels.SIDECAR in spec.labels and (spec.command or ("",))[0] in (LOOK, "sleep"):
                self.makers.append(spec.labels[labels.RUN])
                between, self.between = self.between, lambda: None
                between()
            return made

        self.engine.make_container = make_container  # type: ignore[method-assign]

    def behave(self, spec: ContainerSpec) -> Behaviour:
        self.started += spec.command[:1] if spec.command else []
        if spec.command and spec.command[0] == LOOK:
            return Behaviour(tuple(SEEN.splitlines()), 0)
        return super().behave(spec) if spec.command else as_declared(spec)


CHANGES: dict[str, Callable[[Lab], object]] = {
    "inject": lambda lab: breaking.inject(lab, Pause(pause="near")),
    "heal": lambda lab: breaking.heal(lab, [breaking.inject(lab, Pause(pause="near")).faults[0].id]),
    "up": lambda lab: lab.up(),
}


def look(lab: Lab) -> ProbeResult:
    """Look into the network of a node, as `why` does."""
    with lab.judged_lab() as judged:
        (seen,) = ProbeRunner(lab.engine, probe_targets(judged.topology, judged.observed)).answer(
            [LookAtNetwork("near")]
        )
    return seen


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("run", ["none", "a guarded one"])
def test_a_helper_that_is_just_made_is_left_to_the_command_that_made_it(tmp_path: Path, change: str, run: str) -> None:
    """Also to a lesson, whose lab has no run of its own, while its learner types `heal`."""
    world, state = Looked(), StateFolder(tmp_path)
    with alive(state) as guarded:
        lab = world.lab(tmp_path, "none" if run == "none" else guarded)
        lab.up()
        world.between = lambda: CHANGES[change](world.lab(tmp_path, "another"))
        assert look(lab) == LogText(f"{SEEN}\n")
        assert (world.makers[0] == guarded) == (run != "none")
    assert world.engine.containers(labels.SIDECAR) == ()
    assert list(dead_runs(state)) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_helper_that_looks_after_an_up_is_left_to_it(tmp_path: Path, change: str) -> None:
    """The lab stands by itself then, and the run that brought it up has ended."""
    world = Looked()
    lab = world.lab(tmp_path)
    lab.up()
    world.between = lambda: CHANGES[change](world.lab(tmp_path, "another"))
    world.started.clear()
    find_obstacles(lab)
    assert (len(world.makers), world.started.count(LOOK)) == (3, 3)


def test_a_lab_with_a_living_helper_is_whole(tmp_path: Path) -> None:
    """Or else a check with a fault would be refused, or be called mended, for a `why` in another window."""
    world, state = Looked(), StateFolder(tmp_path)
    lab = world.lab(tmp_path)
    lab.up()
    with alive(state) as run:
        _left_by(world, run)
        assert lab.plan().steps == ()
        injected = breaking.inject(lab, Pause(pause="near"))
        assert [step.id for step in injected.plan.steps] == ["pause:near"]
        assert breaking.heal(lab, [injected.faults[0].id]).plan.steps[0].id == "unpause:near"


@pytest.mark.parametrize("change", CHANGES)
def test_a_helper_of_a_command_that_died_is_removed(tmp_path: Path, change: str) -> None:
    world = Looked()
    lab = world.lab(tmp_path)
    lab.up()
    _left_by(world, dead(StateFolder(tmp_path)))
    CHANGES[change](lab)
    assert world.engine.containers(labels.SIDECAR) == ()


def _left_by(world: Looked, run: str) -> None:
    """A helper beside the node `near`, made by this run."""
    (near,) = world.engine.containers(f"{labels.NODE}=near")
    own = {**near.labels, labels.SIDECAR: "look", labels.RUN: run}
    world.engine.make_container(ContainerSpec("helper", "wirelab/client:1", own, command=(LOOK,)))


def test_two_threads_of_one_command_ask_beside_the_same_node(tmp_path: Path) -> None:
    """Each has a container of its own: a lesson judges its task while it explains an attempt."""
    world = Looked()
    lab = world.lab(tmp_path)
    lab.up()
    probe = RunProgram("near", ("true",), frozenset({"none of its tools"}))
    with lab.judged_lab() as judged:
        targets = probe_targets(judged.topology, judged.observed)
        first, second = ProbeRunner(lab.engine, targets), ProbeRunner(lab.engine, targets)
        first.answer([probe])
        second.answer([probe])
        assert len(world.engine.containers(labels.SIDECAR)) == 2
        first.close()
        second.close()
    assert world.engine.containers(labels.SIDECAR) == ()
