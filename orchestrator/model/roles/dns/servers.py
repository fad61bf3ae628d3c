"""Which DNS server does what: who answers for a zone, who finds answers for others, whom it asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.name_lookup import MOST_RESOLVERS
from orchestrator.model.records import absolute, below

if TYPE_CHECKING:
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
    return is_plain(node) or bool(node.hints or node.forward)


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


def forwarders(scenario: ScenarioView, node: str) -> tuple[str, ...]:
    """The servers to which a server hands on what it does not know."""
    return tuple(scenario.nodes[node].forward)


def asked_by(scenario: ScenarioView, node: str) -> tuple[str, ...]:
    """The servers that a server asks first: its forwarders, or the root servers."""
    declared = scenario.nodes[node]
    return tuple(declared.forward or declared.hints)


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
        names = [absolute(value, zone_name) for kind, value in record_set.values() if kind == "NS"]
        if owner != "@" and (servers_named := tuple(nodes[name] for name in names if name in nodes)):
            parts[below(owner, zone_name)] = servers_named
    for label, who in (zone.delegates if zone else {}).items():
        parts[below(label, zone_name)] = (who,) if isinstance(who, str) else tuple(who)
    return parts


def delegated_part(scenario: ScenarioView, node: str, name: str) -> str | None:
    """The part of its zones for which a server points a name to others; None where it does not."""
    zones = zones_of(scenario, node)
    zone = _closest(name, zones)
    return None if zone is None else _closest(name, delegations(scenario, zone, zones[zone]))


def referral_servers(scenario: ScenarioView, node: str, name: str) -> tuple[str, ...]:
    """The servers to which a server points for a name; none where it answers itself (RFC 1034, section 4.3.2)."""
    zones = zones_of(scenario, node)
    zone = _closest(name, zones)
    if zone is None:
        return ()
    parts = delegations(scenario, zone, zones[zone])
    part = _closest(name, parts)
    if part is not None:
        return parts[part]
    # Its root points to those of the lab's domain for each address of the lab.
    reverse = zone == ROOT and not is_plain(scenario.nodes[node]) and name.endswith(".arpa")
    return tuple(server for server in serving(scenario, scenario.domain) if server != node) if reverse else ()


def _closest(name: str, zones: Iterable[str]) -> str | None:
    """The zone that holds a name, the one with the most labels of several; None where none does."""
    holding = [zone for zone in zones if zone == ROOT or f".{name}".endswith(f".{zone}")]
    return max(holding, key=len, default=None)
