"""The lab as a picture: what is in it, and as text for Mermaid and Graphviz. The same input gives the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.model.roles import ROLES
from orchestrator.model.roles.dns.servers import asked_by, delegated_by
from orchestrator.model.topology import Topology
from orchestrator.rendering.quantities import counted
from orchestrator.traffic.roles import Relation, TrafficRoles

COLOURS = {"ready": "#c8e6c9", "starting": "#fff9c4", "stopped": "#ffcdd2", "paused": "#e1bee7", "missing": "#eeeeee"}

# uses: declared. asks: asks a DNS server for names. delegates: a DNS server points to one below it; nothing crosses the
# wire. seen: crossed the wire without being declared.
How = Literal["uses", "asks", "delegates", "seen"]
# Arrows to DNS servers: one from nearly every node. With more than these they would hide all others.
MOST_ASKS = 8
# Ports that an arrow names where there are many: a picture is as wide as its longest label.
MOST_PORTS = 3
DNS_PORT = 53  # RFC 1035, section 4.2


@dataclass(frozen=True)
class Machine:
    """A node as pictures show it; `state` is empty where the lab does not stand, `note` where nothing is to be said."""

    name: str
    role: str
    addresses: tuple[str, ...]
    networks: tuple[str, ...]
    state: str
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    """From a client to its server. `label` says over which ports, and what was seen of it."""

    client: str
    server: str
    how: How
    label: str


@dataclass(frozen=True)
class Area:
    """The nodes that stand on the same networks: those of one network, or those that stand on several."""

    title: str
    machines: tuple[Machine, ...]


@dataclass(frozen=True)
class Picture:
    """What a picture of a lab shows."""

    title: str
    areas: tuple[Area, ...]
    arrows: tuple[Arrow, ...]

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(machine for area in self.areas for machine in area.machines)


def picture(topology: Topology, states: Mapping[str, str], traffic: TrafficRoles | None = None) -> Picture:
    """The lab as declared, its nodes in these states, its arrows with the traffic that was seen, where it was."""
    arrows = list(_arrows(topology, traffic))
    asks = [arrow for arrow in arrows if arrow.how == "asks"]
    noted: dict[str, str] = {}
    if len(asks) > MOST_ASKS:
        arrows = [arrow for arrow in arrows if arrow.how != "asks"]
        counts = Counter(arrow.server for arrow in asks)
        verb = "asked by" if traffic else "serves"
        noted = {server: f"{verb} {counted(count, 'node')}" for server, count in counts.items()}
    machines = [_machine(topology, node, states.get(node, ""), noted.get(node, "")) for node in topology.scenario.nodes]
    title = f"{topology.lab}: {topology.scenario.title}"
    return Picture(title, tuple(_areas(topology, machines)), tuple(arrows))


def _machine(topology: Topology, node: str, state: str, note: str) -> Machine:
    role: str = topology.node(node).role  # type: ignore[attr-defined]
    places = topology.places_of(node)
    addresses = tuple(map(str, topology.addresses_of(node)))
    return Machine(node, role, addresses, tuple(dict.fromkeys(place.network for place in places)), state, note)


def _areas(topology: Topology, machines: list[Machine]) -> Iterator[Area]:
    """A node on several networks belongs to none alone: such nodes have an area of their own, named after all."""
    for networks in dict.fromkeys(machine.networks for machine in machines):
        title = " and ".join(_network(topology, network) for network in networks)
        yield Area(title, tuple(machine for machine in machines if machine.networks == networks))


def _network(topology: Topology, network: str) -> str:
    ranges = (topology.subnets.get(network), topology.subnets6.get(network))
    return " ".join((network, *(str(one) for one in ranges if one)))


def _arrows(topology: Topology, traffic: TrafficRoles | None) -> Iterator[Arrow]:
    """What is declared, in the order of the file, then what was only seen; no DNS server that was not asked."""
    seen = _seen(topology, traffic)
    for (client, server), how in _declared(topology).items():
        found = seen.pop((client, server), None)
        if how != "asks" or found or not traffic:
            label = _label_of(how, found) or _missed(topology, (client, server), how, traffic)
            yield Arrow(client, server, how, label)
    for (client, server), found in seen.items():
        # Where delegation leads a resolver, no file says; to ask a DNS server needs no declaration.
        asked = server in topology.with_role("dns") and all(one.port == DNS_PORT for one in found)
        yield Arrow(client, server, "asks" if asked else "seen", _seen_words(found))


def _label_of(how: How, found: list[Relation] | None) -> str:
    """What was seen of an arrow, or what it is where that is known without looking."""
    if how == "delegates":
        return f"delegates; {_seen_words(found)}" if found else "delegates"
    return _seen_words(found) if found else ""


def _missed(topology: Topology, pair: tuple[str, str], how: How, traffic: TrafficRoles | None) -> str:
    """Over which ports nothing was seen; and whether somebody tried, where somebody looked."""
    ports = _port_words(topology, pair[1]) if how == "uses" else ""
    if traffic is None:
        return ports
    tries = sum(one.refused for one in traffic.relations if (one.client, one.server) == pair)
    return ", ".join(filter(None, (ports, f"{counted(tries, 'try', 'tries')} in vain" if tries else "not seen")))


def _declared(topology: Topology) -> dict[tuple[str, str], How]:
    """Every declared use, every node's DNS servers, and what these say of one another."""
    nodes = topology.scenario.nodes
    uses: dict[tuple[str, str], How] = {(node, used): "uses" for node, one in nodes.items() for used in one.uses}
    names = {(node, server): how for node in nodes for server, how in _names(topology, node) if node != server}
    return {**uses, **{pair: how for pair, how in names.items() if pair not in uses}}


def _names(topology: Topology, node: str) -> Iterator[tuple[str, How]]:
    """Whom a node asks for names; a DNS server asks others only as a resolver, and points to those below it."""
    if node not in topology.with_role("dns"):
        yield from ((server, "asks") for server in topology.resolvers_of(node))
        return
    yield from ((server, "delegates") for server in delegated_by(topology.scenario, node))
    yield from ((server, "asks") for server in asked_by(topology.scenario, node))


def _seen(topology: Topology, traffic: TrafficRoles | None) -> dict[tuple[str, str], list[Relation]]:
    """What was accepted, or was open before, between nodes of the lab."""
    found: dict[tuple[str, str], list[Relation]] = {}
    for one in traffic.relations if traffic else ():
        known = {one.client, one.server} <= set(topology.scenario.nodes) and one.client != one.server
        if known and (one.connections or one.earlier):
            found.setdefault((one.client, one.server), []).append(one)
    return found


def _port_words(topology: Topology, server: str) -> str:
    node: Any = topology.node(server)
    ports = [str(port) for port in dict.fromkeys(one.port for one in ROLES[node.role].listeners_of(node))]
    if len(ports) > MOST_PORTS + 1:
        return f"{len(ports)} ports: {', '.join(ports[:MOST_PORTS])} and {len(ports) - MOST_PORTS} more"
    return f"{'port' if len(ports) == 1 else 'ports'} {', '.join(ports)}" if ports else ""


def _seen_words(relations: list[Relation]) -> str:
    """port 80: 3 connections."""
    if len(relations) > MOST_PORTS + 1:
        return f"{_seen_words(relations[:MOST_PORTS])} and {len(relations) - MOST_PORTS} ports more"
    return ", ".join(
        f"port {one.port}: {counted(one.connections, 'question' if one.protocol == 'udp' else 'connection')}"
        if one.connections
        else f"port {one.port}: open before"
        for one in relations
    )


def mermaid(shown: Picture) -> str:
    """A flowchart (mermaid.js.org): networks as areas, nodes with role and addresses, coloured by state."""
    lines = ["flowchart LR"]
    for number, area in enumerate(shown.areas):
        lines.append(f'    subgraph area_{number}["{area.title}"]')
        lines += [f'        {_id(one.name)}["{_label(one, "<br>")}"]' for one in area.machines]
        lines.append("    end")
    for arrow in shown.arrows:
        label = f'|"{arrow.label}"|' if arrow.label else ""
        line = {"uses": "-->", "asks": "-.->", "delegates": "-.->", "seen": "==>"}[arrow.how]
        lines.append(f"    {_id(arrow.client)} {line}{label} {_id(arrow.server)}")
    for state in sorted({one.state for one in shown.machines if one.state}):
        lines.append(f"    classDef {state} fill:{COLOURS[state]},color:#000")
        lines.append(f"    class {','.join(_id(one.name) for one in shown.machines if one.state == state)} {state}")
    return "\n".join(lines)


def dot(shown: Picture) -> str:
    """The same for Graphviz."""
    lines = ["digraph lab {", "    rankdir=LR; node [shape=box, style=filled, fillcolor=white];"]
    for number, area in enumerate(shown.areas):
        lines.append(f'    subgraph "cluster_{number}" {{ label="{area.title}";')
        for one in area.machines:
            colour = COLOURS.get(one.state, "white")
            lines.append(f'        "{one.name}" [label="{_label(one, chr(92) + "n")}", fillcolor="{colour}"];')
        lines.append("    }")
    for arrow in shown.arrows:
        style = {"uses": "solid", "asks": "dotted", "delegates": "dotted", "seen": "bold"}[arrow.how]
        lines.append(f'    "{arrow.client}" -> "{arrow.server}" [label="{arrow.label}", style={style}];')
    return "\n".join([*lines, "}"])


def _label(machine: Machine, newline: str) -> str:
    lines = (f"{machine.name} ({machine.role})", *machine.addresses, machine.note)
    return newline.join(line for line in lines if line)


def _id(name: str) -> str:
    """`end` and the like are words of the picture's own language."""
    return "n_" + name.replace("-", "_")
