"""A lab of two networks and a router on the engine in memory."""

from __future__ import annotations

from pathlib import Path

from orchestrator.engine.fake import Behaviour, FakeEngine, ProgramCall, as_declared
from orchestrator.engine.programs import Output
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lab import Lab
from orchestrator.lab.settings import Settings
from orchestrator.planning.specs import ContainerSpec
from orchestrator.reading.scenario import read_scenario

IMAGES = {name: f"wirelab/{name}:1" for name in ("client",)}
TEXT = """\
name: ways
title: A router between two networks
networks: {front: null, back: null}
nodes:
  router: {role: router}
  near: {role: client, networks: [front]}
  far: {role: client, networks: [back]}
"""
HELPERS = ("/usr/lib/wirelab/routes", "/usr/lib/wirelab/cut")


class Helped:
    """An engine whose nodes have the routes and the cuts that helpers were told to put in, as a kernel keeps them."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[tuple[str, ...]] = []
        self.engine = FakeEngine(list(IMAGES.values()), behave=self.behave, answer=self.answer)

    def behave(self, spec: ContainerSpec) -> Behaviour:
        if spec.command and spec.command[0] in HELPERS:
            self.asked.append((spec.labels["wirelab.node"], *spec.command[1:]))
            if self.broken:
                return Behaviour(("Error: Could not process rule: Operation not supported",), 1)
            return Behaviour(("wirelab: ready",), 0)
        return as_declared(spec)

    def answer(self, call: ProgramCall) -> Output:
        """An image without `cat`: nobody can look."""
        return Output(127, "", f"{call.argv[0]}: not found\n")

    def lab(self, state: Path, run: str = "run1") -> Lab:
        return lab_on(self.engine, state, TEXT, run)


def lab_on(engine: FakeEngine, state: Path, text: str, run: str = "run1", isolates_ipv6: bool | None = True) -> Lab:
    scenario = read_scenario(text, file="scenario.yaml", read_companion=dict[str, str]().get).scenario
    settings = Settings(
        images=lambda names: {n: IMAGES[n] for n in names},
        run=run,
        ready_seconds=0.2,
        routes=tuple,
        isolates_ipv6=lambda: isolates_ipv6,
    )
    return Lab(engine, StateFolder(state), "ways", scenario, {}, settings)
