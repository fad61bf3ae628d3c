"""Rules about references: what is named must be there, and may not lead in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from orchestrator.reading.document import Complaint
from orchestrator.reading.draft import Draft
from orchestrator.reading.words import Hints, listed, short

# A file of circles would otherwise be told at a length that helps nobody.
MOST_CIRCLES = 50


def nodes_are_there(draft: Draft) -> Iterator[Complaint]:
    """Every node that is named somewhere is declared."""
    yield from _are_there(draft, "node", tuple(draft.node_names), frozenset(draft.groups))


def networks_are_there(draft: Draft) -> Iterator[Complaint]:
    """Every network that is named somewhere is declared; without a declaration there is one."""
    yield from _are_there(draft, "network", tuple(draft.networks))


def _are_there(
    draft: Draft, what: str, names: tuple[str, ...], more: frozenset[str] = frozenset()
) -> Iterator[Complaint]:
    if not names:  # then all is said by what stands in their place
        return
    known, hints = more.union(names), Hints(names)
    for met, mark in draft.references:
        if mark.to == what and met.value not in known:
            message = f"there is no {what} {short(met.value)!r}{hints.of(met.value)} the {what}s are {listed(names)}"
            yield Complaint(met.path, message, at_key=met.at_key)


def one_of_several_is_named(draft: Draft) -> Iterator[Complaint]:
    """Where one machine is needed, the name of a node with replicas says too little."""
    for met, mark in draft.references:
        if mark.to == "node" and not mark.several and met.value in draft.groups:
            yield Complaint(met.path, several_text(draft, met.value), at_key=met.at_key)


def several_text(draft: Draft, group: str) -> str:
    machines = draft.groups[group]
    count = f"{len(machines)} replicas" if len(machines) > 1 else "1 replica"
    return f"{group!r} has {count}, and one machine is needed here; name one of {listed(machines)}"


def references_have_the_role(draft: Draft) -> Iterator[Complaint]:
    """A node that is named where a role is needed has this role."""
    others = {role: listed(draft.with_role(role)) for role in {mark.role for _, mark in draft.references if mark.role}}
    for met, mark in draft.references:
        role = draft.values_of(met.value).get("role")
        if mark.role and isinstance(role, str) and role != mark.role:
            message = f"{met.value!r} has the role {role}, but {mark.role} is needed here"
            message += f"; nodes with it: {others[mark.role]}"
            yield Complaint(met.path, message)


def nothing_twice(draft: Draft) -> Iterator[Complaint]:
    """A list of nodes or networks names each of them once."""
    seen = set()
    for met, _ in draft.references:
        place = (met.path[:-1], met.value)
        if not isinstance(met.path[-1], int):
            continue
        group = (met.path[:-1], draft.machines.get(met.value))
        if place in seen or group in seen:
            more = "" if place in seen else f": once by itself, and once in {group[1]!r}"
            yield Complaint(met.path, f"{met.value!r} stands twice in this list{more}")
        seen.add(place)


def not_oneself(draft: Draft) -> Iterator[Complaint]:
    """A node does not use itself."""
    for node in draft.nodes:
        for index, used in enumerate(draft.uses(node)):
            if used == node:
                yield Complaint(("nodes", node, "uses", index), f"{node!r} uses itself; leave it out")


def no_circle(draft: Draft) -> Iterator[Complaint]:
    """`uses` does not lead back to where it began: a node becomes ready after those that it uses."""
    for circle in islice(_circles(draft), MOST_CIRCLES):
        user, used = circle[0], circle[1 % len(circle)]
        words = " -> ".join((*circle, circle[0])) if len(circle) < 12 else f"{len(circle)} nodes, {user} among them"
        yield Complaint(
            ("nodes", user, "uses", draft.uses(user).index(used)),
            f"the uses form a circle: {words}; a node becomes ready after those that it uses",
        )


def _circles(draft: Draft) -> Iterator[tuple[str, ...]]:
    """Each use that leads back to a node on the way to it, as the circle that it closes; depth first."""
    done: set[str] = set()
    for start in draft.nodes:
        if start in done:
            continue
        way: dict[str, Iterator[str]] = {start: iter(draft.uses(start))}  # in the order in which it was gone
        while way:
            node = next(reversed(way))
            used = next(way[node], None)
            if used is None:
                done.add(node)
                del way[node]
            elif used in way and used != node:
                nodes = list(way)
                yield _from_first(tuple(nodes[nodes.index(used) :]), draft)
            elif used in draft.nodes and used not in done and used not in way:
                way[used] = iter(draft.uses(used))


def _from_first(circle: tuple[str, ...], draft: Draft) -> tuple[str, ...]:
    """The same circle, beginning with the node that the file declares first."""
    first = next(name for name in draft.nodes if name in circle)
    start = circle.index(first)
    return circle[start:] + circle[:start]
