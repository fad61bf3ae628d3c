"""A lab on the engine in memory: its scenario, its images, and what runs inside its nodes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from orchestrator.checks.exhaustion import ARGV
from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.events import Event, StepEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lab import Lab
from orchestrator.lab.settings import Settings
from orchestrator.lab.take_down import take_down
from orchestrator.operations.workspace import Workspace
from orchestrator.reading.scenario import read_scenario

SEED = {"seed.sql": "select 1;"}
TEXT = """\
name: shop
title: A server that is also a client
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}
checks:
  - {name: The tools work, from: client, runs: [echo, "${random}"], contains: "${random}", within: 0.1}
  - {name: Nobody is there, from: app, runs: ["false"], within: 0.1}
"""
IMAGES = {name: f"wirelab/{name}:1" for name in ("dns", "database", "app", "client", "proxy", "capture")}


def bash(call: ProgramCall) -> Output:
    """What is run inside a node is run here: the batch of questions is a real script."""
    if tuple(call.argv) == ARGV:
        return Output(0, "", "")  # what this machine has no more of is nothing of the lab's
    done = subprocess.run(call.argv, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    return Output(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class LabHost:
    """An engine and a state folder for the labs of one test."""

    engine: FakeEngine
    state: StateFolder

    def lab(self, text: str = TEXT, *, name: str = "shop", run: str = "run1", **settings: Any) -> Lab:
        scenario = read_scenario(text, file="scenario.yaml", read_companion=SEED.get).scenario
        settings = {"routes": tuple, **settings}
        whole = Settings(images=lambda names: {n: IMAGES[n] for n in names}, run=run, ready_seconds=0.2, **settings)
        return Lab(self.engine, self.state, name, scenario, SEED, whole)

    def empty(self) -> bool:
        ours = [network for network in self.engine.networks() if "wirelab.lab" in network.labels]
        return not (ours or self.engine.containers("wirelab.lab") or self.engine.volumes("wirelab.lab"))


class InMemoryWorkspace(Workspace):
    """A workspace on the engine in memory, which has all images."""

    def image_tags(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: f"wirelab/{name}:1" for name in names}

    def missing_images(self, _names: Sequence[str]) -> tuple[str, ...]:
        return ()


def down(lab_host: LabHost) -> None:
    take_down(lab_host.engine, lab_host.state, "shop", lambda _event: None)


def steps_to(events: list[StepEvent]) -> Callable[[Event], None]:
    """Collect the events of steps alone."""
    return lambda event: events.append(event) if isinstance(event, StepEvent) else None


def is_done(event: Event) -> TypeGuard[StepEvent]:
    return isinstance(event, StepEvent) and event.state == "done"
