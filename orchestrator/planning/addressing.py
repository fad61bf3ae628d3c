"""Who gets which address. What already stands keeps its place; the rest follows from the file alone.

So the same file gives the same addresses on each `up`, and a node added to the file moves no other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import count

from orchestrator.errors import RangeFull, RangeTaken, UsageInvalid
from orchestrator.model.attachment import Attachment
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.snapshot import ObservedContainer, Snapshot, UsedRange
from orchestrator.planning.swarm import swarm_range

PRIVATE = IPv4Network("192.168.0.0/16")  # RFC 1918
LOCAL6 = IPv6Network("fd00::/8")  # RFC 4193, section 3.1: 40 bits of one's own choice follow, then 16 of the subnet
# Nodes of a /24 begin at .10: the first addresses are easy to take for a router's.
FIRST = 10


def assign_addresses(lab: str, scenario: Scenario, observed: Snapshot, texts: Mapping[str, str]) -> Topology:
    """Fill in every subnet and every address.

    Raises RangeTaken if a subnet that the file names is in use, RangeFull if no range or no address is left.
    """
    subnets, members = _subnets(lab, scenario, observed), _members(scenario)
    attachments = [
        attachment for name in subnets for attachment in _attachments(name, subnets[name], members[name], observed)
    ]
    order = {node: position for position, node in enumerate(scenario.nodes)}
    subnets6 = _subnets6(lab, scenario, observed)
    ordered = tuple(
        replace(
            attachment,
            address6=address6_of(attachment.address, subnets[attachment.network], subnets6.get(attachment.network)),
        )
        for attachment in sorted(attachments, key=lambda attachment: order[attachment.node])
    )
    return Topology(lab, scenario, subnets, ordered, observed.secrets, texts, subnets6, observed.credentials)


def _subnets(lab: str, scenario: Scenario, observed: Snapshot) -> dict[str, IPv4Network]:
    chosen: dict[str, IPv4Network] = {}
    taken = _taken_by_others(lab, observed)
    declared = [n.subnet for n in scenario.all_networks.values() if n.subnet]
    for name, network in scenario.all_networks.items():
        own = [UsedRange(subnet, "another network of this scenario") for subnet in (*chosen.values(), *declared)]
        if network.subnet:
            chosen[name] = _declared_subnet(name, network.subnet, taken)
        else:
            chosen[name] = _free_subnet(lab, name, observed, (*taken, *own))
    return chosen


def _taken_by_others(lab: str, observed: Snapshot) -> tuple[UsedRange, ...]:
    """Ranges in use, but for those of this lab's own networks (and the routes that these bring to the host)."""
    ours = {s for n in observed.networks if n.labels.get(labels.LAB) == lab for s in n.subnets}
    by_networks = tuple(
        UsedRange(subnet, f"the network {network.name!r} of the engine")
        for network in observed.networks
        if network.labels.get(labels.LAB) != lab
        for subnet in network.subnets
    )
    return (*by_networks, *(t for t in observed.taken if t.range not in ours))


def _declared_subnet(name: str, subnet: IPv4Network, taken: Sequence[UsedRange]) -> IPv4Network:
    clash = next((t for t in taken if t.range.overlaps(subnet)), None)
    if clash:
        raise RangeTaken(
            f"the network {name!r} wants {subnet}, which is in use",
            why=f"{clash.range} belongs to {clash.by}",
            hint=f"name another `subnet` for {name!r}, or leave it out and wirelab takes a free one",
        )
    return subnet


def _free_subnet(lab: str, name: str, observed: Snapshot, taken: Sequence[UsedRange]) -> IPv4Network:
    for subnet in _candidates(lab, name, observed):
        if not any(t.range.overlaps(subnet) for t in taken):
            return subnet
    raise RangeFull(
        f"no private range is left for the network {name!r}",
        why=f"every /24 of {PRIVATE} overlaps a route of this host or a network of the engine",
        hint="wirelab ls, then wirelab down for a lab that you no longer need",
    )


def _candidates(lab: str, name: str, observed: Snapshot) -> Iterator[IPv4Network]:
    """First where the network is, or was by the labels of its containers; then from a place that the name gives."""
    standing = observed.network_of(name, lab)
    if standing:
        yield from standing.subnets
    for container in observed.containers:
        interface = container.places().get(name)
        if interface:
            yield interface.network
    ranges = tuple(PRIVATE.subnets(new_prefix=24))
    start = zlib.crc32(f"{lab}/{name}".encode()) % len(ranges)
    yield from (*ranges[start:], *ranges[:start])


def _members(scenario: Scenario) -> dict[str, dict[str, IPv4Address | None]]:
    """Network -> its nodes in the order of the file, each with the address that it declares there."""
    names = tuple(scenario.all_networks)
    declared: dict[str, dict[str, IPv4Address | None]] = {name: {} for name in names}
    for node, declaration in scenario.nodes.items():
        for network, attachment in declaration.attachments(names).items():
            declared[network][node] = attachment.address
    return declared


def _attachments(
    network: str, subnet: IPv4Network, members: Mapping[str, IPv4Address | None], observed: Snapshot
) -> Iterator[Attachment]:
    """Addresses on one network: those of the file, then those already given, then the lowest free ones."""
    kept = _kept_by_swarm(network, subnet, members, observed)
    given = {node: address for node, address in _given(network, subnet, members, observed).items() if not kept(address)}
    used = set(given.values())
    free = (address for address in _hosts(subnet) if address not in used and not kept(address))
    for node in members:
        address = given.get(node) or next(free, None)
        if address is None:
            raise RangeFull(
                f"the network {network!r} has no address left for the node {node!r}",
                why=f"{subnet} holds {subnet.num_addresses - 3} nodes; {len(members)} stand on it",
                hint=f"give {network!r} a larger subnet, for example a /24",
            )
        yield Attachment(node, network, address)


def _kept_by_swarm(
    network: str, subnet: IPv4Network, members: Mapping[str, IPv4Address | None], observed: Snapshot
) -> Callable[[IPv4Address], bool]:
    """Whether the Swarm takes an address of this network for itself, where the network spans members.

    Raises UsageInvalid where the file gives a node such an address.
    """
    if observed.split is None or len({observed.split.nodes[node] for node in members}) < 2:
        return lambda _address: False
    kept = swarm_range(subnet)
    for node, address in members.items():
        if address and address in kept:
            what = f"the node {node!r} cannot have the address {address}"
            why = f"the network {network!r} spans members, and the Swarm takes addresses of {kept} for itself"
            raise UsageInvalid(what, why=why, hint=f"give {node!r} an address below {kept[0]}, or none")
    return lambda address: address in kept


def _given(
    network: str, subnet: IPv4Network, members: Mapping[str, IPv4Address | None], observed: Snapshot
) -> dict[str, IPv4Address]:
    given = {node: address for node, address in members.items() if address}
    used = set(given.values())
    for node in members:
        before = _before(observed.container_of(node), network)
        if before and before in subnet and before not in used and node not in given:
            given[node] = before
            used.add(before)
    return given


def _before(container: ObservedContainer | None, network: str) -> IPv4Address | None:
    interface = container.places().get(network) if container else None
    return interface.ip if interface else None


def gateway_of(subnet: IPv4Network) -> IPv4Address:
    """The first host address: it is the engine's."""
    return subnet[1]


def address6_of(address: IPv4Address, subnet: IPv4Network, subnet6: IPv6Network | None) -> IPv6Address | None:
    """The IPv6 address that goes with an IPv4 address: 192.168.7.10 and fd…::10, so that people see which is whose."""
    if subnet6 is None:
        return None
    number = int(address) - int(subnet.network_address)
    return subnet6[int(str(number), 16)]


def _subnets6(lab: str, scenario: Scenario, observed: Snapshot) -> dict[str, IPv6Network]:
    """A /64 for each network that wants IPv6: the one that stands, otherwise one that the name gives and none uses."""
    others = [n for n in observed.networks if n.labels.get(labels.LAB) != lab]
    ours = {s for n in observed.networks if n.labels.get(labels.LAB) == lab for s in n.subnets6}
    # Our own networks bring routes to the host: one to the range, and one to the gateway's address alone.
    routes = [t.range for t in observed.taken if isinstance(t.range, IPv6Network)]
    foreign = [route for route in routes if not any(route.subnet_of(own) for own in ours)]
    taken = [*(s for n in others for s in n.subnets6), *foreign]
    chosen: dict[str, IPv6Network] = {}
    for name, network in scenario.all_networks.items():
        if network.ipv6:
            used = (*taken, *chosen.values())
            free = (s for s in _candidates6(lab, name, observed) if not any(subnet.overlaps(s) for subnet in used))
            chosen[name] = next(free)
    return chosen


def _candidates6(lab: str, name: str, observed: Snapshot) -> Iterator[IPv6Network]:
    standing = observed.network_of(name, lab)
    if standing:
        yield from standing.subnets6
    for number in count():
        digest = hashlib.sha256(f"{lab}/{name}/{number}".encode()).digest()
        chosen = LOCAL6.network_address.packed[:1] + digest[:7]
        yield IPv6Network((chosen + bytes(8), 64))


def _hosts(subnet: IPv4Network) -> Iterator[IPv4Address]:
    """Host addresses without the gateway's, those from FIRST on first."""
    first = FIRST if subnet.num_addresses > 4 * FIRST else 2
    last = subnet.num_addresses - 1
    yield from (subnet[i] for i in (*range(first, last), *range(2, first)))
