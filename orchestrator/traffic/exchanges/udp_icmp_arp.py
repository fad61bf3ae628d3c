"""What is neither TCP nor DNS: other UDP, ICMP's complaints, and addresses that nobody bears."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import Wire
from orchestrator.traffic.exchanges.events import Began, Datagrams, Event, Link, UnansweredArp, Unreachable
from orchestrator.traffic.packets.packet import Packet, Quote, whole

UDP_PATIENCE = 30.0  # seconds
SEARCH_PATIENCE = 3.0  # Linux asks once a second, three times (mcast_solicit, arp(7)); so for IPv6
NOBODY = ("0.0.0.0", "::")  # asks whether an address is free before it takes it (RFC 5227, RFC 4862)

# RFC 792, RFC 1812 section 5.2.7.1
REASONS = {
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
    4: "packet too large", 6: "network unknown", 7: "host unknown", 9: "network prohibited", 10: "host prohibited",
    13: "prohibited by a filter",
}  # fmt: skip
# RFC 4443, section 3.1
REASONS_6 = {
    0: "no route", 1: "prohibited by a filter", 3: "address unreachable", 4: "port unreachable", 5: "prohibited",
}  # fmt: skip


class Flow:
    """UDP between two sockets, or pings between two machines; the first packet's sender is the client."""

    __slots__ = ("answered", "exchange", "last", "last_sent", "link", "received", "sent", "started")

    def __init__(self, exchange: int, link: Link, when: float) -> None:
        self.exchange = exchange
        self.link = link
        self.started = self.last = self.last_sent = when
        self.answered: float | None = None
        self.sent = self.received = 0

    def ended(self, reason: str = "", when: float | None = None) -> Datagrams:
        ended = when if when is not None else self.answered
        return Datagrams(
            self.exchange, self.link, self.started, ended, self.sent, self.received, self.last_sent, reason
        )


class UdpReader:
    """Counts pings, and UDP that no protocol here understands. What is sent to many at once is no conversation."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open: OrderedDict[int | frozenset[str], Flow] = OrderedDict()

    def read(self, packet: Packet) -> Iterator[Event]:
        key = frozenset((packet.source, packet.target)) if packet.echo else packet.stream
        flow = self._open.get(key)
        if flow is None:
            if _to_many(packet.target) or packet.source == "0.0.0.0" or packet.echo == "reply":
                return
            ends = ((packet.source, packet.source_port), (packet.target, packet.target_port))
            link = self._wire.link(packet.protocol, *ends, packet.time)
            flow = self._open[key] = Flow(self._wire.number(), link, packet.time)
            client, server = link.client.node, link.server.node
            subject = f"{server}:{link.server.port}"
            yield Began(flow.exchange, packet.protocol, packet.time, client, server, link.number, subject)
        flow.last = packet.time
        self._open.move_to_end(key)
        if (packet.source, packet.source_port) == (flow.link.client.address, flow.link.client.port):
            flow.sent += 1
            flow.last_sent = packet.time
        else:
            flow.received += 1
            flow.answered = packet.time
            if packet.echo:  # each ping is told for itself, with its own time
                yield self._open.pop(key).ended()

    def unreachable(
        self, client: tuple[str, int], server: tuple[str, int], when: float, reason: str
    ) -> Iterator[Event]:
        for key, flow in list(self._open.items()):
            link = flow.link
            ends = ((link.client.address, link.client.port), (link.server.address, link.server.port))
            if ends == (client, server):
                del self._open[key]
                yield flow.ended(reason, when)

    def expire(self, now: float) -> Iterator[Event]:
        while self._open:
            key, flow = next(iter(self._open.items()))
            if now - flow.last < UDP_PATIENCE:
                return
            del self._open[key]
            yield flow.ended()

    def flush(self) -> Iterator[Event]:
        for flow in self._open.values():
            yield flow.ended()
        self._open.clear()


def _to_many(address: str) -> bool:
    if address.endswith(".255"):
        return True
    try:
        return ip_address(address).is_multicast
    except ValueError:
        return True


class Search:
    """Requests for the hardware address of one address, not answered yet."""

    __slots__ = ("exchange", "last", "started", "tries")

    def __init__(self, exchange: int, when: float) -> None:
        self.exchange = exchange
        self.started = self.last = when
        self.tries = 1


@dataclass(frozen=True, slots=True)
class LookedFor:
    """One machine asks its network who bears `target`, or is told so (`found`); by ARP (RFC 826) or NDP (RFC 4861)."""

    asker: str
    target: str
    found: bool


def looked_for(packet: Packet) -> LookedFor | None:
    """What an ARP packet, a neighbour solicitation or advertisement says; None for all other packets."""
    if packet.protocol == "arp":
        ends = packet.text(at.ARP_ASKER), packet.text(at.ARP_TARGET)
        return LookedFor(*ends, False) if packet.text(at.ARP_OPCODE) == "1" else LookedFor(*ends[::-1], True)
    if target := packet.text(at.ND_WANTED):
        return LookedFor(packet.source, target, False)
    if target := packet.text(at.ND_FOUND):
        return LookedFor(packet.target, target, True)
    return None


class SearchReader:
    """Requests that were answered at once are no news; a second request begins a search."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open: OrderedDict[tuple[str, str], Search] = OrderedDict()

    def read(self, one: LookedFor, when: float) -> Iterator[Event]:
        key = (one.asker, one.target)
        if one.found:
            search = self._open.pop(key, None)
            if search is not None and search.tries > 1:
                yield self._unclaimed(key, search, when)
        elif one.asker not in (one.target, *NOBODY):
            yield from self._asked(key, when)

    def _asked(self, key: tuple[str, str], when: float) -> Iterator[Event]:
        if (search := self._open.get(key)) is None:
            self._open[key] = Search(self._wire.number(), when)
            return
        search.tries += 1
        search.last = when
        self._open.move_to_end(key)
        if search.tries == 2:
            asker, target = self._wire.name(key[0]), self._wire.name(key[1])
            kind = "ndp" if ":" in key[1] else "arp"
            yield Began(search.exchange, kind, search.started, asker, target, 0, target)

    def _unclaimed(self, key: tuple[str, str], search: Search, ended: float | None = None) -> UnansweredArp:
        asker, target = self._wire.name(key[0]), self._wire.name(key[1])
        return UnansweredArp(search.exchange, asker, target, key[1], search.started, ended, search.last, search.tries)

    def expire(self, now: float) -> Iterator[Event]:
        while self._open:
            key, search = next(iter(self._open.items()))
            if now - search.last < SEARCH_PATIENCE:
                return
            del self._open[key]
            yield self._unclaimed(key, search)

    def flush(self) -> Iterator[Event]:
        for key, search in self._open.items():
            yield self._unclaimed(key, search)
        self._open.clear()


def complaint(packet: Packet) -> tuple[Quote, str] | None:
    """The packet that could not be delivered and why; None for other ICMP messages (echo, neighbours)."""
    if packet.quote is None:
        return None
    if packet.text(at.ICMP_TYPE) == "3":
        code = whole(packet.text(at.ICMP_CODE))
        return packet.quote, REASONS.get(code, f"unreachable, code {code}")
    if packet.text(at.ICMPV6_TYPE) == "1":
        code = whole(packet.text(at.ICMPV6_CODE))
        return packet.quote, REASONS_6.get(code, f"unreachable, code {code}")
    return None


def unreachable(wire: Wire, packet: Packet, quote: Quote, reason: str) -> Unreachable:
    """The complaint as an event of its own."""
    ends = ((quote.source, quote.source_port), (quote.target, quote.target_port))
    link = wire.link(quote.protocol, *ends, None)
    return Unreachable(wire.number(), link, packet.time, wire.name(packet.source), reason)
