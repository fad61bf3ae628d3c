"""Puts the questions of checks to the lab: all that a node is asked at one time goes into one call to the engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from time import monotonic

from orchestrator.checks import program_batch as batch
from orchestrator.checks.probes import (
    Flows,
    GetNodeState,
    LogText,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    ReadLog,
    RunProgram,
    TrafficQuery,
    Unavailable,
)
from orchestrator.engine.protocol import Engine
from orchestrator.engine.timestamps import unix_seconds
from orchestrator.errors import EngineMissing, NotFound, WirelabError
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class ProbeTarget:
    """A node that can be asked: its container, the tools in its image (None: nobody knows), and who looks on for it."""

    container: ObservedContainer
    tools: frozenset[str] | None
    sidecar: ContainerSpec


class ProbeRunner:
    """Answers questions; close() removes what looked on.

    `nodes` has the nodes whose containers are there, `wire` tells what a capture has seen since a moment.
    """

    def __init__(
        self,
        engine: Engine,
        nodes: Mapping[str, ProbeTarget],
        wire: Callable[[float], ProbeResult] = lambda _since: Flows(None),
    ) -> None:
        self._engine = engine
        self._wire = wire
        self._nodes = nodes
        self._sidecars: dict[str, str] = {}

    def close(self) -> None:
        """Remove what asked for nodes that could not ask themselves: all of it, also where one will not go."""
        with ExitStack() as removals:
            for container in self._sidecars.values():
                removals.callback(self._engine.remove_container, container)
        self._sidecars.clear()

    def answer(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        """The answers, in the order of the questions. Raises EngineMissing if the engine is gone."""
        results: dict[int, ProbeResult] = {}
        calls = self._groups(probes)
        if not calls:
            return []
        with ThreadPoolExecutor(min(8, len(calls))) as pool:
            for (places, _), outcomes in zip(calls, pool.map(lambda call: call[1](), calls), strict=True):
                results.update(zip(places, outcomes, strict=True))
        return [results[place] for place in range(len(probes))]

    def _groups(self, probes: Sequence[Probe]) -> list[tuple[list[int], Callable[[], list[ProbeResult]]]]:
        """Questions that one call can answer, with their places."""
        groups: dict[tuple[str, str], list[int]] = {}
        for place, probe in enumerate(probes):
            groups.setdefault((probe.node, self._way(probe, place)), []).append(place)
        return [
            (places, partial(self._safely, node, way, [probes[place] for place in places]))
            for (node, way), places in groups.items()
        ]

    def _way(self, probe: Probe, place: int) -> str:
        """How a question is put: in a batch inside the node, in one beside it, or alone."""
        if isinstance(probe, ReadLog):
            return f"log {place}"
        if isinstance(probe, TrafficQuery):
            return "wire"
        if isinstance(probe, GetNodeState):
            return f"state {place}"
        known = self._nodes.get(probe.node)
        tools = known.tools if known else None
        if tools is None:
            return f"alone {place}" if probe.inside else "beside"
        return "inside" if probe.inside or probe.needs <= tools else "beside"

    def _safely(self, node: str, way: str, probes: list[Probe]) -> list[ProbeResult]:
        try:
            return self._put(node, way, probes)
        except EngineMissing:
            raise
        except WirelabError as error:
            return [Unavailable(error.why or error.what)] * len(probes)

    def _put(self, node: str, way: str, probes: list[Probe]) -> list[ProbeResult]:
        if isinstance(probes[0], TrafficQuery):
            return self._wired([probe.since for probe in probes if isinstance(probe, TrafficQuery)])
        if isinstance(probes[0], GetNodeState):
            return [self._state(node)]
        known = self._nodes.get(node)
        if known is None:
            return [Unavailable(f"the node {node} has no container")] * len(probes)
        if isinstance(probes[0], ReadLog):
            return [LogText(self._engine.log(known.container.id, probes[0].since))]
        # Other than before the check, perhaps: somebody may just have stopped it.
        now = self._engine.container(known.container.id)
        if now.state != "running":
            return [Unavailable(f"the node {node} is {_word(now)}")] * len(probes)
        runs = [probe for probe in probes if isinstance(probe, RunProgram)]
        if way.startswith("alone"):
            return [self._alone(now, runs[0])]
        container = now.id if way == "inside" else self._sidecar(node, known, now.id)
        return list(self._batch(container, runs))

    def _wired(self, moments: list[float]) -> list[ProbeResult]:
        """The capture is read once for all that began at the same moment."""
        flows = {since: self._wire(since) for since in set(moments)}
        return [flows[since] for since in moments]

    def _state(self, node: str) -> NodeState:
        known = self._nodes.get(node)
        try:
            now = self._engine.container(known.container.id) if known else None
        except NotFound:
            now = None
        return NodeState(_word(now), now.exit_code, now.out_of_memory) if now else NodeState("missing")

    def _batch(self, container: str, runs: list[RunProgram]) -> Sequence[ProbeResult]:
        argv = ("bash", "-c", batch.script(runs))
        output = self._engine.run(container, argv, seconds=batch.seconds(runs))
        try:
            return batch.read(output.out, len(runs))
        except (ValueError, IndexError):
            errors = output.err.strip().splitlines()
            why = re.sub(r"^bash: line \d+: ", "", errors[0])[:200] if errors else "it ended before it had answered"
            return [Unavailable(f"the questions could not be put: {why}")] * len(runs)

    def _alone(self, now: ObservedContainer, run: RunProgram) -> ProbeResult:
        began = monotonic()
        output = self._engine.run(now.id, run.argv, seconds=run.seconds)
        err = output.err
        if output.exit_code in (126, 127) and not err.strip():
            # Of an image without a shell the engine says nothing but the exit code.
            err = f"{run.argv[0]}: not found or not executable"
        return ProgramResult(output.exit_code, output.out, err, unix_seconds(now.started), monotonic() - began)

    def _sidecar(self, node: str, known: ProbeTarget, container: str) -> str:
        if node not in self._sidecars:
            made = self._engine.make_container(replace(known.sidecar, share_network_of=container))
            self._sidecars[node] = made
            self._engine.start(made)
        return self._sidecars[node]


def _word(container: ObservedContainer) -> str:
    return "stopped" if container.stopped else container.state
