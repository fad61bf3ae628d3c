"""A fault as a plan. Its undoing is no plan of its own: `up` repairs whatever is not as the file declares."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import NotFound
from orchestrator.model.faults.fault import BaseFault, FaultEffect
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import network_helper
from orchestrator.planning.plan import CutOff, LeaveNetwork, PauseNode, Plan, Reload, Step, StopNode, WriteFiles
from orchestrator.planning.snapshot import ObservedContainer, ObservedFiles, Snapshot

# What the program has read is not what any file declares, so that `up` sees it and mends it.
LOADED = "changed by a fault"


def inject(fault: BaseFault, topology: Topology, observed: Snapshot) -> Plan:
    """The steps that put a fault in; none where it is in already. UsageInvalid where it cannot be.

    A fault of a node with replicas is one of each of its machines.
    """
    effect = fault.effect(topology)
    nodes = [node for node in topology.scenario.nodes if node in effect.nodes]
    return Plan(topology.lab, tuple(step for node in nodes for step in _node(topology, observed, effect, node)))


def _node(topology: Topology, observed: Snapshot, effect: FaultEffect, node: str) -> Iterator[Step]:
    container = observed.container_of(node)
    if container is None:
        raise NotFound(f"the node {node!r} is not up")
    state = effect.run_state(node)
    if state == "stopped" and container.state in ("running", "paused"):
        yield Step(f"stop:{node}", StopNode(node, container.id), "fault")
    if state == "paused" and container.state == "running":
        yield Step(f"pause:{node}", PauseNode(node, container.id), "fault")
    for name in sorted(effect.detached_from(node)):
        network = observed.network_of(name, topology.lab)
        if network and network.id in container.addresses:
            yield Step(f"disconnect:{node}:{name}", LeaveNetwork(node, container.id, network.id), "fault")
    yield from _cut(topology, observed, effect, container, node)
    yield from _files(topology, observed, effect, container, node)


def _cut(
    topology: Topology, observed: Snapshot, effect: FaultEffect, container: ObservedContainer, node: str
) -> Iterator[Step]:
    """What the node drops already it goes on dropping."""
    wanted = set(effect.blocked_for(node))
    before = observed.files.get(node, ObservedFiles()).cut_in(container)
    # One that does not run hears nothing anyway.
    if container.state not in ("running", "paused") or wanted <= set(before):
        return
    addresses = tuple(sorted(wanted | set(before)))
    helper = network_helper(topology, observed, node, "cut", *addresses)
    action = CutOff(node, container.id, container.started, addresses, helper)
    others = dict.fromkeys(topology.owner(address) or address for address in wanted)
    yield Step(f"cut:{node}", action, "fault", shows=f"from {', '.join(sorted(others))}")


def _files(
    topology: Topology, observed: Snapshot, effect: FaultEffect, container: ObservedContainer, node: str
) -> Iterator[Step]:
    files = observed.files.get(node, ObservedFiles())
    texts = effect.changed_texts(node, files.texts)
    if texts == dict(files.texts):
        return
    if container.state != "running":
        raise NotFound(f"the node {node!r} is not running, so its records cannot be changed")
    yield Step(f"files:{node}", WriteFiles(node, texts), "fault")
    role = topology.scenario.roles[node]
    reload = Reload(node, container.id, role.reload or "", LOADED, role.reloaded, role.refused)
    yield Step(f"reload:{node}", reload, "fault", (f"files:{node}",))
