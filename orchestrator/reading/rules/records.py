"""Rules about records and zones: what a DNS server would refuse, never say, or say of somebody who is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.model.records import IN_NODE, NAMING, TYPES, absolute
from orchestrator.model.values import is_name
from orchestrator.reading.document import Complaint
from orchestrator.reading.draft import Draft
from orchestrator.reading.words import Hints, listed, short
from orchestrator.reading.zones import covers, owned, served, zones

# How many numbers stand before the name.
WORDS_BEFORE = {"MX": 1, "SRV": 3}


def domain_has_a_server(draft: Draft) -> Iterator[Complaint]:
    """Records of the lab's domain are told by somebody: a dns node answers for it."""
    if draft.records and draft.nodes and not any(draft.domain in names for names in served(draft).values()):
        message = f"no node answers for {draft.domain!r}, so nobody tells these records; "
        message += f"add one: dns: {{role: dns}}, or give a dns node zones: {{{draft.domain}: }}"
        yield Complaint(("records",), message, at_key=True)


def an_alias_stands_alone(draft: Draft) -> Iterator[Complaint]:
    """A name with a CNAME has no other record, and is not the zone itself (RFC 1034, section 3.6.2)."""
    for one in owned(draft):
        if "CNAME" not in one.sets:
            continue
        others = [kind for kind in TYPES if kind in one.sets and kind != "CNAME"]
        if one.path[-1] == "@":
            message = "the zone itself cannot be an alias: it has SOA and NS records (RFC 1034, section 3.6.2)"
            yield Complaint((*one.path, "CNAME"), message, at_key=True)
        elif others:
            message = (
                f"{one.path[-1]!r} has a CNAME and {listed(others)}; an alias stands alone (RFC 1034, section 3.6.2)"
            )
            yield Complaint((*one.path, "CNAME"), message, at_key=True)


def nodes_keep_their_addresses(draft: Draft) -> Iterator[Complaint]:
    """A node's own name leads to the node: its addresses are not written, and it is no alias."""
    for one in owned(draft):
        name = one.name.removesuffix(f".{draft.domain}")
        if one.zone != draft.domain or name not in (*draft.machines, *draft.groups):
            continue
        for kind in ("A", "AAAA", "CNAME", "NS"):
            if kind in one.sets:
                message = (
                    f"{name!r} is a node, and its name leads to its own addresses; take another name for this {kind}"
                )
                yield Complaint((*one.path, kind), message, at_key=True)


def records_lead_somewhere(draft: Draft) -> Iterator[Complaint]:
    """A name to which a record leads is there, where it lies in a zone of this lab."""
    there = told_names(draft)
    own = [zone for names in served(draft).values() for zone in names if zone != "."]
    hints = Hints(there)
    for one in owned(draft):
        for path, kind, value in one.values(*NAMING):
            if value.count(" ") != WORDS_BEFORE.get(kind, 0):  # that has its own complaint
                continue
            name = absolute(value.rpartition(" ")[2], one.zone).lower()
            if is_name(name) and "$" not in name and _inside(name, own) and not covers(there, name):
                yield Complaint(
                    path, f"nobody has the name {short(name)!r}{hints.of(name)} the names are {listed(there)}"
                )


def names_have_records(draft: Draft) -> Iterator[Complaint]:
    """A name among the records has a record."""
    for one in owned(draft):
        if set(one.sets) <= {*TYPES, "ttl"} and all(one.sets.get(kind) is None for kind in TYPES):
            yield Complaint(one.path, f"this name has no record; give it one of {listed(TYPES)}", at_key=True)


def owners_stand_inside(draft: Draft) -> Iterator[Complaint]:
    """Records stand under their names inside the zone, without the zone's own name."""
    for one in owned(draft):
        owner = str(one.path[-1])
        if one.zone and f".{owner}".endswith(f".{one.zone}"):
            inside = owner[: -len(one.zone)].rstrip(".") or "@"
            message = f"names stand inside the zone here, so this one would be {short(one.name)!r}; write {inside!r}"
            yield Complaint(one.path, message, at_key=True)


def names_are_no_addresses(draft: Draft) -> Iterator[Complaint]:
    """A record that leads to a name does not lead to an address: only A and AAAA do."""
    for one in owned(draft):
        for path, kind, value in one.values(*NAMING):
            name = value.rpartition(" ")[2]
            if "." in name and re.fullmatch(r"[0-9][0-9.]+", name):
                message = f"{short(name)!r} is like an address, and {kind} leads to a name; an address stands in an A"
                yield Complaint(path, message)


def aliases_end(draft: Draft) -> Iterator[Complaint]:
    """An alias leads to a name that is none, not back to itself (RFC 1034, section 3.6.2)."""
    leads = {
        one.name: (path, absolute(value, one.zone)) for one in owned(draft) for path, _, value in one.values("CNAME")
    }
    told: set[str] = set()
    for start in leads:
        way = [start]
        while way[-1] in leads and leads[way[-1]][1] not in way:
            way.append(leads[way[-1]][1])
        if way[-1] in leads and leads[way[-1]][1] == start and start not in told:
            told.update(way)
            words = " -> ".join([*way, start]) if len(way) < 12 else f"{len(way)} names, {start} among them"
            yield Complaint(leads[start][0], f"the aliases form a circle: {words}; one of them must lead to a machine")


def servers_have_names_of_their_own(draft: Draft) -> Iterator[Complaint]:
    """MX, SRV and NS name a machine, never an alias (RFC 2181, section 10.3)."""
    aliases = {one.name: str(one.sets["CNAME"]) for one in owned(draft) if "CNAME" in one.sets}
    for one in owned(draft):
        for path, kind, value in one.values("MX", "SRV", "NS"):
            name = absolute(value.rpartition(" ")[2], one.zone)
            if name in aliases:
                message = f"{name!r} is an alias, and {kind} must name a machine (RFC 2181, section 10.3)"
                yield Complaint(path, f"{message}; write {aliases[name]}")


def record_addresses_are_nodes(draft: Draft) -> Iterator[Complaint]:
    """${NODE} in a record is a node, with IPv6 where it stands for an AAAA."""
    names = (*draft.machines, *draft.groups)
    hints = Hints(names)
    for one in owned(draft):
        for path, kind, value in one.values("A", "AAAA"):
            node = value[2:-1] if IN_NODE.fullmatch(value) else None
            if node is None:
                continue
            if node not in names:
                yield Complaint(path, f"there is no node {short(node)!r}{hints.of(node)} the nodes are {listed(names)}")
            elif kind == "AAAA" and not any(draft.has_ipv6(name) for name in draft.groups.get(node, (node,))):
                yield Complaint(path, f"{node!r} has no IPv6 address; write ipv6: true for one of its networks")


def delegated_parts_are_served(draft: Draft) -> Iterator[Complaint]:
    """A server to which a part of a zone is given answers for that part."""
    known = served(draft)
    for zone in zones(draft):
        for path, part, server in zone.delegates():
            own = known.get(draft.machines.get(server, server))
            if own is not None and part not in own:
                message = f"{server!r} does not answer for {part!r}; its zones are {listed(own)}; "
                yield Complaint(path, f"{message}give it zones: {{{part}: }}")


def nothing_below_a_delegation(draft: Draft) -> Iterator[Complaint]:
    """What lies in a part that is given away is told by others: a record there is never seen (RFC 1034, 4.2.1)."""
    given = {(zone.name, part): server for zone in zones(draft) for _, part, server in zone.delegates()}
    for one in owned(draft):
        for (zone, part), server in given.items():
            if one.zone == zone and f".{one.name}".endswith(f".{part}"):
                message = (
                    f"{one.name!r} lies in {part!r}, which {server!r} answers for; write it in the zones of {server!r}"
                )
                yield Complaint(one.path, message, at_key=True)


def told_names(draft: Draft) -> dict[str, None]:
    """Every name that somebody tells: of nodes, of records, of zones and of their delegated parts."""
    parts = (part for zone in zones(draft) for _, part, _ in zone.delegates())
    own = (zone for names in served(draft).values() for zone in names if zone != ".")
    return dict.fromkeys([*draft.full_names, *own, *parts])


def _inside(name: str, own: list[str]) -> bool:
    return any(f".{name}".endswith(f".{zone}") for zone in own)
