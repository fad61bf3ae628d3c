"""observed -> plan: remove what bears a lab's label. It needs no scenario, for the file may be gone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.planning import labels
from orchestrator.planning.plan import LeaveNetwork, Plan, RemoveNetwork, RemoveNode, RemoveVolume, Step
from orchestrator.planning.snapshot import ObservedContainer, ObservedNetwork, ObservedVolume, Snapshot

WHY = "down"


def down(lab: str, observed: Snapshot) -> Plan:
    """Remove every container, network and volume that bears the lab's label.

    The containers leave their networks one after another (see `engine/docker/networks.py`). A container goes as soon as
    it has left, a network as soon as all have, while the last containers are still being removed.
    """
    networks = [network for network in observed.networks if network.labels.get(labels.LAB) == lab]
    volumes = [volume for volume in observed.volumes if volume.labels.get(labels.LAB) == lab]
    owners = {volume.labels.get(labels.NODE) for volume in volumes}
    containers = [container for container in observed.containers if container.labels.get(labels.LAB) == lab]
    # The removal of a volume waits for its container, so that these come first.
    containers.sort(key=lambda container: container.labels.get(labels.NODE) not in owners)
    leaving = _leaving(containers, networks)
    nodes = [
        Step(f"remove:{container.name}", RemoveNode(_node(container), container.id), WHY, _of(container, leaving))
        for container in containers
    ]
    return Plan(lab, (*leaving, *nodes, *_networks(networks, leaving), *_volumes(volumes, nodes)))


def _leaving(containers: Sequence[ObservedContainer], networks: Sequence[ObservedNetwork]) -> list[Step]:
    """One step for each end of a container on a network; each needs the one before it."""
    steps: list[Step] = []
    for container in containers:
        for network in networks:
            if container.addresses.get(network.id):
                action = LeaveNetwork(_node(container), container.id, network.id, _name(network))
                needs = tuple(step.id for step in steps[-1:])
                steps.append(Step(f"leave:{_name(network)}:{container.name}", action, WHY, needs))
    return steps


def _networks(networks: Sequence[ObservedNetwork], leaving: Sequence[Step]) -> list[Step]:
    return [
        Step(
            f"remove:network:{_name(network)}",
            RemoveNetwork(network.id, network.name),
            WHY,
            # Not only those of this network: the engine miscounts while it removes one and an end leaves another.
            tuple(step.id for step in leaving[-1:]),
        )
        for network in networks
    ]


def _volumes(volumes: Sequence[ObservedVolume], nodes: Sequence[Step]) -> list[Step]:
    """A volume goes after the containers of its node; one that names no node, after all."""
    steps = []
    for volume in volumes:
        node = volume.labels.get(labels.NODE)
        users = tuple(step.id for step in nodes if node in (None, getattr(step.action, "node", None)))
        steps.append(Step(f"remove:volume:{volume.name}", RemoveVolume(volume.name), WHY, users))
    return steps


def _of(container: ObservedContainer, leaving: Sequence[Step]) -> tuple[str, ...]:
    """The last of the steps by which a container leaves its networks."""
    own = [step.id for step in leaving if getattr(step.action, "container", "") == container.id]
    return tuple(own[-1:])


def _node(container: ObservedContainer) -> str:
    return container.labels.get(labels.NODE, container.name)


def _name(network: ObservedNetwork) -> str:
    return network.labels.get(labels.NETWORK, network.name)
