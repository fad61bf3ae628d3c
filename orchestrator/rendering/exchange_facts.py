"""One exchange in detail: what the packets prove of it, and a line for each packet."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from orchestrator.rendering.event_sentences import ms, readable
from orchestrator.traffic.exchanges.events import DnsExchange, Flow, TlsHandshake
from orchestrator.traffic.packets.packet import ACK, FIN, RST, SYN, Packet
from orchestrator.traffic.story import LiveExchange

FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"))


def flow_of(exchange: LiveExchange) -> Flow | None:
    """The connection or UDP flow of an exchange; None while it goes on, and where it has none."""
    return getattr(exchange.event, "flow", None)


def exchange_facts(exchange: LiveExchange, zone: tzinfo | None = None) -> list[str]:
    """What the packets prove, a line each."""
    facts = [f"began at {_time(exchange.at, zone)}"]
    if exchange.ended is not None and exchange.ended > exchange.at:
        facts.append(f"took {ms(exchange.ended - exchange.at)}")
    if flow := flow_of(exchange):
        facts.append(f"client: {flow.client.node}, {flow.client.address}, {flow.protocol} port {flow.client.port}")
        facts.append(f"server: {flow.server.node}, {flow.server.address}, {flow.protocol} port {flow.server.port}")
        if flow.name:
            facts.append(f"{flow.client.node} had asked DNS for {flow.name}")
    match exchange.event:
        case DnsExchange() as dns:
            facts += [f"answer: {record.type} {record.value}" for record in dns.answers]
            facts.append(f"asked {dns.tries} times; rcode {dns.rcode or 'none: no answer came'}")
        case TlsHandshake(subject=subject) if subject:
            facts.append(f"certificate: {subject}")
    if exchange.is_probe:
        facts.append("a check of wirelab caused it")
    return [readable(fact) for fact in facts]


def packet_line(packet: Packet, zone: tzinfo | None = None) -> str:
    """A packet as one line: when, from where to where, its flags, and how many bytes it carries."""
    ports = packet.protocol in ("tcp", "udp")
    source = f"{packet.source}:{packet.source_port}" if ports else packet.source
    target = f"{packet.target}:{packet.target_port}" if ports else packet.target
    flags = ",".join(name for bit, name in FLAGS if packet.flags & bit) if packet.protocol == "tcp" else ""
    again = "sent again" if packet.repeated else ""
    parts = (packet.protocol.upper(), flags, f"{packet.size} bytes" if packet.size else "", again)
    return f"{_time(packet.time, zone)}  {source} > {target}  {' '.join(filter(None, parts))}"


def _time(seconds: float, zone: tzinfo | None) -> str:
    at = datetime.fromtimestamp(seconds, zone or UTC)
    return f"{at:%H:%M:%S}.{at.microsecond:06d}"
