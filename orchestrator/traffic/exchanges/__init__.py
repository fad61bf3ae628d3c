"""Packets to exchanges: who asked whom for what, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import FindLoss, TrafficContext, nowhere_lost
from orchestrator.traffic.exchanges.dns import DnsReader
from orchestrator.traffic.exchanges.events import TrafficEvent
from orchestrator.traffic.exchanges.icmp import delivery_error, icmp_error
from orchestrator.traffic.exchanges.neighbours import NeighbourReader, neighbour_message
from orchestrator.traffic.exchanges.tcp import TcpReader
from orchestrator.traffic.exchanges.udp import UdpReader
from orchestrator.traffic.packets.packet import Packet

__all__ = ["conversations"]

EXPIRE_EVERY = 1.0  # seconds of the capture's own time


def read_events(
    packets: Iterable[Packet],
    node_names: Mapping[str, str],
    *,
    is_prompt: bool = False,
    find_loss: FindLoss = nowhere_lost,
) -> Iterator[TrafficEvent]:
    """The events of these packets, in the order in which they ended; `node_names` maps addresses to nodes.

    `find_loss` says where packets of a flow were lost, by its protocol and its two ends.
    With `is_prompt`, UDP that no reader understands ends with its first reply, and not when nothing follows any more.
    Memory is bounded by what is open at a time, not by the length of the capture.
    """
    reader = _Reader(node_names, is_prompt, find_loss)
    due = 0.0
    for packet in packets:
        if packet.time >= due:
            yield from reader.expire(packet.time)
            due = packet.time + EXPIRE_EVERY
        if packet.protocol == "tcp":
            if reader.tcp.passed(packet):
                continue
            yield from reader.tcp.read(packet)
        else:
            yield from reader.read(packet)
    yield from reader.flush()


class _Reader:
    """One reader for each protocol."""

    def __init__(self, node_names: Mapping[str, str], is_prompt: bool, find_loss: FindLoss) -> None:
        self._context = TrafficContext(node_names, find_loss)
        self._dns = DnsReader(self._context)
        self.tcp = TcpReader(self._context, self._dns)
        self._udp = UdpReader(self._context, is_prompt=is_prompt)
        self._neighbours = NeighbourReader(self._context)
        self._all = (self._dns, self.tcp, self._udp, self._neighbours)

    def read(self, packet: Packet) -> Iterator[TrafficEvent]:
        """The events of a packet that is not TCP."""
        if packet.protocol == "udp":
            known = packet.layers and packet.layers[at.DNS_ID] and 5353 not in (packet.source_port, packet.target_port)
            yield from (self._dns if known else self._udp).read(packet)
        elif (message := neighbour_message(packet)) is not None:
            yield from self._neighbours.read(message, packet.time)
        elif packet.echo:
            yield from self._udp.read(packet)
        elif packet.protocol == "icmp":
            yield from self._icmp_message(packet)

    def _icmp_message(self, packet: Packet) -> Iterator[TrafficEvent]:
        if (error := delivery_error(packet)) is None:
            return
        quote, reason = error
        ends = ((quote.source, quote.source_port), (quote.target, quote.target_port))
        ended = [
            event
            for reader in (self._dns, self.tcp, self._udp)
            for event in reader.unreachable(*ends, packet.time, reason)
        ]
        yield from ended or [icmp_error(self._context, packet, quote, reason)]

    def expire(self, now: float) -> Iterator[TrafficEvent]:
        for reader in self._all:
            yield from reader.expire(now)

    def flush(self) -> Iterator[TrafficEvent]:
        for reader in self._all:
            yield from reader.flush()
