"""An attempt of a learner that failed on the wire, as a check that can be asked why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.checks import BaseCheck, Connects, Http, Resolves, Tls
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    ExchangeStart,
    HttpExchange,
    TcpHandshake,
    TlsHandshake,
    client_node,
)

NAME = "What the learner tried"
TRY_SECONDS = 0.3  # for the check itself: that the attempt failed is known
LEAST_ERROR = 400  # RFC 9110, section 15: 4xx and 5xx are errors
# Only these may be made again: another one changes something, and its body is not known (RFC 9110, section 9.2.1).
SAFE_METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class FailedAttempt:
    """What failed, as a check, and the node in which it was tried."""

    check: BaseCheck
    node: str


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
        case HttpExchange() if event.method in SAFE_METHODS and (event.status or 0) >= LEAST_ERROR:
            check = _check(Http, {**common, "http": f"http://{place}{event.target}", "method": event.method})
    if check is None:
        return None
    return FailedAttempt(check, node)


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
    host = start.server_address or (f"${{{start.server}}}" if start.server in nodes else start.server)
    place = f"{host}:{port}"
    check = _check(Connects, {"name": NAME, "from": start.client, "within": TRY_SECONDS, "connects": place})
    return FailedAttempt(check, start.client) if check else None


def _failed_question(event: DnsExchange, own_servers: Sequence[str]) -> FailedAttempt | None:
    if event.operation != "query" or event.rcode == "NOERROR" or event.type not in ("A", "AAAA"):
        return None
    name = event.name.rstrip(".").lower()
    return _question(event.flow.client.node, name, event.flow.server.node, own_servers)


def _question(node: str, name: str, server: str, own_servers: Sequence[str]) -> FailedAttempt | None:
    asks = {"asks": server} if own_servers and server != own_servers[0] else {}
    check = _check(Resolves, {"name": NAME, "from": node, "within": TRY_SECONDS, "resolves": name, **asks})
    return FailedAttempt(check, node) if check else None


def _check(kind: type[BaseCheck], values: Mapping[str, Any]) -> BaseCheck | None:
    """The check with these values; None where the language has no such check: a learner may try anything."""
    from pydantic import ValidationError

    try:
        return kind.model_validate(dict(values))
    except ValidationError:
        return None
