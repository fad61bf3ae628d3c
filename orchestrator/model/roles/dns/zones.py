"""The zones of a DNS server as master files, written from the topology (RFC 1035, section 5)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.model.records import IN_NODE, Records, absolute, address_of, below
from orchestrator.model.roles.dns.servers import (
    ROOT,
    closest_zone,
    forward_zones,
    knows_no_other_names,
    serving,
    zones_of,
)
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.model.attachment import Version
    from orchestrator.model.topology_view import TopologyView

# The networks of an asker, that from which it asks first; none where the lab has one network.
View = tuple[str, ...]
TTL = 60  # seconds
NEGATIVE_TTL = 5  # seconds
ADDRESSES: Mapping[str, Version] = {"A": 4, "AAAA": 6}


class ResourceRecord(NamedTuple):
    """One record: its owner as a whole name with the last dot, type, value, and its own ttl if it has one."""

    owner: str
    kind: str
    value: str
    ttl: int | None = None


@dataclass(frozen=True)
class ZoneFile:
    """What a zone's file holds beside its SOA and NS, and for how long it may be kept."""

    name: str
    servers: tuple[str, ...]
    records: tuple[ResourceRecord, ...]
    ttl: int = TTL
    negative_ttl: int = NEGATIVE_TTL

    def text(self) -> str:
        return zone_text(self)


@dataclass(frozen=True)
class Writer:
    """Writes the zones of one server as they are told to askers on these networks, who ask from the first one.

    There are none where the lab has one network.
    """

    topology: TopologyView
    node: str
    networks: View
    domain: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", self.topology.scenario.domain)

    def zones(self) -> dict[str, ZoneFile]:
        """Zone name -> its file: the declared zones, those of the lab's addresses beside its domain, and the root."""
        scenario = self.topology.scenario
        files = {name: self._declared(name, zone) for name, zone in zones_of(scenario, self.node).items()}
        if self.domain in files:
            for name in self._reverse_zones():
                files.setdefault(
                    name, ZoneFile(name, self._names(serving(scenario, self.domain)), self._pointers(name))
                )
        if knows_no_other_names(scenario.nodes[self.node]) and ROOT not in files:
            # A root that knows nothing: every other name is NXDOMAIN at once. BIND loads no zone whose server has
            # no address in it.
            files[ROOT] = ZoneFile(ROOT, self._names((self.node,)), tuple(self._addresses_of(self.node)))
        for domain, servers in forward_zones(scenario.nodes[self.node]).items():
            # BIND looks into its own zones first: the one above a forwarded domain must give that away.
            if (above := closest_zone(domain, files)) is not None:
                given = tuple(dict.fromkeys((*files[above].records, *self._given_away({domain: servers}, above))))
                files[above] = replace(files[above], records=given)
        return files

    def _declared(self, name: str, zone: Any) -> ZoneFile:
        named = serving(self.topology.scenario, name)
        records = [record for server in named for record in self._glue(server, name)]
        if name == self.domain:
            records += [record for node in self.topology.names for record in self._addresses_of(node)]
            records += self._written(self.topology.scenario.records, name)
        if zone is not None:
            records += self._written(zone.records, name)
        records += self._delegations(name, zone.delegates if zone else {})
        times = (zone.ttl, zone.negative_ttl) if zone else (TTL, NEGATIVE_TTL)
        return ZoneFile(name, self._names(named), tuple(dict.fromkeys(records)), *times)

    def _names(self, nodes: Iterable[str]) -> tuple[str, ...]:
        return tuple(f"{self.topology.name_of(node)}." for node in nodes)

    def _addresses_of(self, node: str) -> Iterator[ResourceRecord]:
        for kind, version in ADDRESSES.items():
            for address in self.topology.addresses_from(self.networks, node, version):
                yield ResourceRecord(f"{self.topology.name_of(node)}.", kind, str(address))

    def _glue(self, server: str, zone: str) -> Iterator[ResourceRecord]:
        """The addresses of a server whose own name lies inside the zone (RFC 1034, section 4.2.1)."""
        if zone == ROOT or f".{self.topology.name_of(server)}".endswith(f".{zone}"):
            yield from self._addresses_of(server)

    def _delegations(self, zone: str, delegates: Mapping[str, str | tuple[str, ...]]) -> Iterator[ResourceRecord]:
        parts = {below(label, zone): (who,) if isinstance(who, str) else who for label, who in delegates.items()}
        if zone == ROOT:
            known = {**dict.fromkeys(self._reverse_zones(), serving(self.topology.scenario, self.domain)), **parts}
            own = zones_of(self.topology.scenario, self.node)
            parts = {name: who for name, who in known.items() if name not in own}
        yield from self._given_away(parts, zone)

    def _given_away(self, parts: Mapping[str, tuple[str, ...]], zone: str) -> Iterator[ResourceRecord]:
        """The NS records of parts of a zone, by their whole names, and the addresses of the servers where needed."""
        for name, who in parts.items():
            for server in who:
                yield ResourceRecord(f"{name}.", "NS", f"{self.topology.name_of(server)}.")
                yield from self._glue(server, zone)

    def _written(self, records: Records, zone: str) -> Iterator[ResourceRecord]:
        asked_from = next(iter((*self.networks, *self.topology.subnets)))
        for owner, record_set in records.items():
            records_there = record_set.seen_from(asked_from)
            if records_there is None:
                continue
            for kind, value in records_there.values():
                for rdata in self.rdata(kind, value, zone):
                    yield ResourceRecord(f"{below(owner, zone)}.", kind, rdata, records_there.ttl)

    def rdata(self, kind: str, value: str, zone: str) -> Iterator[str]:
        """A written value as a master file has it; ${NODE} may be several addresses."""
        if kind in ADDRESSES and IN_NODE.fullmatch(value):
            yield from map(str, self.topology.addresses_from(self.networks, str(address_of(value)), ADDRESSES[kind]))
        elif kind in ADDRESSES:
            yield value
        elif kind == "TXT":
            yield quoted(value)
        else:
            *numbers, name = value.split(" ")
            yield " ".join((*numbers, "." if name == "." else f"{absolute(name, zone)}."))

    def _reverse_zones(self) -> tuple[str, ...]:
        names = [name for subnet in self.topology.subnets.values() for name in reverse_zones(subnet)]
        names += [name for subnet6 in self.topology.subnets6.values() for name in reverse_zones(subnet6)]
        return tuple(dict.fromkeys(names))

    def _pointers(self, zone: str) -> tuple[ResourceRecord, ...]:
        return tuple(
            ResourceRecord(f"{name}.", "PTR", f"{self.topology.name_of(node)}.")
            for name, node in self.topology.pointers
            if name.endswith("." + zone)
        )


def hints(topology: TopologyView, node: str, roots: Iterable[str]) -> str:
    """The file from which a resolver learns where the root servers are (RFC 9609)."""
    lines = []
    for root in roots:
        address, name = topology.address_for(node, root), f"{topology.name_of(root)}."
        lines += [f". {TTL} IN NS {name}\n", f"{name} {TTL} IN A {address}\n"]
    return "".join(lines)


def reverse_zones(subnet: IPv4Network | IPv6Network) -> tuple[str, ...]:
    """The in-addr.arpa or ip6.arpa zones that cover a subnet (RFC 1035, section 3.5; RFC 3596, section 2.5).

    On whole octets: a /23 needs two /24 zones, a /26 lies inside one; several subnets may share a zone. With IPv6 on
    the digits of a /64, which every network of a lab is.
    """
    if subnet.version == 6:
        return (subnet.network_address.reverse_pointer.split(".", 32 - subnet.prefixlen // 4)[-1],)
    octets = max(1, min(3, (subnet.prefixlen + 7) // 8))
    parts = [subnet] if subnet.prefixlen >= octets * 8 else list(subnet.subnets(new_prefix=octets * 8))
    return tuple(".".join(reversed(str(part.network_address).split(".")[:octets])) + ".in-addr.arpa" for part in parts)


def quoted(text: str) -> str:
    """A text as TXT has it: strings of at most 255 bytes in quotes, other bytes than ASCII as \\DDD (RFC 1035, 5.1)."""
    encoded = text.encode()
    parts = [encoded[at : at + 255] for at in range(0, len(encoded), 255)]
    return " ".join('"' + "".join(map(_character, part)) + '"' for part in parts)


def _character(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"


def changed_zone(text: str, zone: str, name: str, kind: str, values: Iterable[str]) -> str:
    """A zone's text in which a name has just these values of a type; none: the records are taken away.

    The serial is another one, as it must be after a change (RFC 1035, section 3.3.13). Raises ValueError if a value is
    none of the type.
    """
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.zone

    origin = dns.name.from_text(zone)
    read = dns.zone.from_text(text, origin, relativize=False)
    owner = dns.name.from_text(name)
    before = read.get_rdataset(owner, kind)
    ttl = before.ttl if before else read.find_rdataset(origin, "SOA").ttl
    read.delete_rdataset(owner, kind)
    try:
        for value in values:
            read.find_rdataset(owner, kind, create=True).add(
                dns.rdata.from_text("IN", kind, value, origin, relativize=False), ttl
            )
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from error
    soa = read.find_rdataset(origin, "SOA")
    serial = zlib.crc32(text.encode() + repr((name, kind, tuple(values))).encode()) or 1
    soa.add(soa[0].replace(serial=serial), soa.ttl)
    return read.to_text(sorted=True, relativize=False)


def zone_text(zone: ZoneFile) -> str:
    """A zone as a master file, every name absolute, sorted by owner from the right, with one ttl for a set of records.

    The serial is a hash of the records: it changes when they do, and the same input gives the same bytes. The last
    number of the SOA is how long "no such name" may be kept (RFC 2308, section 4).
    """
    contents = repr((zone.name, zone.servers, zone.ttl, zone.negative_ttl, sorted(map(repr, zone.records))))
    first = zone.servers[0]
    serial = zlib.crc32(contents.encode()) or 1
    soa = f"{first} hostmaster.{first} {serial} 3600 600 86400 {zone.negative_ttl}"
    origin = zone.name if zone.name == ROOT else f"{zone.name}."
    # What is kept of "no such name" is the smaller of the SOA's own ttl and its last number.
    apex = [
        ResourceRecord(origin, "SOA", soa, max(zone.ttl, zone.negative_ttl)),
        *(ResourceRecord(origin, "NS", name) for name in zone.servers),
    ]
    sets: dict[tuple[str, str], dict[str, int]] = {}
    for owner, kind, value, ttl in (*apex, *zone.records):
        sets.setdefault((owner, kind), {})[value] = zone.ttl if ttl is None else ttl
    lines = []
    for owner, kind in sorted(sets, key=_from_the_right):
        values = sets[owner, kind]
        ttl = min(values.values())  # the records of a set have one ttl (RFC 2181, section 5.2)
        lines += [f"{owner} {ttl} IN {kind} {value}\n" for value in values]
    return "".join(lines)


def _from_the_right(record_key: tuple[str, str]) -> list[str]:
    """The labels of an owner, the last one first; so a zone begins with its own name."""
    return record_key[0].split(".")[::-1]
