"""What stands in the way of a node that wirelab did not make: somebody changed its network by hand. Pure.

The planner mends what the engine and wirelab keep themselves. What is inside the network of a node goes when the node
starts anew, and nothing else removes all of it: so it is named, with the command that does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from orchestrator.model.attachment import Attachment
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import desired, role_of
from orchestrator.planning.injected_faults import effect_of
from orchestrator.planning.routes import routes_of
from orchestrator.planning.seen_network import SeenNetwork
from orchestrator.planning.snapshot import Snapshot
from orchestrator.quick_dataclass import dataclass

Row = Mapping[str, Any]
# The routes that come with an address (ip-route(8)).
KERNEL_TYPES = {"local", "broadcast", "multicast", "anycast"}
# Every machine must take packets of so many bytes over IPv4 (RFC 791, section 3.2).
LEAST_MTU = 576


@dataclass(frozen=True)
class Obstacle:
    """Something in a node that wirelab did not make, as a clause about the node."""

    node: str
    text: str

    def __str__(self) -> str:
        return f"{self.node} {self.text}"


def obstacles_in(topology: Topology, observed: Snapshot, node: str, seen: SeenNetwork) -> tuple[Obstacle, ...]:
    """What is otherwise in the node's network than it was at its start, but for the effect of faults that are in."""
    if not seen.can_see:
        return ()
    wanted = desired(topology, observed, node, effect_of(topology, observed.faults))
    ends = [end for end in topology.attachments_of(node) if end.network not in wanted.detached]
    texts = [
        *_filtered(seen, blocks=bool(observed.blocked_in(node))),
        *_interfaces(topology, node, ends, seen),
        *_routes(topology, node, ends, seen),
        *_neighbours_and_queues(seen),
        *_forwarding(seen, forwards=role_of(topology.node(node)).forwards),
    ]
    return tuple(Obstacle(node, text) for text in dict.fromkeys(texts))


def resolver_obstacle(node: str, wanted: str, seen: str) -> tuple[Obstacle, ...]:
    """Another file where the node should see its /etc/resolv.conf: the file on this machine is the planner's."""
    lines = "; ".join(line for line in seen.splitlines() if line.strip())
    text = f"has another /etc/resolv.conf than wirelab gave it: {lines or 'it is empty'}"
    return () if seen.strip() == wanted.strip() else (Obstacle(node, text),)


def _filtered(seen: SeenNetwork, *, blocks: bool) -> Iterator[str]:
    for rule in seen.filter_rules:
        yield f"has a packet filter rule that wirelab did not make: {rule}"
    if seen.has_own_table and not blocks:
        yield "has the packet filter rules of a cut, although no cut is in: table inet wirelab"
    if blocks and not seen.has_own_table:
        yield "has lost the packet filter rules of the cut that is in: there is no table inet wirelab"


def _interfaces(topology: Topology, node: str, ends: list[Attachment], seen: SeenNetwork) -> Iterator[str]:
    given = {str(address) for end in ends for address in (end.address, end.address6) if address}
    count = len(topology.attachments_of(node))
    for link in seen.rows("addresses"):
        name, flags = str(link.get("ifname")), link.get("flags") or ()
        addresses = [row for row in link.get("addr_info") or () if row and not _is_of_kernel(row)]
        own = given & {str(row.get("local")) for row in addresses}
        yield from (
            f"has the address {row.get('local')}/{row.get('prefixlen')} on {name}, which wirelab did not give it"
            for row in addresses
            if row.get("local") not in given
        )
        given -= own
        if own:
            yield from _own_interface(name, flags, count)
            if (mtu := int(link.get("mtu") or LEAST_MTU)) < LEAST_MTU:
                yield f"has its interface {name} for packets of at most {mtu} bytes (its MTU)"
        elif "UP" in flags and "LOOPBACK" not in flags and not addresses and ends:
            yield f"has an interface without an address: {name}"
        elif "LOOPBACK" in flags and "UP" not in flags:
            yield f"has its interface {name} down"
    yield from (f"does not have its address {address}" for address in sorted(given))


def _own_interface(name: str, flags: Any, count: int) -> Iterator[str]:
    if "UP" not in flags:
        yield f"has its interface {name} down"
    if "NOARP" in flags:
        yield f"has its interface {name} without ARP"
    number = name.removeprefix("eth")
    if name.startswith("eth") and number.isdecimal() and int(number) >= count:
        yield f"has the interface {name} since it was taken from its network and came back; at its start it was " + (
            "eth0" if count == 1 else f"one of eth0 to eth{count - 1}"
        )


def _is_of_kernel(row: Row) -> bool:
    """Whether an interface has this address by itself: loopback's, and that of IPv6 on a link (RFC 4291)."""
    try:
        address = ip_address(str(row.get("local")))
    except ValueError:
        return True
    return address.is_link_local or str(address) in ("127.0.0.1", "::1")


def _routes(topology: Topology, node: str, ends: list[Attachment], seen: SeenNetwork) -> Iterator[str]:
    both = (topology.subnets, topology.subnets6)
    own = [subnet for subnets in both for end in ends if (subnet := subnets.get(end.network))]
    planned = {str(route.via) for route in routes_of(topology).get(node, ())}
    rows = [row for row in seen.rows("routes", "routes6") if row.get("type", "unicast") not in KERNEL_TYPES]
    for row in rows:
        by_engine = row.get("dst") == "default" and _is_of_engine(topology, own, str(row.get("gateway", "")))
        if row.get("protocol") not in ("kernel", "ra") and row.get("gateway") not in planned and not by_engine:
            yield f"has a route that wirelab did not set: {_route_text(row)}"
    connected = {str(row.get("dst")) for row in rows if row.get("protocol") == "kernel"}
    for subnet in own:
        if str(subnet) not in connected:
            yield f"has no route to its own network {subnet}"
    leads_out = any(not topology.scenario.all_networks[end.network].internal for end in ends)
    if leads_out and not any(row.get("dst") == "default" for row in seen.rows("routes")):
        yield "has no default route, although its network leads out"
    yield from (f"has a routing rule that wirelab did not set: {rule}" for rule in seen.routing_rules)


def _is_of_engine(topology: Topology, subnets: Sequence[IPv4Network | IPv6Network], gateway: str) -> bool:
    """Whether an engine gives a node this gateway: an address of its networks that no node has."""
    try:
        address = ip_address(gateway)
    except ValueError:
        return False
    return topology.owner(gateway) is None and any(address in subnet for subnet in subnets)


def _route_text(row: Row) -> str:
    words = [str(row.get("type", "")), str(row.get("dst"))]
    words += [
        f"{word} {row[key]}" for key, word in (("gateway", "via"), ("dev", "dev"), ("table", "table")) if key in row
    ]
    return " ".join(word for word in words if word)


def _neighbours_and_queues(seen: SeenNetwork) -> Iterator[str]:
    for row in seen.rows("neighbours"):
        yield f"has a fixed hardware address for {row.get('dst')} that wirelab did not set: {row.get('lladdr')}"
    for kind, interface in seen.queues:
        yield f"has a queueing rule on {interface} that wirelab did not make: {kind} (tc)"


def _forwarding(seen: SeenNetwork, *, forwards: bool) -> Iterator[str]:
    value = seen.texts.get("forwarding", "")
    if value and value != str(int(forwards)):
        yield f"has net.ipv4.ip_forward = {value}, and wirelab set {int(forwards)}"
