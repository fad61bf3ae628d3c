"""The zones and records of a file as far as they can be understood, as rules need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.records import TYPES, below
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path


class NamedRecords(NamedTuple):
    """The records of one name, for all who ask or for those on one network.

    Where they stand, in which zone, the name as written and whole, and the values as written. `dangling` is said of the
    name, whoever asks.
    """

    path: Path
    zone: str
    owner: str
    sets: Mapping[str, Any]
    network: str | None = None
    dangling: bool = False

    @property
    def name(self) -> str:
        return below(self.owner, self.zone)

    def values(self, *kinds: str) -> Iterator[tuple[Path, str, str]]:
        """Where each value stands, its type, and the value, where it is a text."""
        for kind in kinds or TYPES:
            value = self.sets.get(kind)
            if isinstance(value, str):
                yield (*self.path, kind), kind, value
            for index, item in enumerate(value if isinstance(value, list) else ()):
                if isinstance(item, str):
                    yield (*self.path, kind, index), kind, item


class Zone(NamedTuple):
    """One zone of one server: where it stands, its name, what is said of it."""

    path: Path
    node: str
    name: str
    values: Mapping[str, Any]

    def part(self, key: str) -> dict[str, Any]:
        part = self.values.get(key)
        return part if isinstance(part, dict) else {}

    def delegates(self) -> Iterator[tuple[Path, str, str]]:
        """Where it is said, the whole name of the part, and the server, for each that is named."""
        for label, named in self.part("delegates").items():
            path = (*self.path, "delegates", label)
            names = [(path, named)] if isinstance(named, str) else enumerate_at(path, named)
            yield from ((at, below(label, self.name), server) for at, server in names)

    def lame(self) -> Iterator[tuple[Path, str, str]]:
        """Where it is said, the name as it is written, and the whole name, of each part that is delegated in vain."""
        path = (*self.path, "lame")
        yield from ((at, label, below(label, self.name)) for at, label in enumerate_at(path, self.values.get("lame")))


def enumerate_at(path: Path, named: Any) -> list[tuple[Path, str]]:
    """The texts of a list with the place of each; none where it is no list."""
    listed = named if isinstance(named, list) else []
    return [((*path, index), item) for index, item in enumerate(listed) if isinstance(item, str)]


def _answers_names(raw: RawScenario, node_name: str) -> bool:
    role = raw.role(node_name)
    return role is not None and role.serves == ApplicationProtocol.DNS


def zones(raw: RawScenario) -> Iterator[Zone]:
    """Every zone that a server is said to answer for."""
    for node in raw.nodes:
        declared = raw.nodes[node].get("zones")
        if _answers_names(raw, node) and isinstance(declared, dict):
            for name, values in declared.items():
                yield Zone(("nodes", node, "zones", name), node, name, values if isinstance(values, dict) else {})


def is_plain(values: Mapping[str, Any]) -> bool:
    """Whether a server has no setting of what it answers: it serves the lab's domain."""
    return not (values.get("zones") or values.get("hints") or values.get("forward"))


def served(raw: RawScenario) -> dict[str, list[str]]:
    """The name under which a server is declared -> the zones that it answers for."""
    servers = [name for name in raw.nodes if _answers_names(raw, name)]
    zones_by_server = {name: [raw.domain] if is_plain(raw.nodes[name]) and raw.domain else [] for name in servers}
    for zone in zones(raw):
        zones_by_server[zone.node].append(zone.name)
    return zones_by_server


def named_records(raw: RawScenario) -> tuple[NamedRecords, ...]:
    """The records of every name: those of the lab's domain, then those of the servers' zones; after those that all are
    told, those of each network."""
    places: list[tuple[Path, str, dict[str, Any]]] = [(("records",), raw.domain or "", raw.records)]
    places += [((*zone.path, "records"), zone.name, zone.part("records")) for zone in zones(raw)]
    return tuple(
        named
        for path, zone, records in places
        for owner, sets in records.items()
        for named in _of_each_network((*path, owner), zone, owner, sets if isinstance(sets, dict) else {})
    )


def _of_each_network(path: Path, zone: str, owner: str, sets: Mapping[str, Any]) -> Iterator[NamedRecords]:
    dangling = sets.get("dangling") is True
    yield NamedRecords(path, zone, owner, sets, dangling=dangling)
    for network, own in networks_of(sets).items():
        if isinstance(own, dict):
            yield NamedRecords((*path, "per_network", network), zone, owner, own, network, dangling)


def networks_of(sets: Mapping[str, Any]) -> Mapping[str, Any]:
    """Network -> what is written there in place of the records of a name."""
    per_network = sets.get("per_network")
    return per_network if isinstance(per_network, dict) else {}


def full_names(raw: RawScenario) -> dict[str, None]:
    """Every name that somebody bears: nodes and groups in the lab's domain, and the names of records."""
    nodes = (f"{name}.{raw.domain}" for name in (*raw.node_names, *raw.groups))
    return dict.fromkeys([*nodes, *(records.name for records in named_records(raw))])


def covers(names: Mapping[str, Any], name: str) -> bool:
    """Whether a name is there, by itself or by a wildcard above it (RFC 4592)."""
    labels = name.split(".")
    return name in names or any(f"*.{'.'.join(labels[at:])}" in names for at in range(1, len(labels)))
