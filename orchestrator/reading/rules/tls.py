"""Rules about TLS: certificates of listeners, and proxies that are clients of their servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.model.upstreams import answers_http
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.rules.sockets import items_at
from orchestrator.reading.zones import enumerate_at


def tls_is_over_tcp(raw: RawScenario) -> Iterator[Violation]:
    """TLS needs the ordered bytes of TCP (RFC 8446, section 1)."""
    for at, listener in _listeners(raw):
        if listener.get("protocol") == "udp" and listener.get("tls"):
            yield Violation((*at, "tls"), "TLS runs over tcp, and this listener speaks udp")


def a_proxy_is_understood(raw: RawScenario) -> Iterator[Violation]:
    """A server behind a proxy has a port for its requests: with TLS if the proxy speaks TLS, otherwise without."""
    for name, node in raw.nodes.items():
        role = raw.role(name)
        if role is None or not role.forwards_requests or node.get("image") or node.get("command"):
            continue
        speaks_tls = bool(node.get("upstream_tls"))
        for path, used in _upstreams(raw, name):
            tcp = list(_tcp_ports(raw, raw.groups.get(used, (used,))[0]))
            if not tcp or speaks_tls in tcp:
                continue
            if speaks_tls:
                message = f"{name!r} speaks TLS to the servers that it uses (upstream_tls), and {used!r} speaks none; "
                yield Violation(path, f"{message}give {used!r} a port with TLS: listens: [{{port: 443, tls: true}}]")
            else:
                message = f"{name!r} passes requests on as plain HTTP, and {used!r} speaks only TLS; "
                yield Violation(path, f"{message}give {used!r} a port without TLS, too, or {name!r} upstream_tls: true")


def _upstreams(raw: RawScenario, name: str) -> Iterator[tuple[Path, str]]:
    """The servers to which a proxy passes requests on; one whose role is not known may be one."""
    for path, used in enumerate_at(("nodes", name, "uses"), raw.nodes[name].get("uses")):
        role = raw.role(raw.groups.get(used, (used,))[0])
        if role is None or answers_http(role):
            yield path, used


def _tcp_ports(raw: RawScenario, node: str) -> Iterator[bool]:
    """Of each TCP port of a node whether it speaks TLS; none where only a program of the author's knows."""
    declared, role = raw.values_of(node).get("listens"), raw.role(node)
    if isinstance(declared, list):
        for _, listener in items_at(declared, ()):
            if listener.get("protocol", "tcp") == "tcp":
                yield bool(listener.get("tls"))
    elif role and role.serving and not (raw.values_of(node).get("image") or raw.values_of(node).get("command")):
        yield from (bool(listener.tls) for listener in role.listeners if listener.protocol == "tcp")


def an_upstream_has_one_name(raw: RawScenario) -> Iterator[Violation]:
    """nginx verifies one name for all servers behind it, and a proxy without a server has nothing to verify."""
    for name, node in raw.nodes.items():
        role, uses = raw.role(name), [used for _, used in _upstreams(raw, name)]
        tls = node.get("upstream_tls") if role and role.forwards_requests else None
        if tls and not uses:
            message = f"{name!r} uses no HTTP server to which it could speak TLS; name one: uses: [app]"
            yield Violation(("nodes", name, "upstream_tls"), message, at_key=True)
        elif tls and len(uses) > 1 and not (isinstance(tls, dict) and (tls.get("name") or tls.get("verify") is False)):
            message = f"{listed(uses)} have different names, and nginx verifies one for all; choose one, and "
            message += "give it to each certificate: upstream_tls: {name: www.shop.lab}"
            yield Violation(("nodes", name, "upstream_tls"), message)


def a_certificate_has_its_names(raw: RawScenario) -> Iterator[Violation]:
    """A certificate has one of name and names: name is the only name in it."""
    for at, tls in _certificates(raw):
        if tls.get("name") is not None and tls.get("names"):
            message = "name is the only name in the certificate, and names adds more: remove one of the two keys"
            yield Violation((*at, "names"), message, at_key=True)


def _certificates(raw: RawScenario) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each certificate of a listener that is a mapping: its own, and those by server name."""
    for at, listener in _listeners(raw):
        own = listener.get("tls")
        named = own.get("server_names") if isinstance(own, dict) else None
        by_name = named.items() if isinstance(named, dict) else ()
        shown: dict[Path, Any] = {("tls",): own}
        shown |= {("tls", "server_names", name): certificate for name, certificate in by_name}
        yield from (((*at, *where), tls) for where, tls in shown.items() if isinstance(tls, dict))


def _listeners(raw: RawScenario) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, node in raw.nodes.items():
        yield from items_at(node.get("listens"), ("nodes", name, "listens"))
