"""A scenario with its places filled in: which lab, which subnets, which addresses, which secrets.

Everything that follows from a declaration (files, environments, questions to ask) is a function of this value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from orchestrator.model.node import Node
from orchestrator.model.scenario import Scenario
from orchestrator.model.values import Secret


@dataclass(frozen=True)
class Place:
    """One address of one node."""

    node: str
    network: str
    address: IPv4Address


@dataclass(frozen=True)
class Topology:
    """`subnets` by network; `places` in the order of declaration; `secrets` by node; `seeds` by file name."""

    lab: str
    scenario: Scenario
    subnets: Mapping[str, IPv4Network]
    places: tuple[Place, ...]
    secrets: Mapping[str, Secret]
    texts: Mapping[str, str]

    def node(self, name: str) -> Node:
        return self.scenario.node(name)

    def name_of(self, node: str) -> str:
        """The node's name in the lab's DNS, without the last dot."""
        return f"{node}.{self.scenario.domain}"

    def places_of(self, node: str) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.node == node)

    def addresses(self, node: str) -> tuple[IPv4Address, ...]:
        return tuple(place.address for place in self.places_of(node))

    def address_for(self, asker: str, target: str) -> IPv4Address:
        """The target's address on the first network that it shares with the asker; otherwise its first address."""
        shared = {place.network for place in self.places if place.node == asker}
        near = [p.address for p in self.places if p.node == target and p.network in shared]
        return near[0] if near else self.addresses(target)[0]

    def told_on(self, network: str | None, target: str) -> tuple[IPv4Address, ...]:
        """The addresses to which the target's name leads when it is asked from a network: the one there, or all."""
        there = tuple(place.address for place in self.places_of(target) if place.network == network)
        return there or self.addresses(target)

    def answers(self, asker: str, target: str) -> tuple[IPv4Address, ...]:
        """The addresses that the asker learns for the target: as told on the network of its DNS server."""
        own = [place.network for place in self.places_of(asker)]
        for server in self.with_role("dns"):
            networks = {place.network for place in self.places_of(server)}
            shared = next((network for network in own if network in networks), None)
            if shared:
                return self.told_on(shared, target)
        return self.addresses(target)

    def owner(self, address: IPv4Address | str) -> str | None:
        """The node that bears this address."""
        wanted = str(address)
        return next((place.node for place in self.places if str(place.address) == wanted), None)

    def with_role(self, role: str) -> tuple[str, ...]:
        return tuple(name for name, node in self.scenario.nodes.items() if node.role == role)
