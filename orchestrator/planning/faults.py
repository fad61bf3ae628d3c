"""A fault as a plan. Its undoing is no plan of its own: `up` repairs whatever is not as the file declares."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.model.faults import AnyFault, Cut, Disconnect, Pause, RecordChanged, Stop
from orchestrator.model.place import AnyAddress
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import network_helper
from orchestrator.planning.fault_record import change_record
from orchestrator.planning.plan import CutOff, LeaveNetwork, PauseNode, Plan, Step, StopNode
from orchestrator.planning.snapshot import ObservedContainer, ObservedFiles, Snapshot


def inject(fault: AnyFault, topology: Topology, observed: Snapshot) -> Plan:
    """The steps that put a fault in; none where it is in already. UsageInvalid where it cannot be.

    A fault of a node with replicas is one of each of its machines.
    """
    match fault:
        case Stop(stop=name):
            steps = [step for node in topology.scenario.machines(name) for step in _stop(node, observed)]
        case Pause(pause=name):
            steps = [step for node in topology.scenario.machines(name) for step in _pause(node, observed)]
        case Disconnect(disconnect=name):
            nodes = topology.scenario.machines(name)
            steps = [step for node in nodes for step in _disconnect(fault, node, topology, observed)]
        case Cut():
            steps = list(_cut(fault, topology, observed))
        case RecordChanged(record=change):
            steps = list(change_record(change, topology, observed))
    return Plan(topology.lab, tuple(steps))


def _stop(node: str, observed: Snapshot) -> list[Step]:
    container = _container(observed, node)
    running = container.state in ("running", "paused")
    return [Step(f"stop:{node}", StopNode(node, container.id), "fault")] if running else []


def _pause(node: str, observed: Snapshot) -> list[Step]:
    container = _container(observed, node)
    running = container.state == "running"
    return [Step(f"pause:{node}", PauseNode(node, container.id), "fault")] if running else []


def _disconnect(fault: Disconnect, node: str, topology: Topology, observed: Snapshot) -> list[Step]:
    own = [place.network for place in topology.places_of(node)]
    if fault.network is None and len(own) > 1:
        raise UsageInvalid(f"the node {node!r} stands on several networks", hint=f"name one of {', '.join(own)}")
    name = fault.network or own[0]
    if name not in own:
        raise UsageInvalid(f"the node {node!r} does not stand on {name!r}", hint=f"it stands on {', '.join(own)}")
    container = _container(observed, node)
    network = observed.network_of(name, topology.lab)
    if network is None or network.id not in container.addresses:
        return []
    return [Step(f"disconnect:{node}:{name}", LeaveNetwork(node, container.id, network.id), "fault")]


def _cut(fault: Cut, topology: Topology, observed: Snapshot) -> Iterator[Step]:
    """Each node of a group drops what the other group sends; what it drops already it goes on dropping."""
    one, other = ([node for name in group for node in topology.scenario.machines(name)] for group in fault.cut)
    both = sorted(set(one) & set(other))
    if both:
        raise UsageInvalid(f"the node {both[0]!r} stands in both groups", hint="no node can be cut from itself")
    for here, there in ((one, other), (other, one)):
        heard = {str(each) for node in there for each in topology.addresses_of(node) if _wanted(fault, each)}
        for node in here:
            container = _container(observed, node)
            before = observed.files.get(node, ObservedFiles()).cut_in(container)
            # One that does not run hears nothing anyway.
            if container.state not in ("running", "paused") or heard <= set(before):
                continue
            addresses = tuple(sorted(heard | set(before)))
            helper = network_helper(topology, observed, node, "cut", *addresses)
            action = CutOff(node, container.id, container.started, addresses, helper)
            yield Step(f"cut:{node}", action, "fault", shows=f"from {', '.join(there)}")


def _wanted(fault: Cut, address: AnyAddress) -> bool:
    return fault.only in (None, f"ipv{address.version}")


def _container(observed: Snapshot, node: str) -> ObservedContainer:
    container = observed.container_of(node)
    if container is None:
        raise NotFound(f"the node {node!r} is not up")
    return container
