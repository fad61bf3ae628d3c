"""Packets as values, read from the lines that tshark prints for `DECODE_ARGV`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter

from orchestrator.traffic.packets.decode import (
    AT,
    FIELD_SEPARATOR,
    FRAME_FIELDS,
    LAYER_FIELDS,
    NUMBERS,
    OCCURRENCE_SEPARATOR,
)

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

HEAD = len(FRAME_FIELDS)
NETWORK, FRAME_TARGET = FRAME_FIELDS.index("frame.interface_name"), FRAME_FIELDS.index("eth.dst")
LAYERS = len(LAYER_FIELDS)
BARE = FIELD_SEPARATOR * (LAYERS - 1)
ICMP, ICMPV6, ARP = (LAYER_FIELDS.index(name) for name in ("icmp.type", "icmpv6.type", "arp.opcode"))
ECHOES = {("8", ""): "request", ("0", ""): "reply", ("", "128"): "request", ("", "129"): "reply"}
numbers = itemgetter(*(AT[name] for name in NUMBERS))
ALL_NUMBERS = re.compile(r"(?:0x[0-9a-fA-F]+|[0-9]{1,15}|\x1f)*")
UDP_HEADER = 8  # bytes (RFC 768)
TIME = attrgetter("time", "number")
NOTHING: tuple[str, ...] = ()
# tshark's escapes
WRITTEN = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
CONTROL = re.compile(f"(?![\n\r\t{OCCURRENCE_SEPARATOR}])[\x00-\x1f\x7f-\x9f]")
ESCAPED = re.compile(r"\\([\\nrt])")


def _plain(text: str) -> str:
    """The text as it was sent, with control characters escaped: they move the cursor, and XML forbids them."""
    text = ESCAPED.sub(lambda match: WRITTEN[match[1]], text) if "\\" in text else text
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


@dataclass(frozen=True, slots=True)
class QuotedPacket:
    """The packet that an ICMP error message quotes."""

    protocol: str
    source: str
    source_port: int
    target: str
    target_port: int


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: when (seconds since 1970), from where to where, and the texts of its layers.

    `protocol` is tcp, udp, icmp, arp or other; `stream` is tshark's number of the TCP or UDP conversation, -1 where
    there is none; `size` is the length of the payload in bytes; `repeated` says that the payload was seen before.
    `network` is where it was captured, empty if the capture does not say it.
    `frame_target` is the hardware address to which an ARP packet is sent, empty where the capture does not say it.
    `layers` has a text for each of LAYER_FIELDS, or is empty where the packet carries no such layer.
    """

    number: int
    time: float
    source: str
    target: str
    protocol: str
    stream: int
    source_port: int
    target_port: int
    flags: int
    size: int
    repeated: bool
    layers: tuple[str, ...]
    quote: QuotedPacket | None = None
    network: str = ""
    frame_target: str = ""

    @property
    def echo(self) -> str:
        """`request` for a ping, `reply` for the answer to one, else empty (RFC 792, RFC 4443)."""
        return ECHOES.get((self.text(ICMP), self.text(ICMPV6)), "") if self.protocol == "icmp" else ""

    def text(self, place: int) -> str:
        """The first occurrence of a field; empty where it is absent."""
        return _plain(self.layers[place].partition(OCCURRENCE_SEPARATOR)[0]) if self.layers else ""

    def texts(self, place: int) -> list[str]:
        """All occurrences of a field."""
        text = self.layers[place] if self.layers else ""
        return _plain(text).split(OCCURRENCE_SEPARATOR) if text else []


@dataclass
class LineCounts:
    """How many lines were read, and how many of them were unreadable."""

    read: int = 0
    damaged: int = 0
    examples: list[str] = field(default_factory=list)

    def damage(self, line: str) -> None:
        self.damaged += 1
        if len(self.examples) < 3:
            self.examples.append(line[:80])


def read_packets(lines: Iterable[str], line_counts: LineCounts | None = None) -> Iterator[Packet]:
    """Parse tshark's lines. Damaged lines are skipped and counted in `line_counts`."""
    line_counts = line_counts if line_counts is not None else LineCounts()
    for line in lines:
        if not line or line == "\n":
            continue
        line_counts.read += 1
        try:
            packet = _packet(line)
        except (ValueError, IndexError):
            line_counts.damage(line)
            continue
        yield packet


def _packet(line: str) -> Packet:
    head = line.rstrip("\n").split(FIELD_SEPARATOR, HEAD)
    rest = head[HEAD]
    layers = NOTHING if rest == BARE else tuple(rest.split(FIELD_SEPARATOR))
    if layers:
        _check(layers)
    if layers and (layers[ICMP] or layers[ICMPV6]):
        return _icmp(head, layers)
    number, time, network = int(head[0]), float(head[1]), head[NETWORK]
    source, target = head[2] or head[4], head[3] or head[5]
    if line.find(OCCURRENCE_SEPARATOR, 0, len(line) - len(rest)) >= 0:  # a packet within a packet: the inner one
        source, target = _last(source), _last(target)
        head = [_last(text) for text in head]
    if head[6]:
        repeated = bool(head[11] or head[12])
        stream, sport, dport, flags = int(head[6]), int(head[7]), int(head[8]), int(head[9], 16)
        size = int(head[10])
        return Packet(
            number, time, source, target, "tcp", stream, sport, dport, flags, size, repeated, layers, None, network
        )
    if head[13]:
        stream, sport, dport, size = int(head[13]), int(head[14]), int(head[15]), int(head[16]) - UDP_HEADER
        return Packet(number, time, source, target, "udp", stream, sport, dport, 0, size, False, layers, None, network)
    if layers and layers[ARP]:
        frame_target = head[FRAME_TARGET]
        return Packet(number, time, source, target, "arp", -1, 0, 0, 0, 0, False, layers, frame_target=frame_target)
    return Packet(number, time, source, target, "other", -1, 0, 0, 0, 0, False, layers)


def _check(layers: tuple[str, ...]) -> None:
    """Raise ValueError for a damaged line, so that the protocol readers need not check."""
    if len(layers) != LAYERS:
        raise ValueError("not as many fields as were asked for")
    if not ALL_NUMBERS.fullmatch(OCCURRENCE_SEPARATOR.join(numbers(layers))):
        raise ValueError("a text where a number must be")


def parse_number(text: str) -> int:
    """A number as tshark writes it, decimal or with 0x; 0 for an empty text."""
    return int(text, 16) if text[:2] == "0x" else int(text or "0")


def _icmp(head: list[str], layers: tuple[str, ...]) -> Packet:
    """The packet that an ICMP error quotes comes after the message's own addresses (RFC 792, RFC 4443)."""
    number, time = int(head[0]), float(head[1])
    source, target = head[2] or head[4], head[3] or head[5]
    quote = None
    if OCCURRENCE_SEPARATOR in source and (head[7] or head[14]):
        protocol, sport, dport = ("tcp", head[7], head[8]) if head[7] else ("udp", head[14], head[15])
        quote = QuotedPacket(protocol, _last(source), int(_last(sport)), _last(target), int(_last(dport)))
    network = head[NETWORK]
    return Packet(number, time, _first(source), _first(target), "icmp", -1, 0, 0, 0, 0, False, layers, quote, network)


def _first(text: str) -> str:
    return text.partition(OCCURRENCE_SEPARATOR)[0]


def _last(text: str) -> str:
    return text.rpartition(OCCURRENCE_SEPARATOR)[2]


def sort_by_time(stream: Iterable[Packet], window: int = 1000) -> Iterator[Packet]:
    """Sort packets by time if none is further than `window` packets from its place; 0 does not sort."""
    waiting: list[Packet] = []
    room = 2 * window
    for packet in stream:
        waiting.append(packet)
        if len(waiting) > room:
            # sorting what is nearly in order is cheap
            waiting.sort(key=TIME)
            yield from waiting[: window + 1]
            del waiting[: window + 1]
    waiting.sort(key=TIME)
    yield from waiting
