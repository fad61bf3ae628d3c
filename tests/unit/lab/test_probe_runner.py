"""Probes run in threads of their own; an engine that says nothing of one node may still answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.checks.probes import EngineAnswer, PingEngine, RunProgram, Unavailable
from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineMissing
from orchestrator.lab.probe_runner import ProbeRunner, ProbeTarget
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec

PROBE = RunProgram("a", ("true",))


@dataclass
class StuckEngine:
    """An engine in memory that does not answer questions about containers, and perhaps none at all."""

    engine: FakeEngine
    answers: bool

    def container(self, _container: str) -> ObservedContainer:
        raise EngineMissing("the container engine does not answer", why="the container: it gave no answer in time")

    def ping(self) -> None:
        if not self.answers:
            raise EngineMissing("the container engine does not answer")


def runner_of(answers: bool) -> ProbeRunner:
    fake = FakeEngine(["i"])
    made = fake.make_container(ContainerSpec("node", "i", {}, command=("sleep", "1")))
    target = ProbeTarget(
        fake.container(made), frozenset(), ContainerSpec("beside", "i", {}), ContainerSpec("look", "i", {})
    )
    stuck: Any = StuckEngine(fake, answers)
    return ProbeRunner(stuck, {"a": target})


def test_a_node_of_which_the_engine_says_nothing_is_unavailable() -> None:
    """A node without processor time can hold up what is asked about it; that is no reason to give up all checks."""
    ping, result = runner_of(answers=True).answer([PingEngine(), PROBE])
    assert (ping, result) == (EngineAnswer(), Unavailable("the container: it gave no answer in time"))


def test_an_engine_that_answers_nothing_at_all_is_an_error() -> None:
    with pytest.raises(EngineMissing):
        runner_of(answers=False).answer([PROBE])


def test_after_its_end_nothing_is_made_beside_a_node() -> None:
    fake = FakeEngine(["i"])
    fake.start(made := fake.make_container(ContainerSpec("node", "i", {}, command=("sleep", "1"))))
    beside = ContainerSpec("beside", "i", {"wirelab.lab": "one"})
    runner = ProbeRunner(fake, {"a": ProbeTarget(fake.container(made), frozenset(), beside, beside)})
    runner.close()
    runner.close()
    (result,) = runner.answer([RunProgram("a", ("true",), frozenset({"ss"}))])
    assert result == Unavailable("the checks have ended")
    assert fake.containers("wirelab.lab") == ()
