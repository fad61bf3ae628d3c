"""Rules about ways between networks: routers that join, routes that lead somewhere, cuts that cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.raw_scenario import RawScenario, RawValue
from orchestrator.reading.reading import Path


def routers_join_networks(raw: RawScenario) -> Iterator[Violation]:
    """A router stands on two networks or more."""
    for node in _routers(raw):
        networks = tuple(raw.attachments(node))
        if len(networks) < 2:
            message = f"the router {node!r} joins networks, but stands only on {listed(networks)}; give it two or more"
            yield Violation(("nodes", node), message, at_key=True)


def routed_networks_have_no_ipv6(raw: RawScenario) -> Iterator[Violation]:
    """On a network with a router there is no IPv6, for routers pass only IPv4 on."""
    joined = {name: node for node in reversed(_routers(raw)) for name in raw.attachments(node)}
    for name, values in raw.networks.items():
        if values.get("ipv6") is True and name in joined:
            message = f"the router {joined[name]!r} stands on {name!r}, and routers pass only IPv4 on; leave ipv6 out"
            yield Violation(("networks", name, "ipv6"), f"{message}, or take the router from this network")


def routes_lead_somewhere(raw: RawScenario) -> Iterator[Violation]:
    """A node's routes name networks that routers reach from it, and none on which it stands."""
    for node, values in raw.nodes.items():
        named = values.get("routes")
        if not isinstance(named, list):
            continue
        own = tuple(raw.attachments(node))
        reached = _reached(raw, node, own)
        if not reached:
            message = f"no router stands on a network of {node!r}, so it has no routes to choose from; leave this out"
            yield Violation(("nodes", node, "routes"), message, at_key=True)
            continue
        for index, name in enumerate(named):
            if name in own:
                message = f"{node!r} stands on {name!r} itself and needs no route there; leave it out"
                yield Violation(("nodes", node, "routes", index), message)
            elif isinstance(name, str) and name in raw.networks and name not in reached:
                message = f"no router leads from {node!r} to {name!r}; routers reach {listed(reached)}"
                yield Violation(("nodes", node, "routes", index), message)


def _reached(raw: RawScenario, node: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """The networks to which other nodes that are routers lead, in the order of the file."""
    joins = [set(raw.attachments(router)) for router in _routers(raw) if router != node]
    reached, before = set(own), set[str]()
    while reached != before:
        before = set(reached)
        reached |= {name for joined in joins if joined & before for name in joined}
    return tuple(name for name in raw.networks if name in reached and name not in own)


def _routers(raw: RawScenario) -> tuple[str, ...]:
    return tuple(name for name in raw.nodes if (role := raw.role(name)) and role.forwards)


def cut_groups_are_apart(raw: RawScenario) -> Iterator[Violation]:
    """No node is in both groups of a cut: it cannot be cut from itself."""
    for raw_value in raw.raw_values:
        ends = _cut_ends(raw_value)
        if len(ends) != 2:
            continue
        first_group = {machine for _, name in ends[0] for machine in _machines(raw, name)}
        for path, name in ends[1]:
            both = next((machine for machine in _machines(raw, name) if machine in first_group), None)
            if both:
                yield Violation(path, f"{both!r} is in both groups; a node cannot be cut from itself")


def cut_ipv6_is_there(raw: RawScenario) -> Iterator[Violation]:
    """Only IPv6 is cut where both groups have it: otherwise nothing would be cut."""
    for raw_value in raw.raw_values:
        if not isinstance(raw_value.value, dict) or raw_value.value.get("only") != "ipv6":
            continue
        for end in _cut_ends(raw_value):
            nodes = [name for _, name in end if isinstance(name, str) and raw.values_of(name)]
            if nodes and not any(_has_ipv6(raw, node) for node in nodes):
                message = f"{listed(nodes)} has no IPv6, so nothing would be cut; leave this out"
                yield Violation((*raw_value.path, "only"), f"{message}, or give its network ipv6: true")
                break


def _cut_ends(raw_value: RawValue) -> list[list[tuple[Path, Any]]]:
    """The names at the ends of a cut, each with its path; those of an end that is no list, or that is missing, are left
    out."""
    cut = raw_value.value.get("cut") if isinstance(raw_value.value, dict) else None
    path: Path = (*raw_value.path, "cut")
    match cut:
        case list():
            groups: list[tuple[Path, Any]] = [((*path, number), group) for number, group in enumerate(cut)]
        case {"from": source, "to": to}:
            groups = [((*path, "from"), source), ((*path, "to"), to)]
        case _:
            return []
    single = isinstance(cut, dict)
    return [
        [((*at, index), name) for index, name in enumerate(group)] if isinstance(group, list) else [(at, group)]
        for at, group in groups
        if isinstance(group, list) or (single and isinstance(group, str))
    ]


def _has_ipv6(raw: RawScenario, node: str) -> bool:
    networks = raw.attachments(raw.machines.get(node, node))
    return any(raw.networks.get(network, {}).get("ipv6") is True for network in networks)


def _machines(raw: RawScenario, name: Any) -> tuple[str, ...]:
    """The machines for which a name stands; none where it is no text."""
    return raw.groups.get(name, (name,)) if isinstance(name, str) else ()
