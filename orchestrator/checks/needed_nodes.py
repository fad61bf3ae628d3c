"""Which nodes a check needs: while one of them does not run, there is nothing to wait for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from orchestrator.checks.asker import asker_of
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.checks import BaseCheck, Resolves, Sql
from orchestrator.model.topology import Topology


def needed_nodes(check: BaseCheck, topology: Topology) -> frozenset[str]:
    """The nodes of which the check speaks, those that they use, and the DNS servers of them all."""
    return _with_used([asker_of(check), *_mentioned(check, topology)], topology)


def answering_nodes(check: BaseCheck, topology: Topology) -> frozenset[str]:
    """The nodes for which the asker waits: those that the check names, the asker's DNS servers, and the nodes that they
    need. An SQL statement names no node: then the databases that the asker uses. For a lookup: DNS servers alone.
    """
    if isinstance(check, Resolves):
        return frozenset(topology.servers_of(ApplicationProtocol.DNS)) - {check.asker}
    asker = asker_of(check)
    known = topology.node(asker) if asker in topology.scenario.nodes else None
    used = known.uses if known and isinstance(check, Sql) else ()
    resolvers = topology.resolvers_of(asker) if known else ()
    mentioned = (name for name in _mentioned(check, topology) if name != asker)
    return _with_used([*mentioned, *resolvers, *used], topology) - {asker}


def _with_used(names: list[str], topology: Topology) -> frozenset[str]:
    """The machines of these names, those that they use, and the DNS servers of them all."""
    machines, todo = topology.scenario.nodes, list(names)
    needed: set[str] = set()
    while todo:
        for name in topology.scenario.machines(todo.pop()):
            if name in machines and name not in needed:
                needed.add(name)
                todo += [*topology.node(name).uses, *topology.resolvers_of(name)]
    return frozenset(needed)


def cannot_be_reached(check: BaseCheck, topology: Topology, halted: Collection[str]) -> bool:
    """Whether a node of which the check speaks does not run, or none of the DNS servers that its asker has."""
    machines = [machine for name in _mentioned(check, topology) for machine in topology.scenario.machines(name)]
    asker = asker_of(check)
    resolvers = topology.resolvers_of(asker) if asker in topology.scenario.nodes else ()
    return any(machine in halted for machine in machines) or (
        bool(resolvers) and all(resolver in halted for resolver in resolvers)
    )


def _mentioned(check: BaseCheck, topology: Topology) -> Iterator[str]:
    """Nodes and groups whose name, DNS name or address stands in a text of the check."""
    words = {word.rstrip(".").lower() for text in _texts(check.as_written()) for word in re.split(r"[^\w.-]+", text)}
    for name in topology.names:
        own = {name, topology.name_of(name), *map(str, topology.addresses_of(name))}
        places = ["name", "ipv6", *(attachment.network for attachment in topology.attachments_of(name))]
        own |= {f"{name}.{place}" for place in places} | {f"{name}.{place}.ipv6" for place in places}
        if own & words:
            yield name


def _texts(value: object) -> Iterator[str]:
    """All texts of plain values but the name of the check, which is a sentence."""
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield from _texts(item) if key != "name" else ()
                yield from (key,) if isinstance(key, str) else ()
        case list() | tuple():
            for item in value:
                yield from _texts(item)
