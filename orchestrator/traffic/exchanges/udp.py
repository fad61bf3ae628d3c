"""UDP that no other reader here understands, and pings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import ip_address

from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import DatagramFlow, ExchangeStart, Flow, TrafficEvent
from orchestrator.traffic.packets.packet import Packet

UDP_PATIENCE = 30.0  # seconds


class OpenFlow:
    """UDP between two sockets, or pings between two machines; the first packet's sender is the client."""

    __slots__ = (
        "answered", "astray_from", "exchange", "flow", "has_ended", "last", "last_sent", "received", "sent", "started",
    )  # fmt: skip

    def __init__(self, exchange: int, flow: Flow, when: float) -> None:
        self.exchange = exchange
        self.flow = flow
        self.started = self.last = self.last_sent = when
        self.answered: float | None = None
        self.sent = self.received = 0
        self.has_ended = False
        self.astray_from = ""

    def ended(self, reason: str = "", when: float | None = None, lost: str = "") -> DatagramFlow:
        ended = when if when is not None else self.answered
        return DatagramFlow(
            self.exchange,
            self.flow,
            self.started,
            ended,
            self.sent,
            self.received,
            self.last_sent,
            reason,
            lost,
            self.astray_from,
        )


class UdpReader:
    """Count UDP packets and pings. Leaves out what is sent to many machines at once.

    With `is_prompt`, a flow ends with its first reply; what follows in it is not told.
    """

    def __init__(self, context: TrafficContext, *, is_prompt: bool = False) -> None:
        self._context = context
        self._is_prompt = is_prompt
        self._open: OrderedDict[int | frozenset[str], OpenFlow] = OrderedDict()

    def read(self, packet: Packet) -> Iterator[TrafficEvent]:
        key = frozenset((packet.source, packet.target)) if packet.echo else packet.stream
        open_flow = self._open.get(key)
        if open_flow is None:
            if _is_for_many(packet.target) or packet.source == "0.0.0.0" or packet.echo == "reply":
                return
            if self._is_astray(packet):
                return
            ends = ((packet.source, packet.source_port), (packet.target, packet.target_port))
            flow = self._context.new_flow(packet.protocol, *ends, packet.time)
            open_flow = self._open[key] = OpenFlow(self._context.exchange_number(), flow, packet.time)
            client, server, port = flow.client.node, flow.server.node, flow.server.port
            subject, number, exchange = f"{server}:{port}", flow.number, open_flow.exchange
            ports = port, flow.client.port
            yield ExchangeStart(exchange, packet.protocol, packet.time, client, server, number, subject, *ports)
        open_flow.last = packet.time
        self._open.move_to_end(key)
        if (packet.source, packet.source_port) == (open_flow.flow.client.address, open_flow.flow.client.port):
            open_flow.sent += 1
            open_flow.last_sent = packet.time
        else:
            open_flow.received += 1
            open_flow.answered = packet.time
            if packet.echo:  # each ping is an exchange of its own, with its own time
                yield self._open.pop(key).ended()
            elif self._is_prompt and not open_flow.has_ended:
                open_flow.has_ended = True
                yield open_flow.ended()

    def _is_astray(self, packet: Packet) -> bool:
        """Whether this comes from another address of a node that was asked, back to the socket that asked it."""
        node, target = self._context.node_at(packet.source), (packet.target, packet.target_port)
        for open_flow in self._open.values():
            client, server = open_flow.flow.client, open_flow.flow.server
            answers = (client.address, client.port) == target and server.node == node and not open_flow.received
            if answers and packet.protocol == open_flow.flow.protocol == "udp":
                open_flow.astray_from = f"{packet.source}:{packet.source_port}"
                return True
        return False

    def unreachable(
        self, client: tuple[str, int], server: tuple[str, int], when: float, reason: str
    ) -> Iterator[TrafficEvent]:
        for key, open_flow in list(self._open.items()):
            flow = open_flow.flow
            ends = ((flow.client.address, flow.client.port), (flow.server.address, flow.server.port))
            if ends == (client, server):
                del self._open[key]
                if not open_flow.has_ended:
                    yield open_flow.ended(reason, when)

    def _given_up(self, open_flow: OpenFlow) -> DatagramFlow:
        return open_flow.ended(lost="" if open_flow.received else self._context.loss(open_flow.flow))

    def expire(self, now: float) -> Iterator[TrafficEvent]:
        while self._open:
            key, open_flow = next(iter(self._open.items()))
            if now - open_flow.last < UDP_PATIENCE:
                return
            del self._open[key]
            if not open_flow.has_ended:
                yield self._given_up(open_flow)

    def flush(self) -> Iterator[TrafficEvent]:
        for open_flow in self._open.values():
            if not open_flow.has_ended:
                yield self._given_up(open_flow)
        self._open.clear()


def _is_for_many(address: str) -> bool:
    if address.endswith(".255"):
        return True
    try:
        return ip_address(address).is_multicast
    except ValueError:
        return True
