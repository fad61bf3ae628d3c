"""(scenario, observed) -> plan: what to do so that what there is becomes what is declared. Pure.

`up` on a lab that stands gives an empty plan; on a lab that somebody changed by hand it gives the repair; on a file
that changed it gives what follows from the change. Faults that are in are part of what is desired: `up` keeps them.
`down` gives the removal of everything that bears the lab's label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.capture import capture_steps, late_capture_steps
from orchestrator.planning.desired import DesiredNode, desired
from orchestrator.planning.image_steps import with_missing_images
from orchestrator.planning.injected_faults import effect_of
from orchestrator.planning.networks import (
    address_conflicts,
    is_host_closed,
    missing_networks,
    stale_network_steps,
    stale_networks,
)
from orchestrator.planning.node_steps import NodeSteps, attachments_of, reason_to_remake
from orchestrator.planning.plan import (
    LeaveNetwork,
    MakeCapture,
    MakeNetwork,
    Plan,
    RemoveNetwork,
    RemoveNode,
    RemoveVolume,
    Step,
    in_order,
)
from orchestrator.planning.removal import down
from orchestrator.planning.routes import routes_of
from orchestrator.planning.secret_steps import secret_steps
from orchestrator.planning.snapshot import ObservedFiles, Snapshot


def up(topology: Topology, observed: Snapshot, *, capture: bool = False, close_host: bool = False) -> Plan:
    """The steps from what is observed to what is desired; none where nothing is missing.

    Desired is what the file declares, but for the effect of the faults that are in.

    With `capture`, or where the scenario says so, no node starts before the recorder records, unless the engine has
    nothing to record then. With `close_host`,
    nodes on internal networks and the engine's host do not reach each other; a lab that is closed so stays closed.
    """
    close_host = close_host or is_host_closed(topology, observed)
    effect = effect_of(topology, observed.faults)
    desired_nodes = [desired(topology, observed, node, effect) for node in topology.scenario.nodes]
    stale, ways = stale_networks(topology, observed, close_host=close_host), routes_of(topology)
    leftovers = list(_leftover_nodes(topology, observed))
    removals = _removals(observed, desired_nodes, leftovers)
    steps = [
        *secret_steps(topology, observed),
        *leftovers,
        *stale_network_steps(stale, observed, removals),
        *missing_networks(topology, observed, stale, close_host=close_host),
        *address_conflicts(observed, desired_nodes, removals, stale),
    ]
    capture = capture or topology.scenario.capture
    if capture and not observed.late_bridges:
        steps.extend(capture_steps(topology, observed, tuple(steps)))
    # Who goes may hold an address that another one is to have.
    leaving = frozenset((s.action.container, s.action.network_id) for s in steps if isinstance(s.action, LeaveNetwork))
    shared = tuple(steps)
    for desired_node in desired_nodes:
        before = (*(step.id for step in shared if _is_before(step, desired_node)), *removals.values())
        on, off = attachments_of(desired_node)
        routes = ways.get(desired_node.node)
        steps.extend(NodeSteps(topology, observed, desired_node, on, off, before, leaving, routes).all_steps())
    if capture and observed.late_bridges:
        steps.extend(late_capture_steps(topology, observed, tuple(steps)))
    steps.extend(
        _leftover_volumes(topology, observed, desired_nodes, tuple(s.id for s in steps if s.id.startswith("remove:")))
    )
    return Plan(topology.lab, in_order(with_missing_images(_with_members(steps, topology, observed), observed)))


def _with_members(steps: list[Step], topology: Topology, observed: Snapshot) -> list[Step]:
    """The steps of a split lab, each of which shows at its end on which member it is done."""
    split = observed.split
    if split is None:
        return steps

    def member_of(step: Step) -> str:
        if isinstance(step.action, MakeNetwork):
            there = split.members_of(topology.scenario, step.action.network)
            return "+".join(there) or split.manager
        return split.nodes.get(getattr(step.action, "node", ""), "")

    return [
        replace(step, shows=f"{step.shows} @{member}".lstrip()) if (member := member_of(step)) else step
        for step in steps
    ]


def _is_before(step: Step, desired_node: DesiredNode) -> bool:
    """Whether a step that is no node's own must be done before this node is made or connected."""
    if isinstance(step.action, MakeNetwork):
        return step.action.network in (attach.network for attach in desired_node.spec.attachments)
    return isinstance(step.action, MakeCapture | RemoveNode | RemoveNetwork | LeaveNetwork)


def _removals(observed: Snapshot, desired_nodes: list[DesiredNode], leftovers: list[Step]) -> dict[str, str]:
    """Container -> the step that removes it, of those that this plan removes."""
    removals = {step.action.container: step.id for step in leftovers if isinstance(step.action, RemoveNode)}
    for desired_node in desired_nodes:
        container = observed.container_of(desired_node.node)
        if container and reason_to_remake(
            desired_node, container, observed.files.get(desired_node.node, ObservedFiles())
        ):
            removals[container.id] = f"remove:{desired_node.node}"
    return removals


def _leftover_nodes(topology: Topology, observed: Snapshot) -> Iterator[Step]:
    for container in observed.containers:
        node = container.labels.get(labels.NODE, "")
        if labels.CAPTURE in container.labels:
            continue
        if node not in topology.scenario.nodes:
            yield Step(f"remove:{container.name}", RemoveNode(node, container.id), "no longer in the file")
        elif observed.is_left_beside(container):
            yield Step(f"remove:{container.name}", RemoveNode(node, container.id), "left by an earlier command")


def _leftover_volumes(
    topology: Topology, observed: Snapshot, desired_nodes: list[DesiredNode], removals: tuple[str, ...]
) -> Iterator[Step]:
    kept = {volume.name for desired_node in desired_nodes for volume in desired_node.spec.volumes}
    for volume in observed.volumes:
        if labels.FILES in volume.labels:
            continue
        if volume.labels.get(labels.LAB) == topology.lab and volume.name not in kept:
            why = "what it was made from changed"
            yield Step(f"remove:volume:{volume.name}", RemoveVolume(volume.name), why, removals)


__all__ = ["down", "up"]
