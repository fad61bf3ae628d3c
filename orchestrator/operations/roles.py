"""Say who was client of whom, from the packets of a running capture, and compare it with what is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.operations.capture import open_capture

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.traffic.roles import Comparison, TrafficRoles
    from orchestrator.traffic.story import PacketLosses


@dataclass(frozen=True)
class ObservedRoles:
    """What was observed of the nodes of a lab; `filter` is the expression that limited the capture."""

    lab: str
    nodes: tuple[str, ...]
    roles: TrafficRoles
    comparison: Comparison
    losses: PacketLosses
    warning: str | None
    filter: str


def observe_roles(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> ObservedRoles:
    """The roles that the running capture shows. Raises UsageInvalid if none runs."""
    from orchestrator.traffic.roles import compare, traffic_roles

    capture, observed = open_capture(workspace, scenario, lab_name)
    recording = capture.read(capture.require_running())
    topology = capture.topology(observed)
    events, _ = recording.events(topology)
    roles = traffic_roles(events)
    nodes = topology.scenario.nodes
    uses = {node_name: tuple(node.uses) for node_name, node in nodes.items()}
    comparison = compare(roles, uses, frozenset(topology.servers_of(ApplicationProtocol.DNS)))
    return ObservedRoles(
        topology.lab, tuple(nodes), roles, comparison, recording.losses, recording.warning, capture.filter
    )
