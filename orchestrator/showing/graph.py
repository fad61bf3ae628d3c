"""The lab as a picture in text: Mermaid or Graphviz. The same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.roles.dns.servers import asked_by, delegated_by
from orchestrator.model.topology import Topology

COLOURS = {"ready": "#c8e6c9", "starting": "#fff9c4", "stopped": "#ffcdd2", "paused": "#e1bee7", "missing": "#eeeeee"}


def mermaid(topology: Topology, states: Mapping[str, str]) -> str:
    """A flowchart: networks as areas, nodes with role and addresses, arrows for `uses`; `states` colour the nodes."""
    lines = ["flowchart LR"]
    for network, subnet in topology.subnets.items():
        lines.append(f'    subgraph net_{_id(network)}["{network} {subnet}"]')
        lines += [f"        {_node(topology, node)}" for node in _members(topology, network)]
        lines.append("    end")
    lines += [f"    {_id(a)} -- {how} --> {_id(b)}" for a, b, how in arrows(topology)]
    for state in sorted(set(states.values())):
        lines.append(f"    classDef {state} fill:{COLOURS[state]},color:#000")
        nodes = ",".join(_id(node) for node, one in states.items() if one == state)
        lines.append(f"    class {nodes} {state}")
    return "\n".join(lines)


def dot(topology: Topology, states: Mapping[str, str]) -> str:
    """The same for Graphviz."""
    lines = ["digraph lab {", "    rankdir=LR; node [shape=box, style=filled, fillcolor=white];"]
    for network, subnet in topology.subnets.items():
        lines.append(f'    subgraph "cluster_{network}" {{ label="{network} {subnet}";')
        for node in _members(topology, network):
            colour = COLOURS.get(states.get(node, ""), "white")
            lines.append(f'        "{node}" [label="{_label(topology, node, chr(92) + "n")}", fillcolor="{colour}"];')
        lines.append("    }")
    lines += [f'    "{a}" -> "{b}" [label="{how}"];' for a, b, how in arrows(topology)]
    return "\n".join([*lines, "}"])


def arrows(topology: Topology) -> list[tuple[str, str, str]]:
    """(client, server, what for): every declared use, every node's DNS servers, and what these say of one another."""
    declared = [(node, used, "uses") for node, one in topology.scenario.nodes.items() for used in one.uses]
    known = {(a, b) for a, b, _ in declared}
    names = [arrow for node in topology.scenario.nodes for arrow in _names(topology, node)]
    return [*declared, *((a, b, how) for a, b, how in names if (a, b) not in known)]


def _names(topology: Topology, node: str) -> list[tuple[str, str, str]]:
    """Whom a node asks for names; a DNS server asks others only as a resolver, and points to those below it."""
    if node not in topology.with_role("dns"):
        return [(node, server, "asks") for server in topology.resolvers_of(node)]
    asked = [(node, server, "asks") for server in asked_by(topology.scenario, node)]
    return [*asked, *((node, server, "delegates to") for server in delegated_by(topology.scenario, node))]


def _members(topology: Topology, network: str) -> list[str]:
    """The nodes whose first network this is: a picture shows each node once."""
    return [n for n in topology.scenario.nodes if topology.places_of(n)[0].network == network]


def _node(topology: Topology, node: str) -> str:
    return f'{_id(node)}["{_label(topology, node, "<br>")}"]'


def _label(topology: Topology, node: str, newline: str) -> str:
    role = topology.node(node).role  # type: ignore[attr-defined]
    return newline.join((f"{node} ({role})", *map(str, topology.addresses(node))))


def _id(name: str) -> str:
    """`end` and the like are words of the picture's own language."""
    return "n_" + name.replace("-", "_")
