"""The steps of a story as a learner puts them in order: one short sentence for each exchange."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    HttpExchange,
    SqlStatement,
    TcpHandshake,
    TlsHandshake,
    start_time,
)

MOST_STEPS = 9  # each is named by one digit
# What every transaction has (PostgreSQL manual, BEGIN): nothing that a beginner must know.
AROUND_A_STATEMENT = ("begin", "commit", "rollback", "set ", "show ", "deallocate", "discard")


def steps_of(events: Iterable[CompletedEvent]) -> tuple[str, ...]:
    """The steps in the order in which they began, each of them once."""
    ordered = sorted(events, key=start_time)
    return tuple(dict.fromkeys(filter(None, map(step_text, ordered))))[:MOST_STEPS]


def step_text(event: CompletedEvent) -> str:
    """What a node does, without what comes of it; empty for what is no step of its own."""
    match event:
        case DnsExchange(operation="query", type="A"):
            return f"{event.flow.client.node} asks {event.flow.server.node} for the address of {event.name.rstrip('.')}"
        case TcpHandshake():
            server = event.flow.server
            return f"{event.flow.client.node} opens a connection to {server.node}, port {server.port}"
        case TlsHandshake():
            return f"{event.flow.client.node} and {event.flow.server.node} agree on TLS"
        case HttpExchange() if event.method:
            return f"{event.flow.client.node} requests {event.method} {event.target} from {event.flow.server.node}"
        case SqlStatement() if not event.sql.lower().startswith(AROUND_A_STATEMENT):
            return f"{event.flow.client.node} sends an SQL statement to {event.flow.server.node}"
    return ""
