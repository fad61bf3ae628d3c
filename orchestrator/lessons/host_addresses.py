"""To which addresses a host of a lab leads, whoever asks: a node, a name in the lab's DNS, an address, localhost."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.roles.dns.servers import address_records
from orchestrator.model.topology import Topology

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
LONGEST_CHAIN = 8  # of names that are aliases; most resolvers follow no more


def host_addresses(topology: Topology, host: str) -> tuple[str, ...]:
    """The addresses of a node by its name or its name in the lab's DNS, of a record, or the address itself."""
    return tuple(dict.fromkeys(_addresses(topology, host.lower(), LONGEST_CHAIN)))


def known_hosts(topology: Topology) -> tuple[str, ...]:
    """All hosts whose addresses are known by a name; no wildcard."""
    records = (name for name in address_records(topology.scenario) if not name.startswith("*"))
    return tuple(dict.fromkeys(("localhost", *topology.names, *map(topology.name_of, topology.names), *records)))


def _addresses(topology: Topology, host: str, longest_chain: int) -> Iterator[str]:
    if host == "localhost":
        yield from LOOPBACK_ADDRESSES
        return
    for name in topology.names:
        if host in (name, topology.name_of(name)):
            yield from map(str, topology.addresses_of(name))
            return
    leads = address_records(topology.scenario).get(host, ())
    if not leads or not longest_chain:
        yield host.strip("[]")
    for target in leads:
        yield from _addresses(topology, target.removeprefix("${").removesuffix("}"), longest_chain - 1)
