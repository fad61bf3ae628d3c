"""named.conf and the zones of a DNS node, written from the topology (RFC 1035, section 5; BIND 9 reference manual)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from orchestrator.model.roles.role import FILES_AT

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology

TTL = 60  # seconds

# controls, pid-file and session-keyfile would need a writable disk; the default cache of 90 % of the host's memory
# would break the node's limit; empty-zones would answer for 192.168.x.y before our own zones do.
OPTIONS = """\
options {
    directory "/run/named";
    pid-file none;
    session-keyfile none;
    managed-keys-directory "/run/named";
    listen-on port 53 { any; };
    listen-on-v6 { none; };
    recursion yes;
    allow-query { any; };
    dnssec-validation no;
    empty-zones-enable no;
    max-cache-size 16m;
    notify no;
    minimal-responses no-auth-recursive;
    rrset-order { order cyclic; };
    querylog yes;
};
controls {};
logging {
    channel lab { stderr; severity info; print-time iso8601-utc; print-category yes; };
    category default { lab; };
    category queries { lab; };
};
"""


def files(topology: Topology, node: str) -> Mapping[str, str]:
    """File name below /wirelab -> text, for one DNS node.

    With several networks each has a view of its own (BIND 9 reference manual, "view"): a name leads to the address
    on the network from which the question came.
    """
    if len(topology.subnets) == 1:
        entries, texts = _zone_entries(topology, node, None)
        return {"named.conf": OPTIONS + entries, **texts}
    conf, all_texts = [OPTIONS], {}
    for network, subnet in topology.subnets.items():
        entries, texts = _zone_entries(topology, node, network)
        conf.append(f'view "{network}" {{\nmatch-clients {{ {subnet}; }};\n{entries}}};\n')
        all_texts.update(texts)
    first = next(iter(topology.subnets))
    entries, _ = _zone_entries(topology, node, first)
    # Whoever asks from elsewhere, such as the node itself on loopback, has the view of the first network.
    conf.append(f'view "elsewhere" {{\nmatch-clients {{ any; }};\n{entries}}};\n')
    return {"named.conf": "".join(conf), **all_texts}


def _zone_entries(topology: Topology, node: str, network: str | None) -> tuple[str, dict[str, str]]:
    """The zone statements of named.conf, and the texts of the zones by file name."""
    end = f".{network}.zone" if network else ".zone"
    entries, texts = "", {}
    for name, text in _zones(topology, node, network).items():
        file = (name.strip(".") or "root") + end
        entries += f'zone "{name}" {{ type primary; file "{FILES_AT}/{file}"; }};\n'
        texts[file] = text
    return entries, texts


def _zones(topology: Topology, node: str, network: str | None) -> dict[str, str]:
    """Zone name -> its text: the domain, one reverse zone a subnet, and a root that knows nothing else."""
    server = f"{topology.name_of(node)}."
    zones = {topology.scenario.domain: zone_text(topology.scenario.domain, server, _forward(topology, network))}
    for subnet in topology.subnets.values():
        for name in reverse_zones(subnet):
            zones[name] = zone_text(name, server, _reverse(topology, name))
    # BIND loads no zone whose server has no address in it.
    zones["."] = zone_text(".", server, [(server, "A", str(a)) for a in topology.told_on(network, node)])
    return zones


# (owner, type, value) of a record, all as text with absolute names
Record = tuple[str, str, str]


def _forward(topology: Topology, network: str | None) -> list[Record]:
    """Each node's addresses as they are told on a network."""
    return [
        (f"{topology.name_of(node)}.", "A", str(address))
        for node in topology.names
        for address in topology.told_on(network, node)
    ]


def _reverse(topology: Topology, zone: str) -> list[Record]:
    return [
        (f"{place.address.reverse_pointer}.", "PTR", f"{topology.name_of(place.node)}.")
        for place in topology.places
        if place.address.reverse_pointer.endswith("." + zone)
    ]


def reverse_zones(subnet: IPv4Network) -> tuple[str, ...]:
    """The in-addr.arpa zones that cover a subnet, on whole octets (RFC 1035, section 3.5).

    A /23 needs two /24 zones, a /26 lies inside one; several subnets may share a zone.
    """
    octets = max(1, min(3, (subnet.prefixlen + 7) // 8))
    parts = [subnet] if subnet.prefixlen >= octets * 8 else list(subnet.subnets(new_prefix=octets * 8))
    return tuple(".".join(reversed(str(part.network_address).split(".")[:octets])) + ".in-addr.arpa" for part in parts)


def zone_text(name: str, server: str, records: list[Record]) -> str:
    """A zone as a master file, every name absolute.

    The serial is a hash of the records: it changes when they do, and the same input gives the same bytes. The last
    number of the SOA is how long "no such name" may be kept (RFC 2308, section 4).
    """
    # Here, for most commands write no zones, and this library is long in loading.
    import dns.name
    import dns.rdata
    import dns.zone

    serial = zlib.crc32(repr((name, server, sorted(records))).encode()) or 1
    soa = f"{server} hostmaster.{server} {serial} 3600 600 86400 5"
    origin = dns.name.from_text(name)
    zone = dns.zone.Zone(origin, relativize=False)
    for owner, kind, value in [(origin.to_text(), "SOA", soa), (origin.to_text(), "NS", server), *records]:
        dataset = zone.find_rdataset(dns.name.from_text(owner), kind, create=True)
        dataset.add(dns.rdata.from_text("IN", kind, value, origin, relativize=False), TTL)
    return zone.to_text(sorted=True, relativize=False)
