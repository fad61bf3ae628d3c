"""Rules about records and zones: what a DNS server would refuse, never say, or say of somebody who is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from orchestrator.model.records import IN_NODE, NAMING, TYPES, absolute
from orchestrator.model.values import is_name
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.spelling import Hints
from orchestrator.reading.zones import covers, full_names, named_records, networks_of, served, zones

# How many numbers stand before the name.
WORDS_BEFORE = {"MX": 1, "SRV": 3}
# BIND 9.20 refuses the whole zone otherwise (max-records-per-type).
MOST_OF_A_TYPE = 100


def domain_has_a_server(raw: RawScenario) -> Iterator[Violation]:
    """Records of the lab's domain are told by somebody: a dns node answers for it."""
    if raw.records and raw.nodes and not any(raw.domain in names for names in served(raw).values()):
        message = f"no node answers for {raw.domain!r}, so nobody tells these records; "
        message += f"add one: dns: {{role: dns}}, or give a dns node zones: {{{raw.domain}: }}"
        yield Violation(("records",), message, at_key=True)


def an_alias_stands_alone(raw: RawScenario) -> Iterator[Violation]:
    """A name with a CNAME has no other record, and is not the zone itself (RFC 1034, section 3.6.2)."""
    for records in named_records(raw):
        if "CNAME" not in records.sets:
            continue
        others = [kind for kind in TYPES if kind in records.sets and kind != "CNAME"]
        if records.owner == "@":
            message = "the zone itself cannot be an alias: it has SOA and NS records (RFC 1034, section 3.6.2)"
            yield Violation((*records.path, "CNAME"), message, at_key=True)
        elif others:
            what = f"{records.owner!r} has a CNAME and {listed(others)}"
            message = f"{what}; an alias stands alone (RFC 1034, section 3.6.2)"
            yield Violation((*records.path, "CNAME"), message, at_key=True)


def nodes_keep_their_addresses(raw: RawScenario) -> Iterator[Violation]:
    """A node's own name leads to the node: its addresses are not written, and it is no alias."""
    for records in named_records(raw):
        name = records.name.removesuffix(f".{raw.domain}")
        if records.zone != raw.domain or name not in (*raw.machines, *raw.groups):
            continue
        for kind in ("A", "AAAA", "CNAME", "NS"):
            if kind in records.sets:
                message = (
                    f"{name!r} is a node, and its name leads to its own addresses; take another name for this {kind}"
                )
                yield Violation((*records.path, kind), message, at_key=True)


def records_lead_somewhere(raw: RawScenario) -> Iterator[Violation]:
    """A name to which a record leads is there, where it lies in a zone of this lab."""
    there = resolvable_names(raw)
    own = [zone for names in served(raw).values() for zone in names if zone != "."]
    for records in named_records(raw):
        near_names = [name for name in there if name != records.name and name.endswith(f".{records.zone}")]
        hints = Hints(near_names, ending=f".{records.zone}")
        for path, kind, value in records.values(*NAMING):
            if value.count(" ") != WORDS_BEFORE.get(kind, 0):  # it is reported elsewhere
                continue
            name = absolute(value.rpartition(" ")[2], records.zone).lower()
            if kind == "CNAME" and (records.dangling or records.sets.get("dangling") not in (None, False)):
                continue
            if is_name(name) and "$" not in name and _inside(name, own) and not covers(there, name):
                message = f"nobody has the name {short(name)!r}{hints.of(name)} the names are {listed(there)}"
                message += "; an alias that leads nowhere on purpose says dangling: true" if kind == "CNAME" else ""
                yield Violation(path, message)


def dangling_aliases_lead_nowhere(raw: RawScenario) -> Iterator[Violation]:
    """`dangling` is said of an alias, and nobody has the name to which it leads."""
    there = resolvable_names(raw)
    for records in named_records(raw):
        if records.sets.get("dangling") is not True:
            continue
        place = (*records.path, "dangling")
        same_name = (other for other in named_records(raw) if other.path[: len(records.path)] == records.path)
        aliases = [value for named in same_name for _, _, value in named.values("CNAME")]
        if not aliases:
            yield Violation(place, "this is said of an alias, and the name has no CNAME; leave it out", at_key=True)
        for name in (absolute(value, records.zone).lower() for value in aliases):
            if covers(there, name):
                message = f"{short(name)!r} is there, so this alias leads somewhere; leave this out"
                yield Violation(place, message, at_key=True)


def names_have_records(raw: RawScenario) -> Iterator[Violation]:
    """A name among the records has a record."""
    for records in named_records(raw):
        known = set(records.sets) <= {*TYPES, "ttl", "dangling", "per_network"}
        # What is no mapping at all is told as such.
        known = known and isinstance(raw.at(records.path), dict | None)
        if known and all(records.sets.get(kind) is None for kind in TYPES) and not networks_of(records.sets):
            yield Violation(records.path, f"this name has no record; give it one of {listed(TYPES)}", at_key=True)


def owners_stand_inside(raw: RawScenario) -> Iterator[Violation]:
    """Records stand under their names inside the zone, without the zone's own name."""
    for records in named_records(raw):
        owner = records.owner
        if records.network is None and records.zone and f".{owner}".endswith(f".{records.zone}"):
            inside = owner[: -len(records.zone)].rstrip(".") or "@"
            message = (
                f"names stand inside the zone here, so this one would be {short(records.name)!r}; write {inside!r}"
            )
            yield Violation(records.path, message, at_key=True)


def names_are_no_addresses(raw: RawScenario) -> Iterator[Violation]:
    """A record that leads to a name does not lead to an address: only A and AAAA do."""
    for records in named_records(raw):
        for path, kind, value in records.values(*NAMING):
            name = value.rpartition(" ")[2]
            if "." in name and re.fullmatch(r"[0-9][0-9.]+", name):
                message = f"{short(name)!r} is like an address, and {kind} leads to a name; an address stands in an A"
                yield Violation(path, message)


def aliases_end(raw: RawScenario) -> Iterator[Violation]:
    """An alias leads to a name that is none, not back to itself (RFC 1034, section 3.6.2)."""
    reported: set[str] = set()
    for network in raw.networks:
        yield from _alias_circles(_aliases(raw, network), reported)


def _aliases(raw: RawScenario, network: str) -> dict[str, tuple[Path, str]]:
    """Alias -> where it stands and to which name it leads, for those who ask from a network."""
    named = named_records(raw)
    elsewhere = {(*records.path, "per_network", network) for records in named if network in networks_of(records.sets)}
    return {
        records.name: (path, absolute(value, records.zone))
        for records in named
        if records.network in (None, network) and (*records.path, "per_network", network) not in elsewhere
        for path, _, value in records.values("CNAME")
    }


def _alias_circles(leads: Mapping[str, tuple[Path, str]], reported: set[str]) -> Iterator[Violation]:
    for start in leads:
        way = [start]
        while way[-1] in leads and leads[way[-1]][1] not in way:
            way.append(leads[way[-1]][1])
        if way[-1] in leads and leads[way[-1]][1] == start and start not in reported:
            reported.update(way)
            words = " -> ".join([*way, start]) if len(way) < 12 else f"{len(way)} names, {start} among them"
            yield Violation(leads[start][0], f"the aliases form a loop: {words}; one of them must lead to a machine")


def servers_have_names_of_their_own(raw: RawScenario) -> Iterator[Violation]:
    """MX, SRV and NS name a machine, never an alias (RFC 2181, section 10.3)."""
    aliases = {records.name: str(records.sets["CNAME"]) for records in named_records(raw) if "CNAME" in records.sets}
    for records in named_records(raw):
        for path, kind, value in records.values("MX", "SRV", "NS"):
            name = absolute(value.rpartition(" ")[2], records.zone)
            if name in aliases:
                message = f"{name!r} is an alias, and {kind} must name a machine (RFC 2181, section 10.3)"
                yield Violation(path, f"{message}; write {aliases[name]}")


def record_addresses_are_nodes(raw: RawScenario) -> Iterator[Violation]:
    """${NODE} in a record is a node, with IPv6 where it stands for an AAAA."""
    names = (*raw.machines, *raw.groups)
    hints = Hints(names)
    for records in named_records(raw):
        for path, kind, value in records.values("A", "AAAA"):
            node = value[2:-1] if IN_NODE.fullmatch(value) else None
            if node is None:
                continue
            if node not in names:
                yield Violation(path, f"there is no node {short(node)!r}{hints.of(node)} the nodes are {listed(names)}")
            elif kind == "AAAA" and not any(raw.has_ipv6(name) for name in raw.groups.get(node, (node,))):
                yield Violation(path, f"{node!r} has no IPv6 address; write ipv6: true for one of its networks")


def delegated_parts_are_served(raw: RawScenario) -> Iterator[Violation]:
    """A server to which a part of a zone is given answers for that part, unless `lame` says that it does not."""
    known = served(raw)
    for zone in zones(raw):
        lame = {part for _, _, part in zone.lame()}
        for path, part, server in zone.delegates():
            own = known.get(raw.machines.get(server, server))
            if own is not None and part not in own and part not in lame:
                message = f"{server!r} does not answer for {part!r}; its zones are {listed(own)}; "
                message += f"give it zones: {{{part}: }}, or write lame: [{_label(path)}] if that is on purpose"
                yield Violation(path, message)


def lame_parts_are_not_served(raw: RawScenario) -> Iterator[Violation]:
    """`lame` names a delegated part, and a server to which that is given does not answer for it."""
    known = served(raw)
    for zone in zones(raw):
        servers = [(part, server) for _, part, server in zone.delegates()]
        for path, label, part in zone.lame():
            named = [server for delegated, server in servers if delegated == part]
            own = [known.get(raw.machines.get(server, server)) for server in named]
            if not named:
                parts = listed(list(zone.part("delegates")))
                yield Violation(path, f"{short(label)!r} is not delegated here; the parts under delegates are {parts}")
            elif all(zones_served is not None and part in zones_served for zones_served in own):
                answer = f"{listed(named)} answer{'s' if len(named) == 1 else ''} for {part!r}"
                yield Violation(path, f"{answer}, so this delegation is not lame; take it out of this list")


def _label(path: Path) -> str:
    """The name under `delegates` of which this place is the value, or a part of it."""
    return str(path[path.index("delegates") + 1])


def nothing_below_a_delegation(raw: RawScenario) -> Iterator[Violation]:
    """What lies in a part that is given away is told by others: a record there is never seen (RFC 1034, 4.2.1)."""
    given = {(zone.name, part): server for zone in zones(raw) for _, part, server in zone.delegates()}
    for records in named_records(raw):
        for (zone, part), server in given.items():
            if records.network is None and records.zone == zone and f".{records.name}".endswith(f".{part}"):
                what = f"{records.name!r} lies in {part!r}, which {server!r} answers for"
                message = f"{what}; write it in the zones of {server!r}"
                yield Violation(records.path, message, at_key=True)


def a_server_takes_the_records(raw: RawScenario) -> Iterator[Violation]:
    """BIND loads no zone in which a name has more records of one type."""
    for records in named_records(raw):
        for kind in TYPES:
            values = records.sets.get(kind)
            if isinstance(values, list) and len(values) > MOST_OF_A_TYPE:
                message = f"a DNS server takes at most {MOST_OF_A_TYPE} records of one type at a name"
                yield Violation((*records.path, kind), f"{message}; these are {len(values)}")


def resolvable_names(raw: RawScenario) -> dict[str, None]:
    """Every name that somebody tells: of nodes, of records, of zones and of their delegated parts."""
    parts = (part for zone in zones(raw) for _, part, _ in zone.delegates())
    own = (zone for names in served(raw).values() for zone in names if zone != ".")
    return dict.fromkeys([*full_names(raw), *own, *parts])


def _inside(name: str, own: list[str]) -> bool:
    return any(f".{name}".endswith(f".{zone}") for zone in own)
