"""Rules about connections: over which version of IP, and from which address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator.model.values import ADDRESS, SOURCE
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.rules.checks import host_of, known_places

# The kinds of checks that connect, each by the key that has host:port.
CONNECTING = ("connects", "cannot_connect", "holds_open")


def the_family_is_that_of_the_address(raw: RawScenario) -> Iterator[Violation]:
    """A connection to an address is made over the version of IP that the address is of."""
    for path, check in raw.checks:
        family = check.get("family")
        host = _host(check)
        own = "ipv6" if host.startswith("[") else "ipv4" if re.fullmatch(ADDRESS, host) else family
        if family in ("ipv4", "ipv6") and own != family:
            yield Violation((*path, "family"), f"{host} is an address of {own}; leave family out, or write {own}")


def a_connection_leaves_from_its_own_address(raw: RawScenario) -> Iterator[Violation]:
    """A connection leaves from an address that its node has, of the version of IP over which it is made."""
    for path, check in raw.checks:
        source, asker = check.get("from_address"), check.get("from")
        if not isinstance(source, str) or asker not in raw.machines or not re.fullmatch(SOURCE, source):
            continue
        own = own_addresses(raw, str(asker))
        if source.startswith("${") and source[2:-1] not in known_places(raw):
            continue  # that it names nothing is told of every placeholder
        if source not in own and not _is_loopback(source):
            message = f"{asker!r} does not have the address {source}; it has {listed(own)}"
            yield Violation((*path, "from_address"), message)
            continue
        version, host = "ipv6" if ":" in source or ".ipv6}" in source else "ipv4", _host(check)
        other = "ipv6" if host.startswith("[") else "ipv4" if re.fullmatch(ADDRESS, host) else check.get("family")
        if other in ("ipv4", "ipv6") and other != version:
            message = f"{source} is an address of {version}, and the connection is made over {other}"
            yield Violation((*path, "from_address"), message)


def a_client_has_its_certificate(raw: RawScenario) -> Iterator[Violation]:
    """A check that presents a client certificate asks over TLS, from a node that has one; a proxy likewise."""
    for path, check in raw.checks:
        asker = check.get("from")
        if check.get("client_certificate") is not True or asker not in raw.machines:
            continue
        if not raw.values_of(str(asker)).get("client_certificate"):
            message = f"{asker!r} has no client certificate; give the node client_certificate: lab, or unknown"
            yield Violation((*path, "client_certificate"), message)
        elif "http" in check and not str(check["http"]).startswith("https://"):
            yield Violation((*path, "client_certificate"), "without TLS no certificate is presented; write https://")
    for name, node in raw.nodes.items():
        tls = node.get("upstream_tls")
        if isinstance(tls, dict) and tls.get("client_certificate") is True and not node.get("client_certificate"):
            message = f"{name!r} has no client certificate; give the node client_certificate: lab, or unknown"
            yield Violation(("nodes", name, "upstream_tls", "client_certificate"), message)


def own_addresses(raw: RawScenario, node: str) -> list[str]:
    """How an author can write the addresses of a node: placeholders, and what the file itself says."""
    ends = raw.attachments(raw.machines.get(node, node))
    own = [f"${{{node}}}", *(f"${{{node}.{network}}}" for network in ends)]
    six = [network for network in ends if raw.networks.get(network, {}).get("ipv6") is True]
    own += [f"${{{node}.{network}.ipv6}}" for network in six] + ([f"${{{node}.ipv6}}"] if six else [])
    return own + [str(address) for _, address in ends.values() if isinstance(address, str)]


def _is_loopback(source: str) -> bool:
    return source.startswith("127.") or source in ("::1", "${loopback}", "${loopback.ipv6}")


def _host(check: dict[str, Any]) -> str:
    """The host to which a check connects; empty where it makes no connection of this kind."""
    place = next((check[kind] for kind in CONNECTING if kind in check), None)
    return host_of(place) if isinstance(place, str) else ""
