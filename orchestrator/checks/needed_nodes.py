"""Which nodes a check needs: while one of them does not run, there is nothing to wait for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from orchestrator.checks.kinds import asker_of
from orchestrator.model.checks import BaseCheck
from orchestrator.model.topology import Topology


def needed_nodes(check: BaseCheck, topology: Topology) -> frozenset[str]:
    """The nodes of which the check speaks, those that they use, and the DNS servers of them all."""
    machines = topology.scenario.nodes
    todo = [asker_of(check), *_mentioned(check, topology)]
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
