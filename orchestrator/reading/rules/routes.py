"""Rules about ways between networks: routers that join, routes that lead somewhere, cuts that cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.reading.document import Complaint
from orchestrator.reading.draft import Draft
from orchestrator.reading.words import listed


def routers_join_networks(draft: Draft) -> Iterator[Complaint]:
    """A router stands on two networks or more."""
    for node in _routers(draft):
        networks = tuple(draft.attachments(node))
        if len(networks) < 2:
            message = f"the router {node!r} joins networks, but stands only on {listed(networks)}; give it two or more"
            yield Complaint(("nodes", node), message, at_key=True)


def routed_networks_have_no_ipv6(draft: Draft) -> Iterator[Complaint]:
    """On a network with a router there is no IPv6, for routers pass only IPv4 on."""
    joined = {name: node for node in reversed(_routers(draft)) for name in draft.attachments(node)}
    for name, values in draft.networks.items():
        if values.get("ipv6") is True and name in joined:
            message = f"the router {joined[name]!r} stands on {name!r}, and routers pass only IPv4 on; leave ipv6 out"
            yield Complaint(("networks", name, "ipv6"), f"{message}, or take the router from this network")


def routes_lead_somewhere(draft: Draft) -> Iterator[Complaint]:
    """A node's routes name networks that routers reach from it, and none on which it stands."""
    for node, values in draft.nodes.items():
        named = values.get("routes")
        if not isinstance(named, list):
            continue
        own = tuple(draft.attachments(node))
        reached = _reached(draft, node, own)
        if not reached:
            message = f"no router stands on a network of {node!r}, so it has no routes to choose from; leave this out"
            yield Complaint(("nodes", node, "routes"), message, at_key=True)
            continue
        for index, name in enumerate(named):
            if name in own:
                message = f"{node!r} stands on {name!r} itself and needs no route there; leave it out"
                yield Complaint(("nodes", node, "routes", index), message)
            elif isinstance(name, str) and name in draft.networks and name not in reached:
                message = f"no router leads from {node!r} to {name!r}; routers reach {listed(reached)}"
                yield Complaint(("nodes", node, "routes", index), message)


def _reached(draft: Draft, node: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """The networks to which other nodes that are routers lead, in the order of the file."""
    joins = [set(draft.attachments(router)) for router in _routers(draft) if router != node]
    found, before = set(own), set[str]()
    while found != before:
        before = set(found)
        found |= {name for joined in joins if joined & before for name in joined}
    return tuple(name for name in draft.networks if name in found and name not in own)


def _routers(draft: Draft) -> tuple[str, ...]:
    return tuple(name for name in draft.nodes if (role := draft.role(name)) and role.forwards)


def cut_groups_are_apart(draft: Draft) -> Iterator[Complaint]:
    """No node stands in both groups of a cut: it cannot be cut from itself."""
    for met in draft.met:
        groups: Any = met.value.get("cut") if isinstance(met.value, dict) else None
        if not isinstance(groups, list) or len(groups) != 2 or not all(isinstance(group, list) for group in groups):
            continue
        one = {machine for name in groups[0] for machine in _machines(draft, name)}
        for index, name in enumerate(groups[1]):
            both = next((machine for machine in _machines(draft, name) if machine in one), None)
            if both:
                message = f"{both!r} stands in both groups; a node cannot be cut from itself"
                yield Complaint((*met.path, "cut", 1, index), message)


def cut_ipv6_is_there(draft: Draft) -> Iterator[Complaint]:
    """Only IPv6 is cut where both groups have it: otherwise nothing would be cut."""
    for met in draft.met:
        if not isinstance(met.value, dict) or met.value.get("only") != "ipv6":
            continue
        groups = met.value.get("cut")
        for group in groups if isinstance(groups, list) else ():
            named = group if isinstance(group, list) else []
            nodes = [name for name in named if isinstance(name, str) and draft.values_of(name)]
            if nodes and not any(_has_ipv6(draft, node) for node in nodes):
                message = f"{listed(nodes)} has no IPv6, so nothing would be cut; leave this out"
                yield Complaint((*met.path, "only"), f"{message}, or give its network ipv6: true")
                break


def _has_ipv6(draft: Draft, node: str) -> bool:
    networks = draft.attachments(draft.machines.get(node, node))
    return any(draft.networks.get(network, {}).get("ipv6") is True for network in networks)


def _machines(draft: Draft, name: Any) -> tuple[str, ...]:
    """The machines for which a name stands; none where it is no text."""
    return draft.groups.get(name, (name,)) if isinstance(name, str) else ()
