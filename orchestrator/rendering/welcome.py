"""What a person reads at the start of a shell in a node: the machines of the lab, what each serves, what to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.node import Listener
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import role_of

WIDTH = 80
SERVES_NOTHING = "serves nothing"


def welcome_text(topology: Topology, node_name: str) -> str:
    """The welcome, at most 80 columns wide; every command in it can be typed in this node."""
    scenario = topology.scenario
    addresses = ", ".join(map(str, topology.addresses(node_name)))
    title = f"You are on {node_name} ({addresses}), a machine of the lab {topology.lab}: {scenario.title}"
    lines = [*wrap(title, WIDTH), "", *_machines(topology, node_name)]
    tries = list(_tries(topology, node_name)) if scenario.nodes[node_name].image is None else []
    if tries:
        lines += ["", "Things to try:", *_columns(tries)]
    return "\n".join([*lines, "", "To leave the shell: exit"])


def _machines(topology: Topology, node_name: str) -> list[str]:
    rows = []
    for name in topology.scenario.nodes:
        address = topology.address_for(node_name, name) if topology.attachments_of(name) else ""
        rows.append((topology.name_of(name), str(address), services_text(topology, name)))
    return _columns(rows)


def services_text(topology: Topology, node_name: str) -> str:
    """What a node serves and on which ports: `HTTP on port 80, HTTPS on port 443`."""
    role = role_of(topology.node(node_name))
    if role.forwards:
        return "passes packets on between its networks"
    named = topology.node(node_name).command is None and topology.node(node_name).image is None
    services: dict[str, None] = {}
    for listener in topology.listeners_of(node_name):
        services[_service(listener, role.serves if named else "")] = None
    return ", ".join(services) or SERVES_NOTHING


def _service(listener: Listener, protocol: str) -> str:
    if protocol == ApplicationProtocol.HTTP and listener.tls:
        protocol = "HTTPS"
    # DNS listens on the same port of both protocols.
    text = f"{protocol} on port {listener.port}" if protocol else f"{listener.protocol} port {listener.port}"
    return f"{text} (to itself only)" if listener.address == "loopback" else text


def _tries(topology: Topology, node_name: str) -> Iterator[tuple[str, str]]:
    """Commands for this node, each with what it shows."""
    others = [name for name in topology.scenario.nodes if name != node_name]
    resolvers = topology.resolvers_of(node_name)
    servers = [name for name in others if topology.listeners_of(name) and name not in resolvers]
    target = next(iter((*topology.node(node_name).uses, *servers, *others)), node_name)
    if resolvers:
        yield f"dig {topology.name_of(target)}", "ask the DNS server for an address"
        yield "cat /etc/resolv.conf", "which DNS server this machine asks"
    for name in others:
        on_http = name in topology.servers_of(ApplicationProtocol.HTTP)
        if on_http and resolvers and not _speaks_tls_only(topology, name):
            yield f"curl {_url(topology, name)}", "talk to a web server"
            break
    yield "ss -tn", "the TCP connections of this machine, now"
    yield "ip route", "the networks that this machine can reach"
    yield "ps aux", "the programs that run here"
    holder = topology.password_files(node_name).get("password", node_name)
    if holder != node_name and "psql" in role_of(topology.node(node_name)).tools:
        # The password stands in a file, so psql need not ask for it.
        connect = f"PGPASSWORD=$(cat /wirelab/password) psql -h {topology.name_of(holder)} -U app app"
        yield connect, "talk to the database"


def _speaks_tls_only(topology: Topology, name: str) -> bool:
    return all(listener.tls for listener in topology.listeners_of(name))


def _url(topology: Topology, name: str) -> str:
    port = next(listener.port for listener in topology.listeners_of(name) if not listener.tls)
    return f"http://{topology.name_of(name)}" + ("/" if port == 80 else f":{port}/")


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned columns; the last one wraps, and what cannot stand beside the others goes below."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    before = 2 + sum(width + 2 for width in widths)
    lines: list[str] = []
    for row in rows:
        start = "  " + "".join(cell.ljust(width + 2) for cell, width in zip(row, widths, strict=False))
        if before + 20 > WIDTH:
            lines += [
                f"  {'  '.join(row[:-1])}",
                *wrap(row[-1], WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6),
            ]
            continue
        pieces = wrap(row[-1], WIDTH - before) or [""]
        lines += [f"{start}{pieces[0]}".rstrip(), *(" " * before + piece for piece in pieces[1:])]
    return lines
