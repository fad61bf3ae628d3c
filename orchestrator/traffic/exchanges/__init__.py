"""From packets to conversations: who asked whom for what, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import Wire
from orchestrator.traffic.exchanges.dns import DnsReader
from orchestrator.traffic.exchanges.events import Event
from orchestrator.traffic.exchanges.tcp import TcpReader
from orchestrator.traffic.exchanges.udp_icmp_arp import SearchReader, UdpReader, complaint, looked_for, unreachable
from orchestrator.traffic.packets.packet import Packet

__all__ = ["conversations"]

EXPIRE_EVERY = 1.0  # seconds of the capture's own time


def conversations(packets: Iterable[Packet], names: Mapping[str, str]) -> Iterator[Event]:
    """The events of these packets, in the order in which they ended; `names` maps addresses to nodes.

    Memory is bounded by what is open at a time, not by the length of the capture.
    """
    reader = _Reader(names)
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
    """One reader a protocol, on one wire."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._wire = Wire(names)
        self._dns = DnsReader(self._wire)
        self.tcp = TcpReader(self._wire, self._dns)
        self._udp = UdpReader(self._wire)
        self._searches = SearchReader(self._wire)
        self._all = (self._dns, self.tcp, self._udp, self._searches)

    def read(self, packet: Packet) -> Iterator[Event]:
        """The events of a packet that is not TCP."""
        if packet.protocol == "udp":
            known = packet.layers and packet.layers[at.DNS_ID] and 5353 not in (packet.source_port, packet.target_port)
            yield from (self._dns if known else self._udp).read(packet)
        elif (found := looked_for(packet)) is not None:
            yield from self._searches.read(found, packet.time)
        elif packet.echo:
            yield from self._udp.read(packet)
        elif packet.protocol == "icmp":
            yield from self._complaint(packet)

    def _complaint(self, packet: Packet) -> Iterator[Event]:
        if (found := complaint(packet)) is None:
            return
        quote, reason = found
        ends = ((quote.source, quote.source_port), (quote.target, quote.target_port))
        ended = [
            event
            for reader in (self._dns, self.tcp, self._udp)
            for event in reader.unreachable(*ends, packet.time, reason)
        ]
        yield from ended or [unreachable(self._wire, packet, quote, reason)]

    def expire(self, now: float) -> Iterator[Event]:
        for reader in self._all:
            yield from reader.expire(now)

    def flush(self) -> Iterator[Event]:
        for reader in self._all:
            yield from reader.flush()
