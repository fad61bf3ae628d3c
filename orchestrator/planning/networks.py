"""Which networks a plan removes and makes, and who leaves them before. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.addressing import gateway_of
from orchestrator.planning.desired import DesiredNode
from orchestrator.planning.plan import LeaveNetwork, MakeNetwork, Plan, RemoveNetwork, Step
from orchestrator.planning.routes import routed_networks
from orchestrator.planning.snapshot import ObservedNetwork, Snapshot
from orchestrator.planning.specs import NetworkSpec
from orchestrator.planning.swarm import swarm_range


def stale_networks(topology: Topology, observed: Snapshot, *, close_host: bool) -> tuple[ObservedNetwork, ...]:
    """Networks of the lab that the file no longer declares, or declares otherwise, or that are to be closed to the
    engine's host."""
    declared, dead_ends = topology.scenario.all_networks, _dead_ends(topology)
    return tuple(
        network
        for network in observed.networks
        if network.labels.get(labels.LAB) == topology.lab
        and (
            (name := network.labels.get(labels.NETWORK, "")) not in declared
            or network.subnets != (topology.subnets[name],)
            or network.subnets6 != ((topology.subnets6[name],) if name in topology.subnets6 else ())
            or network.internal != declared[name].internal
            or network.gateway_unanswered != (name in dead_ends)
            or _stands_elsewhere(topology, observed, network, name)
            or (close_host and declared[name].internal and not network.host_closed and not network.overlay)
        )
    )


def _stands_elsewhere(topology: Topology, observed: Snapshot, network: ObservedNetwork, name: str) -> bool:
    """Whether nodes of the network stand on other members than the network itself."""
    members = members_of(topology, observed, name)
    return network.overlay != (len(members) > 1) or (len(members) == 1 and members != (network.member,))


def members_of(topology: Topology, observed: Snapshot, network: str) -> tuple[str, ...]:
    """The members on which a network has nodes; none where the lab is not split."""
    return observed.split.members_of(topology.scenario, network) if observed.split else ()


def is_host_closed(topology: Topology, observed: Snapshot) -> bool:
    """Whether the networks of the lab were closed to the engine's host. A dead end always is, and does not count."""
    return any(
        network.labels.get(labels.LAB) == topology.lab and network.host_closed and not network.gateway_unanswered
        for network in observed.networks
    )


def open_to_host(scenario: Scenario) -> tuple[str, ...]:
    """The networks whose nodes reach the engine's host in a lab that is closed to it, too.

    A network that lets nodes out leads to the host as well; on one with IPv6 the bridge answers at its own address.
    """
    return tuple(n for n, network in scenario.all_networks.items() if network.ipv6 or not network.internal)


def opened_to_host(plan: Plan) -> dict[str, bool]:
    """The networks that a plan makes and whose nodes reach the engine's host through the bridge's address.

    Each with whether `--close-host` would close it: not where IPv6 or a way out leads there, too.
    """
    made = [step.action for step in plan.steps if isinstance(step.action, MakeNetwork)]
    specs = {make.network: make.spec for make in made}
    return {
        name: spec.internal and spec.subnet6 is None
        for name, spec in specs.items()
        if spec.subnet6 or not (spec.host_closed or spec.gateway_unanswered or spec.overlay)
    }


def stale_network_steps(
    stale: tuple[ObservedNetwork, ...], observed: Snapshot, removals: Mapping[str, str]
) -> Iterator[Step]:
    for network in stale:
        name = network.labels.get(labels.NETWORK, network.name)
        leaving = []
        for container in observed.containers:
            if network.id not in container.addresses:
                continue
            # The engine takes no container from a network while it removes it.
            if container.id in removals:
                leaving.append(removals[container.id])
            else:
                node = container.labels.get(labels.NODE, container.name)
                leaving.append(f"leave:{name}:{node}")
                yield Step(leaving[-1], LeaveNetwork(node, container.id, network.id), f"the network {name} changed")
        yield Step(
            f"remove:network:{name}",
            RemoveNetwork(network.id, network.name),
            "the file changed",
            tuple(leaving),
        )


def address_conflicts(
    observed: Snapshot,
    desired_nodes: Sequence[DesiredNode],
    removals: Mapping[str, str],
    stale: tuple[ObservedNetwork, ...],
) -> Iterator[Step]:
    """Who stands at an address of another node leaves it before that one comes."""
    owners = {
        (attach.network_id, attach.address): desired_node.node
        for desired_node in desired_nodes
        for attach in desired_node.spec.attachments
    }
    gone = {network.id for network in stale}
    for desired_node in desired_nodes:
        container = observed.container_of(desired_node.node)
        if container is None or container.id in removals:
            continue
        for network_id, address in container.addresses.items():
            owner = owners.get((network_id, address), desired_node.node) if address else desired_node.node
            if owner != desired_node.node and network_id not in gone:
                action = LeaveNetwork(desired_node.node, container.id, network_id)
                yield Step(f"leave:{desired_node.node}:{network_id[:12]}", action, f"at the address of {owner}")


def _dead_ends(topology: Topology) -> frozenset[str]:
    """The internal networks that must not be internal to the engine (`NetworkSpec`)."""
    routed = routed_networks(topology)
    declared = topology.scenario.all_networks
    return frozenset(n for n, network in declared.items() if network.internal and (n in routed or network.ipv6))


def missing_networks(
    topology: Topology, observed: Snapshot, stale: tuple[ObservedNetwork, ...], *, close_host: bool
) -> Iterator[Step]:
    for name in topology.scenario.all_networks:
        existing = observed.network_of(name, topology.lab)
        if existing and existing not in stale:
            continue
        spec = network_spec(topology, observed, name, close_host=close_host)
        needs = (f"remove:network:{name}",) if existing else ()
        shows = " ".join(str(range_) for range_ in (spec.subnet, spec.subnet6) if range_)
        yield Step(f"network:{name}", MakeNetwork(spec, name), "changed" if existing else "missing", needs, shows)


def network_spec(topology: Topology, observed: Snapshot, name: str, *, close_host: bool = False) -> NetworkSpec:
    """A network as the engine is asked to make it."""
    network, subnet = topology.scenario.all_networks[name], topology.subnets[name]
    is_dead_end = name in _dead_ends(topology)
    members = members_of(topology, observed, name)
    spans = len(members) > 1
    return NetworkSpec(
        name=labels.name_of(topology.lab, name),
        subnet=subnet,
        gateway=gateway_of(subnet),
        internal=network.internal,
        labels=labels.of_lab(topology.lab, topology.scenario.name, observed.run, network=name),
        gateway_unanswered=is_dead_end,
        subnet6=topology.subnets6.get(name),
        host_closed=network.internal and (close_host or is_dead_end) and not spans,
        bridge="" if spans else _bridge(topology.lab, name, observed.run),
        member=_maker(observed, members),
        overlay=swarm_range(subnet) if spans else None,
    )


def _maker(observed: Snapshot, members: tuple[str, ...]) -> str:
    """The member that makes the network: its own, or the manager where it spans, or where it has no node."""
    if observed.split is None:
        return ""
    return members[0] if len(members) == 1 else observed.split.manager


def _bridge(lab: str, network: str, run: str) -> str:
    """The name of a bridge: at most 15 characters (IFNAMSIZ, netdevice(7)), another one for each network of a run."""
    digest = hashlib.sha256(f"{lab}/{network}/{run}".encode()).hexdigest()
    return f"{labels.BRIDGES}{digest[:12]}"
