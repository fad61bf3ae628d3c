"""Puts the questions of checks to the lab: all that a node is asked at one time goes into one call to the engine."""

from __future__ import annotations

import re
import secrets as chance
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic

from orchestrator.checks import program_batch as batch
from orchestrator.checks.probes import (
    EngineAnswer,
    Flows,
    GetExhausted,
    GetNodeState,
    LogText,
    LookAtNetwork,
    NodeExhausted,
    NodeState,
    PingEngine,
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
from orchestrator.errors import EngineMissing, NotFound, TookTooLong, WirelabError
from orchestrator.lab.network_helper import run_helper
from orchestrator.lab.node_exhaustion import NOT_BEGUN, no_process_left, read_node_exhaustion
from orchestrator.lab.step_loop import Arrival, Arrivals
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec
from orchestrator.quick_dataclass import dataclass

# A container is made in less, unless the engine hangs.
MAKING_SECONDS = 3.0


@dataclass(frozen=True)
class ProbeTarget:
    """A node that can be asked: its container, the tools in its image (None: nobody knows), and who looks on for it.

    `sidecar` runs programs, `looker` prints what the node's network is like. `memory_limit` is in MiB.
    """

    container: ObservedContainer
    tools: frozenset[str] | None
    sidecar: ContainerSpec
    looker: ContainerSpec
    memory_limit: int = 0


class ProbeRunner:
    """Run probes, in threads of its own; close() removes the containers that it made beside nodes.

    `nodes` has the nodes whose containers are there, `wire` tells what a capture has seen since a moment. The threads
    end with the process: whoever is interrupted does not wait for what a node has not answered yet.
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
        self._making_sidecar = Lock()
        self._closed = False

    def abandon(self) -> None:
        """Make nothing more, and remove nothing: the engine does not answer. The watchdog removes what is left."""
        self._closed = True

    def close(self) -> None:
        """Remove what asked for nodes that could not ask themselves: all of it, also where one will not go."""
        if self._closed:
            return
        self._closed = True
        # Who is making one now removes it afterwards; an engine that hangs is not waited for.
        made = self._making_sidecar.acquire(timeout=MAKING_SECONDS)
        try:
            with ExitStack() as removals:
                for container in self._sidecars.values():
                    removals.callback(self._engine.remove_container, container)
                self._sidecars.clear()
        finally:
            if made:
                self._making_sidecar.release()

    def answer(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        """The results, in the order of the probes. Raises EngineMissing if the engine is gone."""
        arrived = SimpleQueue[Arrival]()
        self.start(dict(enumerate(probes)), arrived)
        results: dict[int, ProbeResult] = {}
        while len(results) < len(probes):
            ticket, result = arrived.get()
            if isinstance(result, Exception):
                raise result
            results[ticket] = result
        return [results[place] for place in range(len(probes))]

    def start(self, probes: Mapping[int, Probe], arrived: Arrivals) -> None:
        """Begin to run probes, each with a number; its result goes to `arrived` with that number once it is known.

        In place of a result comes an EngineMissing if the engine is gone, and any error that is a mistake of ours.
        """
        for node, way, group in self._groups(probes):
            Thread(target=self._run_group, args=(node, way, group, arrived), daemon=True).start()

    def _groups(self, probes: Mapping[int, Probe]) -> list[tuple[str, str, dict[int, Probe]]]:
        """Probes that one call can answer, with the node and the way."""
        groups: dict[tuple[str, str], dict[int, Probe]] = {}
        for ticket, probe in probes.items():
            groups.setdefault((probe.node, self._way(probe, ticket)), {})[ticket] = probe
        return [(node, way, group) for (node, way), group in groups.items()]

    def _way(self, probe: Probe, place: int) -> str:
        """How a question is put: in a batch inside the node, in one beside it, or alone."""
        if isinstance(probe, ReadLog):
            return f"log {place}"
        if isinstance(probe, TrafficQuery):
            return "wire"
        if isinstance(probe, GetNodeState | GetExhausted | LookAtNetwork | PingEngine):
            return f"state {place}"
        known = self._nodes.get(probe.node)
        tools = known.tools if known else None
        if tools is None:
            return f"alone {place}" if probe.inside else "beside"
        return "inside" if probe.inside or probe.needs <= tools else "beside"

    def _run_group(self, node: str, way: str, probes: dict[int, Probe], arrived: Arrivals) -> None:
        missing = dict(probes)
        try:
            for ticket, result in self._results(node, way, probes):
                del missing[ticket]
                arrived.put((ticket, result))
        except EngineMissing as error:
            lost = self._lost(error)
            for ticket in missing:
                arrived.put((ticket, lost))
        except TookTooLong:
            text = f"the programs in {node} had not ended in their time, and nothing of what they saw is known"
            for ticket in missing:
                arrived.put((ticket, Unavailable(text)))
        except WirelabError as error:
            for ticket in missing:
                arrived.put((ticket, Unavailable(error.why or error.what)))
        except Exception as error:
            arrived.put((next(iter(probes)), error))

    def _lost(self, error: EngineMissing) -> Unavailable | EngineMissing:
        """What an engine that did not answer a question about a node says of itself: it may answer others."""
        try:
            self._engine.ping()
        except WirelabError:
            return error
        return Unavailable(error.why or error.what)

    def _results(self, node: str, way: str, group: dict[int, Probe]) -> Iterable[tuple[int, ProbeResult]]:
        """The results of probes that one call can answer, as they come."""
        tickets, probes = list(group), list(group.values())
        if isinstance(probes[0], TrafficQuery):
            flows = self._wired([probe.since for probe in probes if isinstance(probe, TrafficQuery)])
            return zip(tickets, flows, strict=True)
        if isinstance(probes[0], PingEngine):
            self._engine.ping()
            return [(tickets[0], EngineAnswer())]
        if isinstance(probes[0], GetNodeState):
            return [(tickets[0], self._state(node))]
        known = self._nodes.get(node)
        if isinstance(probes[0], GetExhausted):
            return [(tickets[0], self._exhausted(known))]
        if known is None:
            return [(ticket, Unavailable(f"the node {node} has no container")) for ticket in tickets]
        if isinstance(probes[0], LookAtNetwork):
            seen = run_helper(self._engine, known.looker, known.container.id, f"nobody could look into {node}")
            return [(tickets[0], LogText(seen or ""))]
        if isinstance(probes[0], ReadLog):
            return [(tickets[0], LogText(self._engine.log(known.container.id, probes[0].since)))]
        # Other than before the check, perhaps: somebody may just have stopped it.
        now = self._engine.container(known.container.id)
        if now.state != "running":
            return [(ticket, Unavailable(f"the node {node} is {_word(now)}")) for ticket in tickets]
        runs = [probe for probe in probes if isinstance(probe, RunProgram)]
        if way.startswith("alone"):
            return [(tickets[0], self._alone(node, now, runs[0]))]
        container = now.id if way == "inside" else self._sidecar(node, known, now.id)
        return ((tickets[place], result) for place, result in self._batch(node, container, runs))

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

    def _exhausted(self, known: ProbeTarget | None) -> NodeExhausted:
        if known is None:
            return NodeExhausted()
        now = self._engine.container(known.container.id)
        return NodeExhausted(read_node_exhaustion(self._engine, now, known.memory_limit))

    def _batch(self, node: str, container: str, runs: list[RunProgram]) -> Iterator[tuple[int, ProbeResult]]:
        argv, errors = ("bash", "-c", batch.script(runs)), list[str]()
        missing = dict.fromkeys(range(len(runs)))
        pieces = self._engine.stream(container, argv, errors, seconds=batch.seconds(runs))
        try:
            for place, result in batch.read(pieces, len(runs)):
                del missing[place]
                yield place, result
        except (ValueError, LookupError):
            lines = "".join(errors).strip().splitlines()
            why = re.sub(r"^bash: line \d+: ", "", lines[0])[:200] if lines else "it ended before it had answered"
            lacking = no_process_left(self._engine, container)
            reason = lacking.reason(node) if lacking else f"the questions could not be put: {why}"
            for place in missing:
                yield place, Unavailable(reason)

    def _alone(self, node: str, now: ObservedContainer, run: RunProgram) -> ProbeResult:
        began = monotonic()
        output = self._engine.run(now.id, run.argv, seconds=run.seconds)
        err = output.err
        if output.exit_code in NOT_BEGUN and (lacking := no_process_left(self._engine, now.id)):
            return Unavailable(lacking.reason(node))
        if output.exit_code in (126, 127) and not err.strip():
            # Of an image without a shell the engine says nothing but the exit code.
            err = f"{run.argv[0]}: not found or not executable"
        return ProgramResult(output.exit_code, output.out, err, unix_seconds(now.started), monotonic() - began)

    def _sidecar(self, node: str, known: ProbeTarget, container: str) -> str:
        with self._making_sidecar:
            if node not in self._sidecars and not self._closed:
                # A name of its own: two threads of one command may each ask for the same node.
                name = f"{known.sidecar.name}-{chance.token_hex(3)}"
                made = self._engine.make_container(replace(known.sidecar, name=name, share_network_of=container))
                if self._closed:
                    self._engine.remove_container(made)
                else:
                    self._sidecars[node] = made
                    self._engine.start(made)
            if self._closed:
                raise WirelabError("the checks have ended")
            return self._sidecars[node]


def _word(container: ObservedContainer) -> str:
    return "stopped" if container.stopped else container.state
