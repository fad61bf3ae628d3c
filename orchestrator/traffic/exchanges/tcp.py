"""TCP connections (RFC 9293): handshake, the protocol on it, and close."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.dns import DnsReader
from orchestrator.traffic.exchanges.events import ExchangeStart, Flow, TcpClose, TcpHandshake, TrafficEvent
from orchestrator.traffic.exchanges.http import HttpReader
from orchestrator.traffic.exchanges.sql import SqlReader
from orchestrator.traffic.exchanges.ssh import SshReader
from orchestrator.traffic.exchanges.tls import TlsReader
from orchestrator.traffic.packets.packet import ACK, FIN, RST, SYN, Packet

SYN_PATIENCE = 70.0  # seconds after the last SYN; Linux waits at most 64 s between two (tcp_syn_retries 6)
# seconds; no SYN is sent again sooner (RFC 6298, section 2.1: 1 s): then it is the same one, forwarded by a router.
SYN_PAUSE = 0.5
IDLE_PATIENCE = 7300.0  # seconds; a keep-alive would have spoken after 7200 (RFC 9293, section 3.8.4)
REMEMBERED_ENDS = 4096
NEWS = SYN | FIN | RST


class OpenConnection:
    """One TCP connection that is open, or being opened."""

    __slots__ = (
        "accepted",
        "ends",
        "exchange",
        "flow",
        "http",
        "last",
        "last_syn",
        "received",
        "sent",
        "since",
        "sql",
        "ssh",
        "syns",
        "tls",
        "understood",
        "whole",
    )  # fmt: skip

    def __init__(self, context: TrafficContext, flow: Flow, when: float, accepted: bool) -> None:
        self.flow = flow
        self.exchange = context.exchange_number()
        self.accepted = accepted
        self.syns = 1
        self.last_syn = self.last = when
        self.sent = self.received = 0
        # Who ended a direction, and when; True is the client's direction. On the loopback interface one node ends both.
        self.ends: dict[bool, tuple[str, float]] = {}
        self.understood = False
        self.whole = 0  # bytes from the server up to its last whole answer
        self.since: float | None = None  # when the client began to say what is not understood yet
        self.http: HttpReader | None = None
        self.sql: SqlReader | None = None
        self.tls: TlsReader | None = None
        self.ssh: SshReader | None = None

    def from_client(self, packet: Packet) -> bool:
        client = self.flow.client
        return packet.source_port == client.port and packet.source == client.address

    @property
    def first_end(self) -> tuple[str, float]:
        """Who ended its direction first, and when."""
        return next(iter(self.ends.values()))

    def opening(self, ended: float | None, outcome: str, reason: str = "", lost: str = "") -> TcpHandshake:
        started = self.flow.opened if self.flow.opened is not None else self.last_syn
        return TcpHandshake(self.exchange, self.flow, started, ended, outcome, self.syns, self.last_syn, reason, lost)

    def unfinished(self, outcome: str, by: str) -> Iterator[TrafficEvent]:
        for reader in (self.tls, self.sql, self.ssh):
            if reader is not None:
                yield from reader.end(outcome)
        if self.http is not None:
            yield from self.http.end(outcome, self.received - self.whole, by)


class TcpReader:
    """Follow connections by tshark's stream number. Keeps those that are open."""

    def __init__(self, context: TrafficContext, dns: DnsReader) -> None:
        self._context = context
        self._dns = dns
        self._open: OrderedDict[int, OpenConnection] = OrderedDict()
        self._over: OrderedDict[int, None] = OrderedDict()

    def passed(self, packet: Packet) -> bool:
        """Count a packet that changes nothing, and return True. Most packets do not; this is the fast path."""
        if packet.layers or packet.flags & NEWS:
            return False
        connection = self._open.get(packet.stream)
        if connection is None or not connection.accepted or connection.tls is not None:
            return False
        connection.last = packet.time
        if packet.size and not packet.repeated:
            self._count(packet, connection, connection.from_client(packet))
        return True

    def read(self, packet: Packet) -> Iterator[TrafficEvent]:
        connection = self._open.get(packet.stream)
        if connection is None:
            connection = self._new(packet)
            if connection is None:
                return
            if packet.flags & SYN and not packet.flags & ACK:
                yield self._began(connection)
                return
        connection.last = packet.time
        from_client = connection.from_client(packet)
        if not connection.accepted:
            yield from self._handshake(packet, connection, from_client)
        if packet.size and not packet.repeated:
            self._count(packet, connection, from_client)
        if packet.layers and not packet.repeated:
            yield from self._payload(packet, connection, from_client)
        elif packet.size and from_client and connection.tls is not None:
            yield from connection.tls.payload(packet.time, packet)
        if packet.flags & (FIN | RST):
            yield from self._ending(packet, connection, from_client)

    # beginning

    def _new(self, packet: Packet) -> OpenConnection | None:
        """A new connection; None for late packets of one that is over."""
        source, target = (packet.source, packet.source_port), (packet.target, packet.target_port)
        if packet.flags & SYN:
            ends = (target, source) if packet.flags & ACK else (source, target)
            connection = OpenConnection(
                self._context, self._context.new_flow("tcp", *ends, packet.time), packet.time, False
            )
        elif packet.stream in self._over or not (packet.size or packet.flags & FIN):
            return None
        else:
            # the beginning was not captured: servers listen on the lower port, as a rule
            ends = (source, target) if packet.source_port > packet.target_port else (target, source)
            connection = OpenConnection(self._context, self._context.new_flow("tcp", *ends, None), packet.time, True)
        self._open[packet.stream] = connection
        return connection

    def _began(self, connection: OpenConnection) -> ExchangeStart:
        client, server = connection.flow.client, connection.flow.server
        subject = f"{server.node}:{server.port}"
        at_ = connection.last_syn
        number, ports = connection.flow.number, (server.port, client.port)
        return ExchangeStart(
            connection.exchange, "opening", at_, client.node, server.node, number, subject, *ports, server.address
        )

    def _handshake(self, packet: Packet, connection: OpenConnection, from_client: bool) -> Iterator[TrafficEvent]:
        if packet.flags & RST:
            outcome = "refused" if not from_client else "abandoned"
            yield connection.opening(packet.time, outcome)
            self._forget(packet.stream)
        elif from_client and packet.flags & SYN:
            if packet.time - connection.last_syn >= SYN_PAUSE:
                connection.syns += 1
                connection.last_syn = packet.time
        elif not from_client and packet.flags & SYN:
            connection.accepted = True
            yield connection.opening(packet.time, "accepted")

    # between

    def _count(self, packet: Packet, connection: OpenConnection, from_client: bool) -> None:
        if from_client:
            connection.sent += packet.size
            if connection.since is None:
                connection.since = packet.time
        else:
            connection.received += packet.size

    def _payload(self, packet: Packet, connection: OpenConnection, from_client: bool) -> Iterator[TrafficEvent]:
        layers, flow = packet.layers, connection.flow
        if from_client and packet.size and connection.tls is not None:
            yield from connection.tls.payload(packet.time, packet)
        connection.understood = True
        if layers[at.TLS_TYPE] or layers[at.TLS_ALERT]:
            connection.tls = connection.tls or TlsReader(self._context, flow)
            yield from connection.tls.read(packet, from_client)
            connection.whole += 0 if from_client else packet.size
        if layers[at.HTTP_METHOD] or layers[at.HTTP_STATUS]:
            connection.http = connection.http or HttpReader(self._context, flow)
            if not (from_client and connection.http.waits):
                connection.whole = connection.received
            yield from connection.http.read(packet, from_client, connection.since)
        elif layers[at.SQL_TYPE]:
            connection.sql = connection.sql or SqlReader(self._context, flow)
            yield from connection.sql.read(packet, from_client)
        elif layers[at.DNS_ID]:
            yield from self._dns.read(packet, flow)
        elif layers[at.SSH_LINE]:
            connection.ssh = connection.ssh or SshReader(self._context, flow)
            yield from connection.ssh.read(packet, from_client)
        if from_client:
            connection.since = None

    # ending

    def _ending(self, packet: Packet, connection: OpenConnection, from_client: bool) -> Iterator[TrafficEvent]:
        if packet.stream not in self._open:
            return
        by = connection.flow.client.node if from_client else connection.flow.server.node
        if packet.flags & RST:
            if connection.ends:  # somebody had closed before: the rest of the data was not wanted any more
                connection.whole = connection.received
                yield from self._closed(packet.stream, "closed", *connection.first_end)
            else:
                yield from self._closed(packet.stream, "reset", by, packet.time)
            return
        connection.ends.setdefault(from_client, (by, packet.time))
        if len(connection.ends) == 2:
            yield from self._closed(packet.stream, "closed", *connection.first_end)

    def _closed(self, stream: int, how: str, by: str, when: float) -> Iterator[TrafficEvent]:
        connection = self._open[stream]
        yield from connection.unfinished("pending" if how in ("open", "half-closed") else how, by)
        yield TcpClose(
            self._context.exchange_number(),
            connection.flow,
            when,
            how,
            by,
            connection.sent,
            connection.received,
            connection.understood,
            connection.sql.farewell if connection.sql else "",
        )
        self._forget(stream)

    def _forget(self, stream: int) -> None:
        self._open.pop(stream, None)
        self._over[stream] = None
        if len(self._over) > REMEMBERED_ENDS:
            self._over.popitem(last=False)

    def unreachable(
        self, client: tuple[str, int], server: tuple[str, int], when: float, reason: str
    ) -> Iterator[TrafficEvent]:
        """An ICMP message says that the server cannot be reached; ends an opening that waits."""
        for stream, connection in list(self._open.items()):
            flow = connection.flow
            ends = ((flow.client.address, flow.client.port), (flow.server.address, flow.server.port))
            if not connection.accepted and ends == (client, server):
                yield connection.opening(when, "unreachable", reason)
                self._forget(stream)

    def expire(self, now: float) -> Iterator[TrafficEvent]:
        """Give up on connections that were silent for longer than any program waits."""
        for stream, connection in list(self._open.items()):
            if not connection.accepted and now - connection.last > SYN_PATIENCE:
                yield connection.opening(None, "silent", lost=self._context.loss(connection.flow))
                self._forget(stream)
            elif now - connection.last > IDLE_PATIENCE:
                yield from self._closed(stream, "open", "", connection.last)

    def flush(self) -> Iterator[TrafficEvent]:
        for stream, connection in list(self._open.items()):
            if not connection.accepted:
                yield connection.opening(None, "silent", lost=self._context.loss(connection.flow))
            elif connection.ends:
                yield from self._closed(stream, "half-closed", *connection.first_end)
            else:
                yield from self._closed(stream, "open", "", connection.last)
        self._open.clear()
