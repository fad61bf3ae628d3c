"""Packets that routers forward: one copy of each is told, and which networks they crossed is remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from orchestrator.traffic.packets.packet import ACK, RST, SYN, Packet

# A flow that is older than so many others is over, or crossed one network only.
REMEMBERED_FLOWS = 100_000

End = tuple[str, int]
"""An address and a port; the port of a ping is 0."""

NOTHING: Mapping[str, frozenset[str]] = MappingProxyType({})


class RoutedPackets:
    """Compare what is captured on the networks of both ends. Keeps the latest flows.

    `networks` maps the address of a node to the networks on which the node stands. What is sent to another address
    counts as arrived wherever it is captured.
    """

    def __init__(self, networks: Mapping[str, frozenset[str]] = NOTHING) -> None:
        all_networks = frozenset(name for names in networks.values() for name in names)
        self._networks = networks if len(all_networks) > 1 else NOTHING
        self._all_networks = all_networks if len(all_networks) > 1 else frozenset()
        self._kept_on: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._askers: OrderedDict[tuple[str, frozenset[End]], End] = OrderedDict()
        self._crossed: OrderedDict[tuple[str, End, End], dict[str, None]] = OrderedDict()

    def without_copies(self, stream: Iterable[Packet]) -> Iterator[Packet]:
        """Keep what one end sends to another on the first network that has it.

        Each direction by itself, because tshark takes the later copy of a segment, whichever that is, for a
        repetition. An answer that is no such segment (a datagram, SYN and ACK, RST) is kept as it arrives: if it is
        lost on its way, the one that asked never learns of it.
        """
        for packet in stream:
            if packet.stream < 0 and packet.quote is None and not packet.echo:
                yield packet
                continue
            tells = packet.protocol != "tcp" or packet.flags & (SYN | RST)
            if tells and packet.network in self._all_networks and packet.quote is None and self._is_answer(packet):
                if packet.network not in self._networks.get(packet.target, self._all_networks):
                    continue
                if packet.protocol == "tcp":  # what follows is kept on the first network that has it
                    yield packet
                    continue
            key = (packet.protocol, packet.stream, packet.source, packet.source_port, packet.quote)
            if self._kept_on.setdefault(key, packet.network) == packet.network:
                yield packet
            if len(self._kept_on) > REMEMBERED_FLOWS:
                self._kept_on.popitem(last=False)

    def loss(self, protocol: str, client: End, server: End) -> str:
        """Where the packets of a flow were lost: `left front, not seen on back`; empty where that is not known."""
        for source, target, what in ((client, server, "left"), (server, client, "the answer left")):
            crossed = self._crossed.get((protocol, source, target))
            there = self._networks.get(target[0])
            if crossed and there and there.isdisjoint(crossed):
                return f"{what} {[*crossed][-1]}, not seen on {' or '.join(sorted(there))}"
        return ""

    def _is_answer(self, packet: Packet) -> bool:
        """Whether a packet answers one that opens a flow; remembers on which network each of the two was seen."""
        source, target = (packet.source, packet.source_port), (packet.target, packet.target_port)
        ends = (packet.protocol, frozenset((source, target)))
        if packet.protocol == "tcp":
            opens = packet.flags & (SYN | ACK) == SYN
            if opens:
                self._askers[ends] = source
        elif packet.echo:
            opens = packet.echo == "request"
        else:
            opens = self._askers.setdefault(ends, source) == source
        answers = not opens and (bool(packet.echo) or self._askers.get(ends, source) != source)
        if opens or answers:
            self._crossed.setdefault((packet.protocol, source, target), {})[packet.network] = None
        if len(self._crossed) > REMEMBERED_FLOWS:
            self._crossed.popitem(last=False)
        if len(self._askers) > REMEMBERED_FLOWS:
            self._askers.popitem(last=False)
        return answers
