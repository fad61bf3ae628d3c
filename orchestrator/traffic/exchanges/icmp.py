"""ICMP messages that say why a packet could not be delivered (RFC 792, RFC 4443)."""

from __future__ import annotations

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import IcmpError
from orchestrator.traffic.packets.packet import Packet, QuotedPacket, parse_number

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


def delivery_error(packet: Packet) -> tuple[QuotedPacket, str] | None:
    """The packet that could not be delivered and why; None for other ICMP messages (echo, neighbours)."""
    if packet.quote is None:
        return None
    if packet.text(at.ICMP_TYPE) == "3":
        code = parse_number(packet.text(at.ICMP_CODE))
        return packet.quote, REASONS.get(code, f"unreachable, code {code}")
    if packet.text(at.ICMPV6_TYPE) == "1":
        code = parse_number(packet.text(at.ICMPV6_CODE))
        return packet.quote, REASONS_6.get(code, f"unreachable, code {code}")
    return None


def icmp_error(context: TrafficContext, packet: Packet, quote: QuotedPacket, reason: str) -> IcmpError:
    """The message as an event of its own."""
    ends = ((quote.source, quote.source_port), (quote.target, quote.target_port))
    flow = context.new_flow(quote.protocol, *ends, None)
    return IcmpError(context.exchange_number(), flow, packet.time, context.node_at(packet.source), reason)
