"""observed -> plan: remove what bears a lab's label. It needs no scenario, for the file may be gone. Pure."""

from __future__ import annotations

from orchestrator.planning import labels
from orchestrator.planning.plan import Plan, RemoveNetwork, RemoveNode, RemoveVolume, Step
from orchestrator.planning.snapshot import Snapshot


def down(lab: str, observed: Snapshot) -> Plan:
    """Remove every container, then every network and volume, that bears the lab's label."""
    nodes = [
        Step(f"remove:{c.name}", RemoveNode(c.labels.get(labels.NODE, c.name), c.id), "down")
        for c in observed.containers
        if c.labels.get(labels.LAB) == lab
    ]
    gone = tuple(step.id for step in nodes)
    networks = [
        Step(
            f"remove:network:{n.labels.get(labels.NETWORK, n.name)}",
            RemoveNetwork(n.id, n.name),
            "down",
            gone,
        )
        for n in observed.networks
        if n.labels.get(labels.LAB) == lab
    ]
    volumes = [
        Step(f"remove:volume:{v.name}", RemoveVolume(v.name), "down", gone)
        for v in observed.volumes
        if v.labels.get(labels.LAB) == lab
    ]
    return Plan(lab, (*nodes, *networks, *volumes))
