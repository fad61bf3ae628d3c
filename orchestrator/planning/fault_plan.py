"""Faults that are put in or healed, as a plan: from what is desired before to what is desired after. Pure.

Only that is touched in which the two differ. The rest of a node stays as it is, also where somebody changed it by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from orchestrator.model.faults.effect import FaultEffect, RunState
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.desired import HELPERS, DesiredNode, desired
from orchestrator.planning.node_steps import NodeSteps
from orchestrator.planning.plan import Plan, RemoveNode, Step, in_order
from orchestrator.planning.routes import Route, routes_of
from orchestrator.planning.snapshot import ObservedContainer, ObservedFiles, Snapshot


def fault_plan(topology: Topology, observed: Snapshot, before: FaultEffect, after: FaultEffect) -> Plan:
    """The steps that change the effect of faults; none where all of it is as desired already.

    A node without a container is left out: `up` makes it as it is desired.
    """
    ways = routes_of(topology)
    steps = list(_leftover_helpers(topology, observed, before.nodes | after.nodes))
    for node in topology.scenario.nodes:
        container = observed.container_of(node)
        if container and node in before.nodes | after.nodes:
            was, wanted = (desired(topology, observed, node, effect) for effect in (before, after))
            steps += _node_steps(topology, observed, was, wanted, container, ways.get(node))
    return Plan(topology.lab, in_order(steps))


def _leftover_helpers(topology: Topology, observed: Snapshot, nodes: Collection[str]) -> Iterator[Step]:
    """Helpers that a killed command left beside these nodes. One that looks into a network stands without the lab's
    lock, so it may be that of a command which is still at work."""
    for container in observed.containers:
        node = container.labels.get(labels.NODE, "")
        is_helper = container.labels.get(labels.SIDECAR) in HELPERS and observed.is_left_beside(container)
        if is_helper and node in nodes and node in topology.scenario.nodes:
            yield Step(f"remove:{container.name}", RemoveNode(node, container.id), "left by an earlier command")


def _node_steps(
    topology: Topology,
    observed: Snapshot,
    was: DesiredNode,
    wanted: DesiredNode,
    container: ObservedContainer,
    routes: tuple[Route, ...] | None,
) -> list[Step]:
    state = wanted.run_state if was.run_state != wanted.run_state else _run_state(container)
    starts = container.stopped and state != "stopped"
    keeps_blocked = was.blocked == wanted.blocked and not starts
    seen = observed.blocked_in(wanted.node)
    target = replace(
        _with_files(was, wanted, observed, reads=state == "running" and container.state != "running"),
        run_state=state,
        blocked=seen if keeps_blocked and seen is not None else wanted.blocked,
    )
    ends = wanted.spec.attachments
    back = tuple(end for end in ends if end.network in was.detached - wanted.detached)
    off = tuple(end for end in ends if end.network in wanted.detached - was.detached)
    moves = starts or back or off
    return NodeSteps(topology, observed, target, back, off, routes=routes if moves else None).changed(container)


def _with_files(was: DesiredNode, wanted: DesiredNode, observed: Snapshot, *, reads: bool) -> DesiredNode:
    """The files as they stand, but for those that are desired otherwise. The program `reads` them if it just begins."""
    files = observed.files.get(wanted.node, ObservedFiles())
    names = {name for name in (*was.texts, *wanted.texts) if was.texts.get(name) != wanted.texts.get(name)}
    changed = {name: wanted.texts[name] for name in names if name in wanted.texts}
    texts = {name: text for name, text in files.texts.items() if name not in names} | changed
    loaded = files.record.loaded if files.record and not names and not reads else wanted.loaded
    return replace(wanted, texts=texts, loaded=loaded)


def _run_state(container: ObservedContainer) -> RunState:
    match container.state:
        case "running" | "paused" as state:
            return state
    return "stopped"
