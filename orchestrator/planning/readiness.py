"""Which nodes must be ready before a node is: those that it uses, and its DNS servers. Pure."""

from __future__ import annotations

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.topology import Topology


def ready_before(topology: Topology, node: str) -> set[str]:
    """The nodes that are ready before a node: those that it uses, and its DNS servers unless these wait for it."""
    if node in topology.servers_of(ApplicationProtocol.DNS):
        return set(topology.node(node).uses)
    servers = {server for server in topology.resolvers_of(node) if not _waits_for(topology, server, node)}
    return {*topology.node(node).uses, *servers} - {node}


def _waits_for(topology: Topology, server: str, node: str) -> bool:
    """Whether a DNS server becomes ready after a node: a server may use others, which would ask it."""
    seen: set[str] = set()
    todo = list(topology.node(server).uses)
    while todo:
        current = todo.pop()
        if current == node:
            return True
        if current not in seen:
            seen.add(current)
            todo.extend(topology.node(current).uses)
            if current not in topology.servers_of(ApplicationProtocol.DNS):
                todo.extend(topology.resolvers_of(current))
    return False


def reload_after(topology: Topology, node: str) -> tuple[str, ...]:
    """The steps after which a program reads its files again.

    A program may ask for the names in its files when it reads them: the DNS servers must know them by then.
    """
    servers = topology.servers_of(ApplicationProtocol.DNS)
    if node in servers:
        return ()
    steps = [f"{step}:{server}" for server in servers for step in ("ready", "reload")]
    # What is read again may be that a copy of the primary is to be made.
    return (*steps, *start_after(topology, node), f"mend:{node}")


def start_after(topology: Topology, node: str) -> tuple[str, ...]:
    """The steps before which a node is not started, if a plan has them: a replica begins with a copy of its primary."""
    primary = topology.scenario.primary_of(node)
    if primary is None:
        return ()
    networks = (f"connect:{primary}:{network}" for network in topology.subnets)
    return (*(f"{step}:{primary}" for step in ("mend", "unpause", "start", "ready")), *networks)
