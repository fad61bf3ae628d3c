"""An attempt of a learner that failed on the wire, as a check that can be asked why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.checks.probes import PROBE_PORTS
from orchestrator.model.checks import BaseCheck, Connects, Http, Resolves, Tls
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    ExchangeStart,
    HttpExchange,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    client_node,
)

NAME = "What the learner tried"
TRY_SECONDS = 0.3  # for the check itself: that the attempt failed is known
LEAST_ERROR = 400  # RFC 9110, section 15: 4xx and 5xx are errors


@dataclass(frozen=True)
class FailedAttempt:
    """What failed, as a check; and what repeats it on the wire: a question for `host`, a connection to `server`.

    `server` is an address or the name of a node, with a port. `subject` is the method and the target of an HTTP
    request, or the name that the client of a TLS handshake asks for.
    """

    check: BaseCheck
    node: str
    host: str
    server: tuple[str, int] = ("", 0)
    subject: str = ""

    def is_repeated_by(self, event: CompletedEvent) -> bool:
        """Whether an exchange is what this check would cause: what went well is a better attempt of the learner."""
        if isinstance(event, DnsExchange) and isinstance(self.check, Resolves):
            # The walk may get its answer from the next server of the list: then its own question goes well, too.
            return self._has_this_target(event) and event.flow.client.port in range(*PROBE_PORTS)
        if self._is_of_this_kind(event) and failed_attempt(event) is None:
            return False
        return self._has_this_target(event)

    def _is_of_this_kind(self, event: CompletedEvent) -> bool:
        """Whether such an exchange decides the check; others come before it, and go well."""
        match event:
            case TcpHandshake():
                return isinstance(self.check, Connects)
            case TlsHandshake():
                return isinstance(self.check, Tls)
            case HttpExchange():
                return isinstance(self.check, Http)
        return False

    def _has_this_target(self, event: CompletedEvent) -> bool:
        if client_node(event) != self.node:
            return False
        if isinstance(event, DnsExchange):
            return event.name.rstrip(".").lower() == self.host.lower()
        if not isinstance(event, TcpHandshake | TlsHandshake | HttpExchange | TcpClose):
            return False
        (name, port), server = self.server, event.flow.server
        if server.port != port or name not in (server.address, server.node):
            return False
        if isinstance(event, TcpClose):
            return not event.sent  # a walk connects, to see whether the port is open, and sends nothing
        return isinstance(event, TcpHandshake) or _subject(event) == self.subject

    def is_begun_again_by(self, start: ExchangeStart) -> bool:
        """Whether an exchange that begins is what this check would cause."""
        if start.client != self.node:
            return False
        if start.kind in ("arp", "ndp"):
            return True  # the check needs the machine, or a DNS server, just as the attempt does
        if start.kind == "dns":
            return start.subject.split(" ")[0].rstrip(".").lower() == self.host.lower()
        if start.kind in ("http", "tls"):
            return start.subject == self.subject
        return start.subject.endswith(f":{self.server[1]}")


def failed_attempt(event: CompletedEvent, own_servers: Sequence[str] = ()) -> FailedAttempt | None:
    """The attempt, where the exchange shows that it failed; None where it shows none or where all went well.

    `own_servers` are the DNS servers that the node asks by itself, in their order: a question to another one than the
    first is put to this one again.
    """
    if isinstance(event, DnsExchange):
        return _failed_question(event, own_servers)
    if not isinstance(event, TcpHandshake | TlsHandshake | HttpExchange):
        return None
    node, server = client_node(event), event.flow.server
    host = event.flow.name or server.address
    place = f"[{host}]:{server.port}" if ":" in host else f"{host}:{server.port}"
    common = {"name": NAME, "from": node, "within": TRY_SECONDS}
    check: BaseCheck | None = None
    match event:
        case TcpHandshake() if event.outcome not in ("accepted", "abandoned"):
            check = _check(Connects, {**common, "connects": place})
        case TlsHandshake() if event.alert:
            name = {"server_name": event.server_name} if event.server_name else {}
            check = _check(Tls, {**common, "tls": place, **name})
        case HttpExchange() if event.method and (event.status or 0) >= LEAST_ERROR:
            check = _check(Http, {**common, "http": f"http://{place}{event.target}", "method": event.method})
    if check is None:
        return None
    return FailedAttempt(check, node, event.flow.name, (server.address, server.port), _subject(event))


def _subject(event: TcpHandshake | TlsHandshake | HttpExchange) -> str:
    match event:
        case HttpExchange():
            return f"{event.method} {event.target}"
        case TlsHandshake():
            return event.server_name
    return ""


def unanswered_attempt(
    start: ExchangeStart, nodes: Collection[str], own_servers: Sequence[str] = ()
) -> FailedAttempt | None:
    """The attempt, where an exchange began and nothing came back; None where it is of another kind."""
    if start.kind == "dns":
        name = start.subject.split(" ")[0].rstrip(".").lower()
        return _question(start.client, name, start.server, own_servers)
    port = start.subject.rpartition(":")[2]
    if start.kind != "opening" or not port.isdigit():
        return None
    host = f"${{{start.server}}}" if start.server in nodes else start.server
    place = f"{host}:{port}"
    check = _check(Connects, {"name": NAME, "from": start.client, "within": TRY_SECONDS, "connects": place})
    return FailedAttempt(check, start.client, "", (start.server, int(port))) if check else None


def _failed_question(event: DnsExchange, own_servers: Sequence[str]) -> FailedAttempt | None:
    if event.operation != "query" or event.rcode == "NOERROR" or event.type not in ("A", "AAAA"):
        return None
    name = event.name.rstrip(".").lower()
    return _question(event.flow.client.node, name, event.flow.server.node, own_servers)


def _question(node: str, name: str, server: str, own_servers: Sequence[str]) -> FailedAttempt | None:
    asks = {"asks": server} if own_servers and server != own_servers[0] else {}
    check = _check(Resolves, {"name": NAME, "from": node, "within": TRY_SECONDS, "resolves": name, **asks})
    return FailedAttempt(check, node, name) if check else None


def _check(kind: type[BaseCheck], values: Mapping[str, Any]) -> BaseCheck | None:
    """The check with these values; None where the language has no such check: a learner may try anything."""
    from pydantic import ValidationError

    try:
        return kind.model_validate(dict(values))
    except ValidationError:
        return None
