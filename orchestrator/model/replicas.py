"""Replicas: one declaration that stands for several machines, and one name that leads to all of them.

A node `app` with `replicas: 3` is the group `app` of the machines app-1, app-2 and app-3. A scenario that was read has
the machines among its nodes; the group is a name for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.model.node import Node


def machines_of(name: str, replicas: int) -> tuple[str, ...]:
    """The names of a group's machines."""
    return tuple(f"{name}-{number}" for number in range(1, replicas + 1))


def group_of(machine: str, node: Node) -> str | None:
    """The group to which a machine belongs; None where it is no replica."""
    return machine.rpartition("-")[0] if node.replicas else None


def groups_of(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """Group -> its machines, of nodes among which the machines are."""
    groups: dict[str, tuple[str, ...]] = {}
    for name, node in nodes.items():
        group = group_of(name, node)
        if group:
            groups[group] = (*groups.get(group, ()), name)
    return groups


def with_machines(declared: Mapping[str, Node]) -> dict[str, Node]:
    """The nodes with each group's machines in its place; whoever uses a group uses each of its machines."""
    groups = {name: machines_of(name, node.replicas) for name, node in declared.items() if node.replicas}
    machines: dict[str, Node] = {}
    for name, node in declared.items():
        uses = tuple(_spread(node.uses, groups))
        machine = node if uses == node.uses else node.model_copy(update={"uses": uses})
        machines.update(dict.fromkeys(groups.get(name, (name,)), machine))
    return machines


def _spread(names: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name in names:
        yield from groups.get(name, (name,))
