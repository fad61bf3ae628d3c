"""A fault as a plan. Its undoing is no plan of its own: `up` repairs whatever is not as the file declares."""

from __future__ import annotations

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults import Disconnect, Pause, Stop
from orchestrator.model.topology import Topology
from orchestrator.planning.observed import ContainerSeen, Observed
from orchestrator.planning.plan import LeaveNetwork, PauseNode, Plan, Step, StopNode

AnyFault = Stop | Pause | Disconnect


def inject(fault: AnyFault, topology: Topology, observed: Observed) -> Plan:
    """The steps that put a fault in; none where it is in already. UsageInvalid where it cannot be."""
    match fault:
        case Stop(stop=node):
            container = _container(observed, node)
            running = container.state in ("running", "paused")
            steps = [Step(f"stop:{node}", StopNode(node, container.id), "fault")] if running else []
        case Pause(pause=node):
            container = _container(observed, node)
            steps = (
                [Step(f"pause:{node}", PauseNode(node, container.id), "fault")] if container.state == "running" else []
            )
        case Disconnect(disconnect=node):
            steps = _disconnect(fault, topology, observed)
    return Plan(topology.lab, tuple(steps))


def _disconnect(fault: Disconnect, topology: Topology, observed: Observed) -> list[Step]:
    node = fault.disconnect
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


def _container(observed: Observed, node: str) -> ContainerSeen:
    container = observed.container_of(node)
    if container is None:
        raise UsageInvalid(f"the node {node!r} is not up", hint="wirelab up")
    return container
