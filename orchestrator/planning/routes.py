"""Which way each node knows to the networks behind routers. Pure.

A node on a network with a router is given a route to each network that routers reach from there, by the fewest routers
(breadth first; the router that the file declares first where two are as near). It is given no other way: the default
route that the engine sets is taken out, so that "no way" is said at once (ENETUNREACH, connect(2)).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology
from orchestrator.planning.places import gateway_of

ANYWHERE = IPv4Network("0.0.0.0/0")


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
    return frozenset(place.network for name in routers(topology) for place in topology.places_of(name))


def routes_of(topology: Topology, node: str) -> tuple[Route, ...] | None:
    """The routes through others that the node must have, and no more; None where no router is near: it is left alone.

    Of `internal: false` networks the way out is kept.
    """
    own = [place.network for place in topology.places_of(node)]
    if not routed_networks(topology).intersection(own):
        return None
    allowed = topology.node(node).routes
    ways = _ways(topology, node, own)
    found = [Route(topology.subnets[to], via) for to, via in ways.items() if allowed is None or to in allowed]
    declared = topology.scenario.all_networks
    out = [Route(ANYWHERE, gateway_of(topology.subnets[name])) for name in own if not declared[name].internal]
    return tuple(sorted((*found, *out[:1])))


def _ways(topology: Topology, node: str, own: Sequence[str]) -> dict[str, IPv4Address]:
    """Network -> the first router on the way to it, by its address on a network of the node."""
    near = _crossings(topology, node)
    ways: dict[str, IPv4Address] = {}
    # What is reached so far, and through which first router; an own network needs none.
    front: list[tuple[str, IPv4Address | None]] = [(name, None) for name in own]
    while front:
        farther: list[tuple[str, IPv4Address | None]] = []
        for here, first in front:
            for address, others in near.get(here, ()):
                for there in others:
                    if there not in ways and there not in own:
                        ways[there] = first or address
                        farther.append((there, ways[there]))
        front = farther
    return ways


def _crossings(topology: Topology, but: str) -> dict[str, list[tuple[IPv4Address, list[str]]]]:
    """Network -> the routers there, each by its address and the other networks on which it stands."""
    found: dict[str, list[tuple[IPv4Address, list[str]]]] = {}
    for router in routers(topology):
        places = topology.places_of(router)
        for place in places if router != but else ():
            others = [other.network for other in places if other.network != place.network]
            found.setdefault(place.network, []).append((place.address, others))
    return found


def told(routes: Iterable[Route]) -> str:
    """Routes as one text, for plans and people."""
    return ", ".join(map(str, routes)) or "none"
