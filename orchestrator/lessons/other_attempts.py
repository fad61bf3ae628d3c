"""What a learner tries in place of what a task wants to see: another protocol, another server, a connection that fails.

An observation compares what is like it. This speaks of the rest: no attempt from the right node is met by silence.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import (
    Different,
    dns_answer,
    failed_connection,
    failed_lookup,
    http_answer,
    pinged,
    question_text,
    server_text,
)
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import ConnectsObservation, ResolvesObservation
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    HttpExchange,
    SqlSession,
    SqlStatement,
    SshGreeting,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    client_node,
)

LEAST_ERROR = 400  # RFC 9110, section 15: 4xx and 5xx are errors
# A client that ends the connection here has no password (PostgreSQL, "Message Flow").
PASSWORD_METHODS = ("password in clear", "MD5", "SCRAM")


def other_attempt(event: CompletedEvent, observation: BaseObservation) -> Different | None:
    """What is said of an exchange of the right node that an observation does not speak of; None if nothing is due."""
    client, wanted = observation.client, observation.wanted
    if client_node(event) != client:
        return None
    if different := _before_connection(event, client, wanted):
        return different
    if isinstance(observation, ConnectsObservation) or _is_told_before(event, observation):
        return None  # the connection itself was spoken of
    different = _on_connection(event, client, wanted)
    if different and isinstance(observation, ResolvesObservation) and _is_named(event):
        # The name may have been looked up just now, and then that is what is told.
        return replace(different, may_be_followed=True, yields=True)
    return different


def _is_named(event: CompletedEvent) -> bool:
    """Whether the client had looked up the name of the machine to which it turned."""
    on_connection = SqlSession | SqlStatement | TlsHandshake | HttpExchange | SshGreeting | TcpClose
    return isinstance(event, on_connection) and bool(event.flow.name)


def what_failed(event: CompletedEvent, client: str, wanted: str) -> Different | None:
    """What is said of anything that the learner tried at that node, and that failed; None where it did not."""
    match event:
        case HttpExchange() if event.status is not None and event.status < LEAST_ERROR:
            return None
        case SqlSession() | SqlStatement() if not event.error:
            return None
        case TlsHandshake() if not event.alert:
            return None
        case DatagramFlow() if event.received:
            return None
        case SshGreeting() | TcpClose():
            return None
    return _before_connection(event, client, wanted) or _on_connection(event, client, wanted)


def what_came(event: CompletedEvent, client: str, wanted: str) -> Different | None:
    """What came of anything that the learner tried, also where it went well."""
    match event:
        case DnsExchange() if event.operation == "query":
            return Different("dns", f"{question_text(event)}: {dns_answer(event)}", wanted)
        case TcpHandshake():
            seen = f"{client} opened a connection to {server_text(event.flow)}: {event.outcome}"
            return Different("tcp", seen, wanted)
        case TcpClose():
            return None
    return _before_connection(event, client, wanted) or _on_connection(event, client, wanted)


def _before_connection(event: CompletedEvent, client: str, wanted: str) -> Different | None:
    """What is said of a lookup or a connection that failed, and of what needs none of both."""
    match event:
        case DnsExchange():
            return failed_lookup(event, client, wanted)
        case TcpHandshake():
            return failed_connection(event, client, wanted)
        case DatagramFlow():
            return pinged(event, client, wanted) or _datagram(event, client, wanted)
    return None


def _datagram(event: DatagramFlow, client: str, wanted: str) -> Different | None:
    if event.flow.protocol != "udp":
        return None
    sent = f"{client} sent UDP to {server_text(event.flow)}"
    if event.reason:
        return Different("udp", f"{sent}: {event.reason}", wanted)
    if event.flow.server.node != client:
        return None  # what crosses a network is said while an answer is awaited
    answer = "it was answered" if event.received else "no answer came"
    return Different("udp", f"{sent}: {answer}; UDP opens no connection", wanted)


def _is_told_before(event: CompletedEvent, observation: BaseObservation) -> bool:
    return isinstance(observation, HttpObservation) and isinstance(event, TlsHandshake) and not event.alert


def _on_connection(event: CompletedEvent, client: str, wanted: str) -> Different | None:
    match event:
        case SqlSession() if event.error:
            place = server_text(event.flow)
            return Different("sql", f"{client} asked {place}, for a session as {event.user}: {event.error}", wanted)
        case SqlSession():
            place = server_text(event.flow)
            request = f"{client} asked {place}, for a session as {event.user}"
            if event.outcome != "ready" and event.authentication in PASSWORD_METHODS:
                return Different("sql", f"{request}: the server asks for a password, and got none", wanted)
            seen = f"{request}, and sent no statement so far"
            return Different("sql", seen, wanted, may_be_followed=True, yields=True)
        case SqlStatement():
            result = f": {event.error}" if event.error else ""
            return Different("sql", f"{client} sent {event.sql!r} to {server_text(event.flow)}{result}", wanted)
        case TlsHandshake():
            ended = f": {event.alert_by} ended it, {event.alert}" if event.alert else ""
            name = f" for {event.server_name}" if event.server_name else ""
            return Different("tls", f"{client} began TLS{name} with {server_text(event.flow)}{ended}", wanted)
        case HttpExchange() if event.method:
            request = f"{client} requested {event.method} {event.target} from {server_text(event.flow)}"
            return Different("http", f"{request}: {http_answer(event)}", wanted)
        case SshGreeting():
            return Different("tcp", f"{client} spoke SSH with {server_text(event.flow)}", wanted)
        case TcpClose() if not event.sent and event.by == client:
            seen = f"{client} opened a connection to {server_text(event.flow)} and sent nothing"
            return Different("tcp", seen, wanted, may_be_followed=True)
        case TcpClose() if event.sent and not event.understood:
            place = server_text(event.flow)
            seen = f"{client} sent {event.sent} bytes to {place}, but no whole request"
            return Different("tcp", seen, wanted, may_be_followed=True, yields=True)
    return None
