"""Which way each node knows to the networks behind routers. Pure.

A node on a network with a router is given a route to each network that routers reach from there, by the fewest routers
(breadth first; the router that the file declares first where two are as near). It is given no other way: the default
route that the engine sets is taken out, so that "no way" is said at once (ENETUNREACH, connect(2)).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import permutations

from orchestrator.model.attachment import Attachment
from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import gateway_of

ANYWHERE = IPv4Network("0.0.0.0/0")
Crossings = dict[str, list[tuple[str, IPv4Address, str]]]


@dataclass(frozen=True, order=True)
class Route:
    """Packets for `to` are handed to `via`."""

    to: IPv4Network
    via: IPv4Address

    def __str__(self) -> str:
        return f"{'default' if self.to == ANYWHERE else self.to} via {self.via}"


def routers(topology: Topology) -> tuple[str, ...]:
    """The nodes that pass packets on."""
    return tuple(name for name, node in topology.scenario.nodes.items() if ROLES[node.role].forwards)


def routed_networks(topology: Topology) -> frozenset[str]:
    """The networks on which a router stands."""
    return frozenset(attachment.network for name in routers(topology) for attachment in topology.attachments_of(name))


def routes_of(topology: Topology) -> dict[str, tuple[Route, ...]]:
    """Node -> the routes through others that it must have, and no more; no entry where no router is near.

    Of `internal: false` networks the way out is kept.
    """
    routed = routed_networks(topology)
    if not routed:
        return {}
    attachments: dict[str, list[Attachment]] = {}
    for attachment in topology.attachments:
        attachments.setdefault(attachment.node, []).append(attachment)
    crossings = _crossings(topology)
    return {
        node: _routes(topology, node, own, crossings)
        for node, own in attachments.items()
        if any(attachment.network in routed for attachment in own)
    }


def _routes(
    topology: Topology, node: str, attachments: Sequence[Attachment], crossings: Crossings
) -> tuple[Route, ...]:
    own = [attachment.network for attachment in attachments]
    allowed = topology.node(node).routes
    ways = _ways(node, own, crossings)
    routes = [Route(topology.subnets[to], via) for to, via in ways.items() if allowed is None or to in allowed]
    declared = topology.scenario.all_networks
    out = [Route(ANYWHERE, gateway_of(topology.subnets[name])) for name in own if not declared[name].internal]
    return tuple(sorted((*routes, *out[:1])))


def _ways(node: str, own: Sequence[str], crossings: Crossings) -> dict[str, IPv4Address]:
    """Network -> the first router on the way to it, by its address on a network of the node."""
    ways: dict[str, IPv4Address] = {}
    # What is reached and not yet left, the nearest first, and through which first router; an own network needs none.
    front: deque[tuple[str, IPv4Address | None]] = deque((name, None) for name in own)
    while front:
        here, first = front.popleft()
        for router, address, there in crossings.get(here, ()):
            if router != node and there not in ways and there not in own:
                ways[there] = first or address
                front.append((there, ways[there]))
    return ways


def _crossings(topology: Topology) -> Crossings:
    """Network -> the ways out of it: a router, its address there, and another network on which it stands."""
    crossings: Crossings = {}
    for router in routers(topology):
        for here, there in permutations(topology.attachments_of(router), 2):
            crossings.setdefault(here.network, []).append((router, here.address, there.network))
    return crossings


def read_table(text: str) -> tuple[str, ...]:
    """The routes through others in a node's /proc/net/route (proc(5)), as `str(Route)` says them, sorted."""
    routes = []
    for row in text.splitlines()[1:]:
        columns = row.split()
        to, via, mask = (IPv4Address(struct.pack("<L", int(columns[i], 16))) for i in (1, 2, 7))
        if int(via):
            routes.append(Route(IPv4Network(f"{to}/{mask}"), via))
    return tuple(map(str, sorted(routes)))


def route_arguments(routes: Iterable[Route]) -> tuple[str, ...]:
    """The routes as the program `routes` of the images takes them."""
    return tuple(f"{'default' if route.to == ANYWHERE else route.to}={route.via}" for route in routes)


def routes_text(routes: Iterable[object]) -> str:
    """Routes as one text, for plans and people."""
    return ", ".join(map(str, routes)) or "none"
