"""A scenario with its addresses filled in: which lab, which subnets, which addresses, which secrets.

Everything that follows from a declaration (files, environments, questions to ask) is a function of this value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from orchestrator.model.attachment import AnyAddress, Attachment, Version
from orchestrator.model.credentials import Credentials
from orchestrator.model.node import Listener, Node
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.dns.servers import default_resolvers, forwarders, record_names, serving
from orchestrator.model.scenario import Scenario
from orchestrator.model.secret import Secret
from orchestrator.quick_dataclass import dataclass

# Placeholders for the asker itself.
LOOPBACKS = {"loopback": "127.0.0.1", "loopback.ipv6": "::1"}


@dataclass(frozen=True)
class Topology:
    """`subnets` by network, `subnets6` for those that have IPv6; `attachments` in the order of declaration;
    `secrets` by node; `texts` by file name; `credentials` is what the lab made to prove who its machines are.

    Where a name is asked for, that of a node with replicas stands for all of its machines.
    """

    lab: str
    scenario: Scenario
    subnets: Mapping[str, IPv4Network]
    attachments: tuple[Attachment, ...]
    secrets: Mapping[str, Secret]
    texts: Mapping[str, str]
    subnets6: Mapping[str, IPv6Network] = field(default_factory=dict)
    credentials: Credentials = field(default_factory=Credentials)

    def node(self, name: str) -> Node:
        return self.scenario.node(name)

    def listeners_of(self, node: str) -> tuple[Listener, ...]:
        """Where a node listens: what it declares, otherwise what its role says."""
        declared = self.scenario.nodes[node]
        return ROLES[declared.role].listeners_of(declared)

    def name_of(self, node: str) -> str:
        """The node's name in the lab's DNS, without the last dot."""
        return f"{node}.{self.scenario.domain}"

    def absolute_name(self, asker: str, host: str) -> str:
        """The name that is meant where somebody writes `host`: of those that the asker's C library tries, the first
        that a node has (resolv.conf(5): search, ndots); where none has, the first that a record has, or of all."""
        tried = self.names_tried(asker, host)
        nodes = {self.name_of(node) for node in self.names}
        for known in (nodes, record_names(self.scenario)):
            if known_name := next((candidate for candidate in tried if candidate in known), ""):
                return known_name
        return tried[0]

    def names_tried(self, asker: str, host: str) -> tuple[str, ...]:
        """The whole names that the asker's C library tries for what somebody writes, in its order.

        In small letters, which are the same name (RFC 4343), and without the last dot.
        """
        name = host.lower()
        if name.endswith(".") or name == "localhost":
            return (name.removesuffix("."),)
        completed = [f"{name}.{domain}" for domain in self.search_list(asker)]
        options = self.node(asker).resolv_options
        first = name.count(".") >= (1 if options is None or options.ndots is None else options.ndots)
        return tuple([name, *completed] if first else [*completed, name])

    def search_list(self, node: str) -> tuple[str, ...]:
        """The domains with which the node completes short names."""
        declared = self.node(node).search
        return (self.scenario.domain,) if declared is None else declared

    def hosts_of(self, node: str) -> Mapping[str, tuple[str, ...]]:
        """What the author wrote into the node's hosts file: name in small letters -> addresses."""
        hosts: dict[str, tuple[str, ...]] = {}
        for name, addresses in self.node(node).hosts.items():
            listed = (addresses,) if isinstance(addresses, str) else addresses
            filled = (self.placeholder(node, text[2:-1]) if text.startswith("${") else text for text in listed)
            hosts[name.lower()] = tuple(address for address in filled if address)
        return hosts

    @property
    def names(self) -> tuple[str, ...]:
        """What has a name in the lab's DNS: every machine, then every group of replicas."""
        return (*self.scenario.nodes, *self.scenario.groups)

    def memory_limit(self, node: str) -> int:
        """How much memory a node may use, in MiB."""
        return (self.node(node).limits or self.scenario.roles[node].limits).memory

    def attachments_of(self, node: str) -> tuple[Attachment, ...]:
        return self._attachments_by_name.get(node, ())

    @cached_property
    def _attachments_by_name(self) -> Mapping[str, tuple[Attachment, ...]]:
        by_name: dict[str, list[Attachment]] = {}
        for attachment in self.attachments:
            by_name.setdefault(attachment.node, []).append(attachment)
        for group, machines in self.scenario.groups.items():
            by_name[group] = [attachment for machine in machines for attachment in by_name.get(machine, ())]
        return {name: tuple(attachments) for name, attachments in by_name.items()}

    def addresses(self, node: str) -> tuple[IPv4Address, ...]:
        return tuple(attachment.address for attachment in self.attachments_of(node))

    def addresses_of(self, node: str) -> tuple[AnyAddress, ...]:
        """All of the node's addresses, a network after the other, IPv4 first."""
        return tuple(
            address
            for attachment in self.attachments_of(node)
            for address in (*attachment.addresses(4), *attachment.addresses(6))
        )

    def address_for(self, asker: str, target: str) -> IPv4Address:
        """The target's address on the first network that it shares with the asker, or that is the fewest routers away.

        Its first address where no way leads to it.
        """
        return self._nearest(target, {attachment.network for attachment in self.attachments_of(asker)})[0].address

    def address6_for(self, asker: str, target: str) -> IPv6Address | None:
        """The target's IPv6 address on the first such network that it shares with the asker, otherwise its first."""
        shared = {attachment.network for attachment in self.attachments_of(asker)}
        own = [attachment for attachment in self.attachments_of(target) if attachment.address6]
        return next((p.address6 for p in own if p.network in shared), own[0].address6 if own else None)

    def placeholder(self, asker: str, word: str) -> str | None:
        """What stands for `${word}` in a text about the asker; None where the word names nothing.

        `NODE` and `NODE.NETWORK` are addresses, `.ipv6` after either is the IPv6 address, `NODE.name` the name in DNS.
        """
        node, _, rest = word.partition(".")
        if node not in self.scenario.nodes:
            return LOOPBACKS.get(word)
        if rest == "name":
            return self.name_of(node)
        network, _, version = rest.rpartition(".") if rest.endswith(".ipv6") else (rest, "", "")
        if rest in ("", "ipv6"):
            address6 = self.address6_for(asker, node) if rest else None
            return str(address6) if address6 else None if rest else str(self.address_for(asker, node))
        ends = (attachment for attachment in self.attachments_of(node) if attachment.network == network)
        addresses = (end.address6 if version else end.address for end in ends)
        return next((str(address) for address in addresses if address), None)

    def addresses_from(self, networks: Sequence[str], target: str, version: Version = 4) -> tuple[AnyAddress, ...]:
        """The addresses to which the target's name leads for an asker on these networks, which asks from the first.

        The one on the first, otherwise those on the other ones, or the nearest ones. All of them where no router leads
        to any. A node that stands there without IPv6 is told to have none.
        """
        own = self.attachments_of(target)
        first = tuple(attachment for attachment in own if attachment.network in networks[:1])
        attachments = first or self._nearest(target, set(networks))
        return tuple(address for attachment in attachments for address in attachment.addresses(version))

    def _nearest(self, target: str, networks: set[str]) -> tuple[Attachment, ...]:
        """The target's ends on these networks, or on those the fewest routers away; all if no way leads there."""
        own = self.attachments_of(target)
        front, known = networks, set(networks)
        while front:
            there = tuple(attachment for attachment in own if attachment.network in front)
            if there:
                return there
            front = {name for joined in self._joined if joined & front for name in joined} - known
            known |= front
        return own

    @cached_property
    def _joined(self) -> tuple[frozenset[str], ...]:
        """The networks of each router."""
        routers = [name for name, node in self.scenario.nodes.items() if ROLES[node.role].forwards]
        return tuple(frozenset(attachment.network for attachment in self.attachments_of(name)) for name in routers)

    def resolvers_of(self, node: str) -> tuple[str, ...]:
        """The DNS servers that a node asks, in order."""
        declared = self.node(node).resolvers
        return self._default_resolvers if declared is None else declared

    @cached_property
    def _default_resolvers(self) -> tuple[str, ...]:
        return default_resolvers(self.scenario)

    def answers(self, asker: str, target: str, version: Version = 4) -> tuple[AnyAddress, ...]:
        """The addresses that the asker learns for the target: as told on the network of its DNS server."""
        resolvers = self.resolvers_of(asker)
        networks = self.asked_from(asker, resolvers[0]) if resolvers else ()
        return self.addresses_from(networks, target, version)

    def asked_from(self, asker: str, server: str) -> tuple[str, ...]:
        """The networks of who asks for the lab's domain for this asker: the last resolver on the way, or itself.

        The first is the one from which it asks.
        """
        on_the_way = {asker}
        domain_servers = serving(self.scenario, self.scenario.domain)
        while server not in domain_servers and server not in on_the_way:
            on_the_way.add(server)
            asker, server = (
                server,
                next(iter((*forwarders(self.scenario, server, self.scenario.domain), *domain_servers)), server),
            )
        own, there = (tuple(attachment.network for attachment in self.attachments_of(node)) for node in (asker, server))
        first = next((network for network in own if network in there), own[0])
        return (first, *(network for network in own if network != first))

    def password_files(self, node: str) -> dict[str, str]:
        """The node's files with passwords, and whose each is: `password` of the first that it is or uses, for each
        further one a file with its name."""
        known = (node, *self.node(node).uses)
        holders = [name for name in known if ROLES[self.scenario.nodes[name].role].secret]
        return {f"password-{holder}" if at else "password": holder for at, holder in enumerate(holders)}

    def owner(self, address: AnyAddress | str) -> str | None:
        """The node that bears this address."""
        return self._owners.get(str(address))

    @cached_property
    def _owners(self) -> Mapping[str, str]:
        return {
            str(address): attachment.node
            for attachment in self.attachments
            for address in (*attachment.addresses(4), *attachment.addresses(6))
        }

    @cached_property
    def pointers(self) -> tuple[tuple[str, str], ...]:
        """(reverse name, node) of each address (RFC 1035, section 3.5; RFC 3596, section 2.5)."""
        nodes = self.scenario.nodes
        return tuple((address.reverse_pointer, node) for node in nodes for address in self.addresses_of(node))

    def servers_of(self, protocol: str) -> tuple[str, ...]:
        return self.scenario.servers_of(protocol)
