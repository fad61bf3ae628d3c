"""Rules about references: what is named must be there, and may not lead in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from orchestrator.model.roles import roles_that_serve
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.spelling import Hints

# A file of circles would otherwise be told at a length that helps nobody.
MOST_CIRCLES = 50


def nodes_are_there(raw: RawScenario) -> Iterator[Violation]:
    """Every node that is named somewhere is declared."""
    yield from _are_there(raw, "node", tuple(raw.node_names), frozenset(raw.groups))


def networks_are_there(raw: RawScenario) -> Iterator[Violation]:
    """Every network that is named somewhere is declared; without a declaration there is one."""
    yield from _are_there(raw, "network", tuple(raw.networks))


def _are_there(
    raw: RawScenario, what: str, names: tuple[str, ...], more: frozenset[str] = frozenset()
) -> Iterator[Violation]:
    if not names:  # then all is said by what stands in their place
        return
    known, hints = more.union(names), Hints(names)
    for raw_value, reference in raw.references:
        if reference.to == what and raw_value.value not in known:
            name = raw_value.value
            message = f"there is no {what} {short(name)!r}{hints.of(name)} the {what}s are {listed(names)}"
            yield Violation(raw_value.path, message, at_key=raw_value.at_key)


def one_of_several_is_named(raw: RawScenario) -> Iterator[Violation]:
    """Where one machine is needed, the name of a node with replicas says too little."""
    for raw_value, reference in raw.references:
        if reference.to == "node" and not reference.several and raw_value.value in raw.groups:
            yield Violation(raw_value.path, several_text(raw, raw_value.value), at_key=raw_value.at_key)


def several_text(raw: RawScenario, group: str) -> str:
    machines = raw.groups[group]
    count = f"{len(machines)} replicas" if len(machines) > 1 else "1 replica"
    return f"{group!r} has {count}, and one machine is needed here; name one of {listed(machines)}"


def references_have_the_role(raw: RawScenario) -> Iterator[Violation]:
    """A node that is named where a role is needed has this role."""
    for raw_value, reference in raw.references:
        role_name = raw.values_of(raw_value.value).get("role")
        fitting = roles_that_serve(reference.serves) if reference.serves else ()
        if reference.serves and isinstance(role_name, str) and role_name not in fitting:
            message = f"{raw_value.value!r} has the role {role_name}, but {' or '.join(fitting)} is needed here"
            message += f"; nodes with it: {listed(raw.servers_of(reference.serves))}"
            yield Violation(raw_value.path, message)


def nothing_twice(raw: RawScenario) -> Iterator[Violation]:
    """A list of nodes or networks names each of them once."""
    seen = set()
    for raw_value, _ in raw.references:
        place = (raw_value.path[:-1], raw_value.value)
        if not isinstance(raw_value.path[-1], int):
            continue
        group = (raw_value.path[:-1], raw.machines.get(raw_value.value))
        if place in seen or group in seen:
            more = "" if place in seen else f": once by itself, and once in {group[1]!r}"
            yield Violation(raw_value.path, f"{raw_value.value!r} is in this list twice{more}")
        seen.add(place)


def not_oneself(raw: RawScenario) -> Iterator[Violation]:
    """A node does not use itself."""
    for node in raw.nodes:
        for index, used in enumerate(raw.uses(node)):
            if used == node:
                yield Violation(("nodes", node, "uses", index), f"{node!r} uses itself; leave it out")


def no_circle(raw: RawScenario) -> Iterator[Violation]:
    """`uses` does not lead back to where it began: a node becomes ready after those that it uses."""
    for circle in islice(_circles(raw), MOST_CIRCLES):
        user, used = circle[0], circle[1 % len(circle)]
        words = " -> ".join((*circle, circle[0])) if len(circle) < 12 else f"{len(circle)} nodes, {user} among them"
        uses = raw.uses(user)
        at = ("uses", uses.index(used)) if used in uses else ("replica_of",)
        yield Violation(
            ("nodes", user, *at),
            f"the uses form a loop: {words}; a node becomes ready after those that it uses",
        )


def _circles(raw: RawScenario) -> Iterator[tuple[str, ...]]:
    """Each use that leads back to a node on the way to it, as the circle that it closes; depth first."""
    done: set[str] = set()
    for start in raw.nodes:
        if start in done:
            continue
        way: dict[str, Iterator[str]] = {start: iter(raw.needs(start))}  # in the order in which it was gone
        while way:
            node = next(reversed(way))
            used = next(way[node], None)
            if used is None:
                done.add(node)
                del way[node]
            elif used in way and used != node:
                nodes = list(way)
                yield _from_first(tuple(nodes[nodes.index(used) :]), raw)
            elif used in raw.nodes and used not in done and used not in way:
                way[used] = iter(raw.needs(used))


def _from_first(circle: tuple[str, ...], raw: RawScenario) -> tuple[str, ...]:
    """The same circle, beginning with the node that the file declares first."""
    first = next(name for name in raw.nodes if name in circle)
    start = circle.index(first)
    return circle[start:] + circle[:start]
