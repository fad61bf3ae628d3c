"""Addresses that no machine on the network answers for: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import ExchangeStart, TrafficEvent, UnansweredArp
from orchestrator.traffic.packets.packet import Packet

SEARCH_PATIENCE = 3.0  # Linux asks once a second, three times (mcast_solicit, arp(7)); so for IPv6
TO_ALL = ("ff:ff:ff:ff:ff:ff", "")  # where the capture does not say it, the request is taken for one to all
UNSPECIFIED = ("0.0.0.0", "::")  # the sender checks whether an address is free before it takes it (RFC 5227, RFC 4862)


class NeighbourSearch:
    """Requests for the hardware address of one IP address, not answered yet."""

    __slots__ = ("exchange", "last", "started", "tries")

    def __init__(self, exchange: int, when: float) -> None:
        self.exchange = exchange
        self.started = self.last = when
        self.tries = 1


@dataclass(frozen=True, slots=True)
class NeighbourMessage:
    """`sender` asks its network who has the address `target`, or is answered.

    `is_check`: a kernel asks the machine alone that it knows already, whether it is still there. It does so by itself,
    some seconds after a program used the address last (RFC 1122, section 2.3.2.1; RFC 4861, section 7.3.3; arp(7)).
    """

    sender: str
    target: str
    answered: bool
    is_check: bool = False


def neighbour_message(packet: Packet) -> NeighbourMessage | None:
    """What an ARP packet, a neighbour solicitation or advertisement says; None for all other packets."""
    if packet.protocol == "arp":
        ends = packet.text(at.ARP_ASKER), packet.text(at.ARP_TARGET)
        if packet.text(at.ARP_OPCODE) != "1":
            return NeighbourMessage(*ends[::-1], True)
        return NeighbourMessage(*ends, False, packet.frame_target not in TO_ALL)
    if target := packet.text(at.ND_WANTED):
        return NeighbourMessage(packet.source, target, False, not ip_address(packet.target).is_multicast)
    if target := packet.text(at.ND_FOUND):
        return NeighbourMessage(packet.target, target, True)
    return None


class NeighbourReader:
    """Follow requests for addresses. One that is answered at once gives no event; a second request begins a search.

    A kernel that checks a machine which it knows searches for none.
    """

    def __init__(self, context: TrafficContext) -> None:
        self._context = context
        self._open: OrderedDict[tuple[str, str], NeighbourSearch] = OrderedDict()

    def read(self, message: NeighbourMessage, when: float) -> Iterator[TrafficEvent]:
        key = (message.sender, message.target)
        if message.answered:
            search = self._open.pop(key, None)
            if search is not None and search.tries > 1:
                yield self._unanswered(key, search, when)
        elif not message.is_check and message.sender not in (message.target, *UNSPECIFIED):
            yield from self._requested(key, when)

    def _requested(self, key: tuple[str, str], when: float) -> Iterator[TrafficEvent]:
        if (search := self._open.get(key)) is None:
            self._open[key] = NeighbourSearch(self._context.exchange_number(), when)
            return
        search.tries += 1
        search.last = when
        self._open.move_to_end(key)
        if search.tries == 2:
            sender, target = self._context.node_at(key[0]), self._context.node_at(key[1])
            kind = "ndp" if ":" in key[1] else "arp"
            yield ExchangeStart(search.exchange, kind, search.started, sender, target, 0, target)

    def _unanswered(self, key: tuple[str, str], search: NeighbourSearch, ended: float | None = None) -> UnansweredArp:
        sender, target = self._context.node_at(key[0]), self._context.node_at(key[1])
        return UnansweredArp(search.exchange, sender, target, key[1], search.started, ended, search.last, search.tries)

    def expire(self, now: float) -> Iterator[TrafficEvent]:
        while self._open:
            key, search = next(iter(self._open.items()))
            if now - search.last < SEARCH_PATIENCE:
                return
            del self._open[key]
            yield self._unanswered(key, search)

    def flush(self) -> Iterator[TrafficEvent]:
        for key, search in self._open.items():
            yield self._unanswered(key, search)
        self._open.clear()
