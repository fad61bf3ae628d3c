"""Which DNS server does what: who answers for a zone, who finds answers for others, whom it asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.name_lookup import MOST_RESOLVERS
from orchestrator.model.records import absolute, below

if TYPE_CHECKING:
    from orchestrator.model.records import RecordSet
    from orchestrator.model.topology_view import ScenarioView

ROOT = "."


def servers(scenario: ScenarioView) -> tuple[str, ...]:
    """The DNS servers, in the order of the file."""
    return scenario.servers_of(ApplicationProtocol.DNS)


def is_plain(node: Any) -> bool:
    """A server without any setting of what it answers: it serves the lab's domain, and nothing else exists."""
    return node.zones is None and not node.hints and not node.forward


def recursive(node: Any) -> bool:
    """Whether the server finds answers for others."""
    if node.recursion is not None:
        return bool(node.recursion)
    return is_plain(node) or bool(node.hints or node.forward or node.forward_zones)


def knows_no_other_names(node: Any) -> bool:
    """Whether a server that finds answers for others has no way to names beyond its zones and forward zones."""
    return recursive(node) and not (node.hints or node.forward)


def zones_of(scenario: ScenarioView, node: str) -> Mapping[str, Any]:
    """Zone name -> what the server says of it (None: nothing special)."""
    declared = scenario.nodes[node]
    if declared.zones is not None:
        return dict(declared.zones)
    return {scenario.domain: None} if is_plain(declared) else {}


def serving(scenario: ScenarioView, zone: str) -> tuple[str, ...]:
    """The servers that answer for a zone with authority."""
    return tuple(node for node in servers(scenario) if zone in zones_of(scenario, node))


def default_resolvers(scenario: ScenarioView) -> tuple[str, ...]:
    """Whom a node asks that names nobody: those who resolve for others; where there is none, those of the domain."""
    resolving = tuple(node for node in servers(scenario) if recursive(scenario.nodes[node]))
    return (resolving or serving(scenario, scenario.domain) or servers(scenario))[:MOST_RESOLVERS]


def forward_zones(node: Any) -> dict[str, tuple[str, ...]]:
    """Domain -> the servers to which a server hands on the questions for it."""
    return {name: (who,) if isinstance(who, str) else tuple(who) for name, who in node.forward_zones.items()}


def forwarders(scenario: ScenarioView, node: str, name: str) -> tuple[str, ...]:
    """The servers to which a server hands on the question for a name: by its domain, or like everything else."""
    declared = scenario.nodes[node]
    by_domain = forward_zones(declared)
    domain, zone = closest_zone(name, by_domain), closest_zone(name, zones_of(scenario, node))
    if domain is not None and (zone in (None, ROOT) or len(domain) > len(str(zone))):
        return by_domain[domain]
    return tuple(declared.forward)


def asked_by(scenario: ScenarioView, node: str) -> tuple[str, ...]:
    """The servers that a server asks first: its forwarders, or the root servers."""
    declared = scenario.nodes[node]
    by_domain = (server for servers_asked in forward_zones(declared).values() for server in servers_asked)
    return tuple(dict.fromkeys((*(declared.forward or declared.hints), *by_domain)))


def asked_first(scenario: ScenarioView, node: str, name: str) -> tuple[str, ...]:
    """The servers that a server asks first for a name that it does not know."""
    return forwarders(scenario, node, name) or tuple(scenario.nodes[node].hints)


def delegated_by(scenario: ScenarioView, node: str) -> tuple[str, ...]:
    """The servers to which a server points for parts of its zones, each once, in the order of the file."""
    delegated: dict[str, None] = {}
    for name, zone in zones_of(scenario, node).items():
        for named in delegations(scenario, name, zone).values():
            delegated.update(dict.fromkeys(named))
    return tuple(delegated)


def delegations(scenario: ScenarioView, zone_name: str, zone: Any) -> dict[str, tuple[str, ...]]:
    """Whole name of each part of a zone that others answer for -> the nodes that its NS records name."""
    records = {
        **(scenario.records if zone_name == scenario.domain else {}),
        **(zone.records if zone else {}),
    }
    nodes = {f"{node}.{scenario.domain}": node for node in scenario.nodes}
    parts: dict[str, tuple[str, ...]] = {}
    for owner, record_set in records.items():
        names = [absolute(value, zone_name) for kind, value in record_set.all_values() if kind == "NS"]
        if owner != "@" and (servers_named := tuple(nodes[name] for name in names if name in nodes)):
            parts[below(owner, zone_name)] = servers_named
    for label, who in (zone.delegates if zone else {}).items():
        parts[below(label, zone_name)] = (who,) if isinstance(who, str) else tuple(who)
    return parts


def record_names(scenario: ScenarioView) -> frozenset[str]:
    """The whole names of all records, those of wildcards as they are written."""
    return frozenset(name for name, _zone, _records in _record_sets(scenario))


def address_records(scenario: ScenarioView) -> dict[str, tuple[str, ...]]:
    """Whole name -> what leads to its addresses, whoever asks: addresses, ${NODE}, or the name that an alias is of."""
    leads: dict[str, tuple[str, ...]] = {}
    for name, zone, records in _record_sets(scenario):
        values = [(kind, value) for kind, value in records.all_values() if kind in ("A", "AAAA", "CNAME")]
        values = [(kind, absolute(value, zone).lower() if kind == "CNAME" else value) for kind, value in values]
        leads[name] = tuple(dict.fromkeys((*leads.get(name, ()), *(value for _kind, value in values))))
    return leads


def _record_sets(scenario: ScenarioView) -> Iterator[tuple[str, str, RecordSet]]:
    """The whole name of each set of records, its zone, and the set."""
    for owner, records in scenario.records.items():
        yield below(owner, scenario.domain).lower(), scenario.domain, records
    for server in servers(scenario):
        for zone_name, zone in zones_of(scenario, server).items():
            for owner, records in zone.records.items() if zone else ():
                yield below(owner, zone_name).lower(), zone_name, records


def delegated_part(scenario: ScenarioView, node: str, name: str) -> str | None:
    """The part of its zones for which a server points a name to others; None where it does not."""
    zones = zones_of(scenario, node)
    zone = closest_zone(name, zones)
    return None if zone is None else closest_zone(name, delegations(scenario, zone, zones[zone]))


def referral_servers(scenario: ScenarioView, node: str, name: str) -> tuple[str, ...]:
    """The servers to which a server points for a name; none where it answers itself (RFC 1034, section 4.3.2)."""
    zones = zones_of(scenario, node)
    zone = closest_zone(name, zones)
    if zone is None:
        return ()
    parts = delegations(scenario, zone, zones[zone])
    part = closest_zone(name, parts)
    if part is not None:
        return parts[part]
    # Its root points to those of the lab's domain for each address of the lab.
    reverse = zone == ROOT and not is_plain(scenario.nodes[node]) and name.endswith(".arpa")
    return tuple(server for server in serving(scenario, scenario.domain) if server != node) if reverse else ()


def closest_zone(name: str, zones: Iterable[str]) -> str | None:
    """The zone that holds a name, the one with the most labels of several; None where none does."""
    holding = [zone for zone in zones if zone == ROOT or f".{name}".endswith(f".{zone}")]
    return max(holding, key=len, default=None)
