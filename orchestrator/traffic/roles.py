"""Who was client of whom and who was server to whom, from captured traffic.

A node was a server where it accepted a connection (SYN, ACK) or answered a datagram; a client where it asked. A
connection whose handshake was not captured proves neither and is listed apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.traffic.exchanges.events import (
    DatagramFlow,
    DnsExchange,
    Flow,
    HttpExchange,
    SqlStatement,
    TcpClose,
    TcpHandshake,
    TrafficEvent,
)


@dataclass(frozen=True, order=True)
class Relation:
    """One node as a client of another, on one port. `connections` counts TCP connections, or UDP exchanges.

    `sent` are payload bytes from client to server, `received` the other way; for UDP they are not counted.
    `refused` counts attempts that were refused or met silence.
    """

    client: str
    server: str
    protocol: str
    port: int
    connections: int
    refused: int
    sent: int
    received: int
    earlier: int


@dataclass(frozen=True)
class TrafficRoles:
    """The relations that were seen, in order; and for each node of the lab whom it served and whom it used."""

    relations: tuple[Relation, ...]

    @property
    def proved(self) -> tuple[Relation, ...]:
        """The relations of which the beginning was seen and accepted."""
        return tuple(relation for relation in self.relations if relation.connections)

    def client_of(self, node: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(relation.server for relation in self.proved if relation.client == node))

    def server_to(self, node: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(relation.client for relation in self.proved if relation.server == node))

    @property
    def both(self) -> tuple[str, ...]:
        """The nodes that were a client and a server: the lesson."""
        clients = {relation.client for relation in self.proved}
        servers = {relation.server for relation in self.proved}
        return tuple(sorted(clients & servers))


@dataclass(frozen=True)
class Comparison:
    """Traffic against `uses`: (client, server) seen without being declared, and declared without being seen."""

    undeclared: tuple[tuple[str, str], ...]
    unseen: tuple[tuple[str, str], ...]


@dataclass
class _Sum:
    connections: int = 0
    refused: int = 0
    sent: int = 0
    received: int = 0
    earlier: int = 0


@dataclass
class _Sums:
    by_relation: dict[tuple[str, str, str, int], _Sum] = field(default_factory=dict)

    def of(self, flow: Flow) -> _Sum:
        key = (flow.client.node, flow.server.node, flow.protocol, flow.server.port)
        return self.by_relation.setdefault(key, _Sum())


def traffic_roles(events: Iterable[TrafficEvent]) -> TrafficRoles:
    """The relations in these events; the bytes of a connection count when it ends, or when the capture does."""
    sums = _Sums()
    for event in events:
        match event:
            case TcpHandshake(outcome="accepted"):
                sums.of(event.flow).connections += 1
            case TcpHandshake():
                sums.of(event.flow).refused += 1
            case TcpClose():
                total = sums.of(event.flow)
                total.sent += event.sent
                total.received += event.received
                total.earlier += event.flow.opened is None
            case DnsExchange() if event.flow.protocol == "udp":
                total = sums.of(event.flow)
                total.connections += bool(event.rcode)
                total.refused += not event.rcode
            case DatagramFlow() if event.flow.protocol == "udp":  # a kernel answers pings; that is no server
                total = sums.of(event.flow)
                total.connections += bool(event.received)
                total.refused += not event.received
    return TrafficRoles(
        tuple(
            sorted(
                Relation(*key, total.connections, total.refused, total.sent, total.received, total.earlier)
                for key, total in sums.by_relation.items()
            )
        )
    )


def compare(
    roles: TrafficRoles, uses: Mapping[str, tuple[str, ...]], resolvers: frozenset[str] = frozenset()
) -> Comparison:
    """What was seen against what was declared; `uses` has every node of the lab.

    Every node may ask the `resolvers` without declaring it, and what leaves the lab is not compared. A connection
    that was opened before the capture counts as seen, so that a warm pool is not called missing.
    """
    observed = {
        (relation.client, relation.server)
        for relation in roles.relations
        if (relation.connections or relation.earlier) and relation.client in uses and relation.server in uses
    }
    declared = {(client, server) for client, servers in uses.items() for server in servers}
    undeclared = {pair for pair in observed - declared if pair[1] not in resolvers and pair[0] != pair[1]}
    return Comparison(tuple(sorted(undeclared)), tuple(sorted(declared - observed)))


@dataclass(frozen=True, order=True)
class Proof:
    """That one node was a client of another, and the packets that show it.

    Not `sure`: packets of a connection crossed whose beginning was not captured, so that nobody saw who opened it.
    """

    client: str
    server: str
    sure: bool
    words: str


def proofs(events: Iterable[TrafficEvent], since: float = 0.0) -> tuple[Proof, ...]:
    """The first proof of each relation that was at work since that moment (seconds since 1970), sure ones first."""
    first: dict[tuple[str, str], Proof] = {}
    for event in events:
        proof = _proof(event, since)
        if proof is None:
            continue
        earlier = first.get((proof.client, proof.server))
        if earlier is None or (proof.sure and not earlier.sure):
            first[proof.client, proof.server] = proof
    return tuple(first[key] for key in sorted(first))


def _proof(event: TrafficEvent, since: float) -> Proof | None:
    match event:
        case TcpHandshake(outcome="accepted", flow=flow, started=at) if at >= since:
            return _of(flow, "accepted with SYN, ACK")
        case DnsExchange(flow=flow, started=at) if at >= since and event.rcode:
            return _of(flow, f"asked {event.name} {event.type}, answered {event.rcode}")
        case DatagramFlow(flow=flow, started=at) if at >= since and event.received and flow.protocol == "udp":
            return _of(flow, f"{event.received} datagrams came back")
        case HttpExchange(flow=flow, started=at) if at >= since and event.status:
            return _of(flow, f"{event.method or 'a request'} {event.target}".rstrip() + f", answered {event.status}")
        case SqlStatement(flow=flow, started=at) if at >= since and event.tag:
            return _of(flow, f"a statement, answered {event.tag}")
        case _:
            return None


def _of(flow: Flow, what: str) -> Proof:
    ends = f"{flow.client.address}:{flow.client.port} -> {flow.server.address}:{flow.server.port}/{flow.protocol}"
    sure = flow.opened is not None
    words = f"{ends}: {what}" + ("" if sure else ", on a connection opened before the capture began")
    return Proof(flow.client.node, flow.server.node, sure, words)
