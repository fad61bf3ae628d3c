"""The lab as a picture: what is in it, and as text for Mermaid and Graphviz. The same input gives the same bytes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.roles.dns.servers import asked_by, delegated_by
from orchestrator.model.topology import Topology
from orchestrator.planning.routes import routers
from orchestrator.rendering.quantities import counted
from orchestrator.traffic.roles import Relation, TrafficRoles

COLOURS = {"ready": "#c8e6c9", "starting": "#fff9c4", "stopped": "#ffcdd2", "paused": "#e1bee7", "missing": "#eeeeee"}

# uses: declared. asks: asks a DNS server for names. delegates: a DNS server points to one below it; nothing crosses the
# wire. seen: crossed the wire without being declared. Traffic of the checks makes no arrow of its own.
How = Literal["uses", "asks", "delegates", "seen"]
# Arrows to DNS servers: one from nearly every node. With more than these they would hide all others.
MOST_ASKS = 8
# Ports that an arrow names where there are many: a picture is as wide as its longest label.
MOST_PORTS = 3
DNS_PORT = 53  # RFC 1035, section 4.2


@dataclass(frozen=True)
class Network:
    """A network as pictures show it: its name, and its ranges of addresses."""

    name: str
    ranges: tuple[str, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        return (self.name, *self.ranges)


@dataclass(frozen=True)
class Machine:
    """A node as pictures show it; `attachments` are its networks, each with the node's addresses on it.

    `state` is empty if the lab is down, `note` if there is nothing to say.
    """

    name: str
    role: str
    attachments: tuple[tuple[str, tuple[str, ...]], ...]
    state: str
    note: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for _, addresses in self.attachments for address in addresses)

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(network for network, _ in self.attachments)


@dataclass(frozen=True)
class Arrow:
    """From a client to its server. `label` says over which ports, and what was seen of it.

    `path` has the networks that it crosses, with the routers between them: network, router, network. It is empty if
    no way leads there. `missed` says that it is declared, and that a capture shows no connection.
    """

    client: str
    server: str
    how: How
    label: str
    path: tuple[str, ...] = ()
    missed: bool = False

    @property
    def kind(self) -> str:
        """How it is drawn."""
        return "missed" if self.missed else self.how


@dataclass(frozen=True)
class Picture:
    """What a picture of a lab shows."""

    title: str
    networks: tuple[Network, ...]
    machines: tuple[Machine, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True)
class SeenTraffic:
    """What a capture showed: the traffic of users and programs, and that of the checks."""

    users: TrafficRoles
    checks: TrafficRoles = field(default_factory=lambda: TrafficRoles(()))


def make_picture(topology: Topology, states: Mapping[str, str], traffic: SeenTraffic | None = None) -> Picture:
    """The lab as declared, its nodes in these states, its arrows with the traffic that was seen, if it was captured."""
    arrows = list(_arrows(topology, traffic))
    asks = [arrow for arrow in arrows if arrow.how == "asks"]
    notes: dict[str, str] = {}
    if len(asks) > MOST_ASKS:
        arrows = [arrow for arrow in arrows if arrow.how != "asks"]
        counts = Counter(arrow.server for arrow in asks)
        verb = "asked by" if traffic else "serves"
        notes = {server: f"{verb} {counted(count, 'node')}" for server, count in counts.items()}
    for arrow in (arrow for arrow in arrows if not arrow.path):
        notes[arrow.client] = f"knows no way to {arrow.server}"
    machines = [_machine(topology, node, states.get(node, ""), notes.get(node, "")) for node in topology.scenario.nodes]
    title = f"{topology.lab}: {topology.scenario.title}"
    return Picture(title, tuple(_networks(topology)), tuple(machines), tuple(arrows))


def _machine(topology: Topology, node_name: str, state: str, note: str) -> Machine:
    attachments: dict[str, tuple[str, ...]] = {}
    for attachment in topology.attachments_of(node_name):
        own = tuple(map(str, (*attachment.addresses(4), *attachment.addresses(6))))
        attachments[attachment.network] = attachments.get(attachment.network, ()) + own
    return Machine(node_name, topology.scenario.nodes[node_name].role, tuple(attachments.items()), state, note)


def _networks(topology: Topology) -> Iterator[Network]:
    for name, subnet in topology.subnets.items():
        subnet6 = topology.subnets6.get(name)
        yield Network(name, (str(subnet), str(subnet6)) if subnet6 else (str(subnet),))


def path_of(topology: Topology, client: str, server: str) -> tuple[str, ...]:
    """The networks and routers between two nodes, the fewest routers; empty if the client knows no way."""
    there = {attachment.network for attachment in topology.attachments_of(server)}
    routes = topology.scenario.nodes[client].routes
    ways: deque[tuple[str, ...]] = deque((attachment.network,) for attachment in topology.attachments_of(client))
    known = {way[-1] for way in ways}
    while ways:
        way = ways.popleft()
        if way[-1] in there:
            return way if len(way) == 1 or routes is None or way[-1] in routes else ()
        for router in routers(topology):
            networks = [attachment.network for attachment in topology.attachments_of(router)]
            if way[-1] in networks:
                ways.extend((*way, router, network) for network in networks if network not in known)
                known.update(networks)
    return ()


def _arrows(topology: Topology, traffic: SeenTraffic | None) -> Iterator[Arrow]:
    """What is declared, in the order of the file, then what was only seen; no DNS server that was not asked."""
    by_users = _relations(topology, traffic.users if traffic else None)
    by_checks = _relations(topology, traffic.checks if traffic else None)
    for (client, server), how in _declared(topology).items():
        pair, path = (client, server), path_of(topology, client, server)
        if relations := by_users.pop(pair, None):
            yield Arrow(client, server, how, _label_of(how, relations), path)
        elif relations := by_checks.get(pair):
            yield Arrow(client, server, how, f"{_label_of(how, relations)} (by checks)", path)
        elif how == "delegates":
            yield Arrow(client, server, how, "delegates", path)
        elif how != "asks" or traffic is None:
            label = _missed_words(topology, pair, how, traffic)
            yield Arrow(client, server, how, label, path, missed=traffic is not None)
    for (client, server), relations in by_users.items():
        # Where delegation leads a resolver, no file says; to ask a DNS server needs no declaration.
        is_dns_server = server in topology.servers_of(ApplicationProtocol.DNS)
        only_dns = is_dns_server and all(relation.port == DNS_PORT for relation in relations)
        how = "asks" if only_dns else "seen"
        yield Arrow(client, server, how, _seen_words(relations), path_of(topology, client, server))


def _label_of(how: How, relations: list[Relation]) -> str:
    return f"delegates; {_seen_words(relations)}" if how == "delegates" else _seen_words(relations)


def _missed_words(topology: Topology, pair: tuple[str, str], how: How, traffic: SeenTraffic | None) -> str:
    """Over which ports nothing was seen; and whether somebody tried, if traffic was captured."""
    ports = _port_words(topology, pair[1]) if how == "uses" else ""
    if traffic is None:
        return ports
    relations = (*traffic.users.relations, *traffic.checks.relations)
    tries = sum(relation.refused for relation in relations if (relation.client, relation.server) == pair)
    return ", ".join(filter(None, (ports, f"{counted(tries, 'try', 'tries')} in vain" if tries else "not seen")))


def _declared(topology: Topology) -> dict[tuple[str, str], How]:
    """Every declared use, every node's DNS servers, and what these say of one another."""
    nodes = topology.scenario.nodes
    uses: dict[tuple[str, str], How] = {
        (node_name, used): "uses" for node_name, node in nodes.items() for used in node.uses
    }
    names = {
        (node_name, server): how
        for node_name in nodes
        for server, how in _names(topology, node_name)
        if node_name != server
    }
    return {**uses, **{pair: how for pair, how in names.items() if pair not in uses}}


def _names(topology: Topology, node_name: str) -> Iterator[tuple[str, How]]:
    """Whom a node asks for names; a DNS server asks others only as a resolver, and points to those below it."""
    if node_name not in topology.servers_of(ApplicationProtocol.DNS):
        yield from ((server, "asks") for server in topology.resolvers_of(node_name))
        return
    yield from ((server, "delegates") for server in delegated_by(topology.scenario, node_name))
    yield from ((server, "asks") for server in asked_by(topology.scenario, node_name))


def _relations(topology: Topology, traffic: TrafficRoles | None) -> dict[tuple[str, str], list[Relation]]:
    """What was accepted, or was open before, between nodes of the lab."""
    relations: dict[tuple[str, str], list[Relation]] = {}
    for relation in traffic.relations if traffic else ():
        ends = (relation.client, relation.server)
        known = set(ends) <= set(topology.scenario.nodes) and relation.client != relation.server
        if known and (relation.connections or relation.earlier):
            relations.setdefault(ends, []).append(relation)
    return relations


def _port_words(topology: Topology, server: str) -> str:
    ports = [str(port) for port in dict.fromkeys(listener.port for listener in topology.listeners_of(server))]
    if len(ports) > MOST_PORTS + 1:
        return f"{len(ports)} ports: {', '.join(ports[:MOST_PORTS])} and {len(ports) - MOST_PORTS} more"
    return f"{'port' if len(ports) == 1 else 'ports'} {', '.join(ports)}" if ports else ""


def _seen_words(relations: list[Relation]) -> str:
    """port 80: 3 connections."""
    if len(relations) > MOST_PORTS + 1:
        return f"{_seen_words(relations[:MOST_PORTS])} and {len(relations) - MOST_PORTS} ports more"
    return ", ".join(
        f"port {relation.port}: "
        + (
            counted(relation.connections, "question" if relation.protocol == "udp" else "connection")
            if relation.connections
            else "open before"
        )
        for relation in relations
    )


def mermaid(picture: Picture) -> str:
    """A flowchart (mermaid.js.org): each network is an area with its nodes, coloured by state, and arrows between them.

    A node on several networks stands outside, attached to each of them with its address there.
    """
    lines = ["flowchart LR"]
    for network in picture.networks:
        lines.append(f'    subgraph {_network_id(network.name)}["{" ".join(network.titles)}"]')
        inside = (machine for machine in picture.machines if machine.networks == (network.name,))
        lines += [f'        {_id(machine.name)}["{_label(machine, "<br>", *machine.addresses)}"]' for machine in inside]
        lines.append("    end")
    for machine in (machine for machine in picture.machines if len(machine.networks) != 1):
        lines.append(f'    {_id(machine.name)}["{_label(machine, "<br>")}"]')
        for network_name, addresses in machine.attachments:
            lines.append(f'    {_id(machine.name)} --- |"{" ".join(addresses)}"| {_network_id(network_name)}')
    for arrow in picture.arrows:
        label = f'|"{_arrow_label(arrow)}"|' if _arrow_label(arrow) else ""
        line = {"uses": "-->", "missed": "-.->", "asks": "-.->", "delegates": "-.->", "seen": "==>"}[arrow.kind]
        lines.append(f"    {_id(arrow.client)} {line}{label} {_id(arrow.server)}")
    for state in sorted({machine.state for machine in picture.machines if machine.state}):
        names = ",".join(_id(machine.name) for machine in picture.machines if machine.state == state)
        lines.append(f"    classDef {state} fill:{COLOURS[state]},color:#000")
        lines.append(f"    class {names} {state}")
    return "\n".join(lines)


def dot(picture: Picture) -> str:
    """The same for Graphviz."""
    lines = ["digraph lab {", "    node [shape=box, style=filled, fillcolor=white];"]
    for network in picture.networks:
        title = "\\n".join(network.titles)
        lines.append(f'    "network {network.name}" [label="{title}", shape=box, style="filled,rounded"];')
    for machine in picture.machines:
        colour = COLOURS.get(machine.state, "white")
        lines.append(f'    "{machine.name}" [label="{_label(machine, chr(92) + "n")}", fillcolor="{colour}"];')
        for network_name, addresses in machine.attachments:
            label = "\\n".join(addresses)
            lines.append(f'    "{machine.name}" -> "network {network_name}" [label="{label}", dir=none, color=gray];')
    for arrow in picture.arrows:
        styles = {"uses": "solid", "missed": "dashed", "asks": "dotted", "delegates": "dotted", "seen": "bold"}
        label = _arrow_label(arrow)
        lines.append(f'    "{arrow.client}" -> "{arrow.server}" [label="{label}", style={styles[arrow.kind]}];')
    return "\n".join([*lines, "}"])


def _arrow_label(arrow: Arrow) -> str:
    """With the routers on the way, which no arrow of these languages can cross."""
    routers_on_path = arrow.path[1::2]
    via = f"through {', '.join(routers_on_path)}" if routers_on_path else ""
    return ", ".join(filter(None, (arrow.label, via)))


def _label(machine: Machine, newline: str, *addresses: str) -> str:
    return newline.join(line for line in (f"{machine.name} ({machine.role})", *addresses, machine.note) if line)


def _id(name: str) -> str:
    """`end` and the like are words of the picture's own language."""
    return "n_" + name.replace("-", "_")


def _network_id(name: str) -> str:
    return "net_" + name.replace("-", "_")
