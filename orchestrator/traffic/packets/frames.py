"""The frames of a small capture, read strictly and written again: for packets that somebody hands in.

Only what a frame needs is read (Section Header, Interface Description and Enhanced Packet Blocks of Ethernet), so that
nothing else of a hostile file reaches a program that decodes it: no compressed file, no other link type, no names, no
keys. Source: draft-ietf-opsawg-pcapng, section 4.1 to 4.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from orchestrator.traffic.packets.pcapng import SECTION, DamagedCapture, block, next_block, padded

INTERFACE, PACKET = 1, 6
ETHERNET = 1  # LINKTYPE_ETHERNET; also that of Linux's loopback interface
NAME, TIME_UNIT, END_OF_OPTIONS = 2, 9, 0  # if_name, if_tsresol, opt_endofopt
INTERFACE_HEAD, PACKET_HEAD = 8, 20
NANO = 9  # digits of a second
MOST_FRAMES = 1000
MOST_INTERFACES = 100
ETHERNET_HEAD = 14
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
SYN = 0x02
DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame: when (nanoseconds since 1970), on which network, as captured, and how long it was."""

    time: int
    network: str
    content: bytes
    size: int


def read_frames(capture: bytes) -> tuple[Frame, ...]:
    """The frames of a pcapng file. Raises DamagedCapture with what is wrong, also where it ends within a packet."""
    frames: list[Frame] = []
    networks: list[tuple[str, int]] = []
    order, begin = "", 0
    while begin < len(capture):
        head = next_block(capture, begin, order, begin)
        if head is None:
            raise DamagedCapture(f"they are cut off at byte {begin}")
        kind, size, order = head
        body = capture[begin + 8 : begin + size - 4]
        if kind == SECTION:
            networks = []
        elif kind == INTERFACE:
            networks.append(_interface(body, order))
        elif kind == PACKET:
            frames.append(_frame(body, order, networks))
        begin += size
        if len(frames) > MOST_FRAMES or len(networks) > MOST_INTERFACES:
            raise DamagedCapture(f"they are more than {MOST_FRAMES} packets, or of {MOST_INTERFACES} networks")
    return tuple(frames)


def _interface(body: bytes, order: str) -> tuple[str, int]:
    """The name of a network, and how many digits of a second its times have."""
    if len(body) < INTERFACE_HEAD or struct.unpack_from(f"{order}H", body)[0] != ETHERNET:
        raise DamagedCapture("they are of no Ethernet network")
    name, digits = "", 6
    for code, value in _options(body[INTERFACE_HEAD:], order):
        if code == NAME:
            name = value.decode("utf-8", "replace")
        elif code == TIME_UNIT and value:
            digits = value[0]
    if digits > NANO:
        raise DamagedCapture("their times are in a unit that no capture of wirelab uses")
    return name, digits


def _options(text: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 4 <= len(text):
        code, size = struct.unpack_from(f"{order}HH", text, place)
        if code == END_OF_OPTIONS:
            return
        yield code, text[place + 4 : place + 4 + size]
        place += 4 + size + (-size % 4)


def _frame(body: bytes, order: str, networks: Sequence[tuple[str, int]]) -> Frame:
    if len(body) < PACKET_HEAD:
        raise DamagedCapture("a packet is shorter than its head")
    number, high, low, captured, size = struct.unpack_from(f"{order}IIIII", body)
    if number >= len(networks) or captured > len(body) - PACKET_HEAD:
        raise DamagedCapture("a packet is shorter than it says, or of no network")
    network, digits = networks[number]
    time = ((high << 32) | low) * 10 ** (NANO - digits)
    return Frame(time, network, body[PACKET_HEAD : PACKET_HEAD + captured], size)


def pcapng_of(frames: Iterable[Frame]) -> bytes:
    """The same frames as a pcapng file, and nothing else."""
    frames = tuple(frames)
    networks = tuple(dict.fromkeys(frame.network for frame in frames))
    blocks = [block("<", SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    blocks += [block("<", INTERFACE, _interface_body(network)) for network in networks]
    for frame in frames:
        high, low = (frame.time >> 32) & 0xFFFFFFFF, frame.time & 0xFFFFFFFF
        head = struct.pack("<IIIII", networks.index(frame.network), high, low, len(frame.content), frame.size)
        blocks.append(block("<", PACKET, head + padded(frame.content)))
    return b"".join(blocks)


def _interface_body(network: str) -> bytes:
    name = network.encode()
    options = struct.pack("<HH", NAME, len(name)) + padded(name) if name else b""
    return struct.pack("<HHI", ETHERNET, 0, 0) + options + struct.pack("<HHB3xHH", TIME_UNIT, 1, NANO, 0, 0)


def fingerprints(frames: Iterable[Frame]) -> frozenset[str]:
    """What no two labs have alike of their packets, whatever the addresses and the times in a copy say.

    Of TCP these are the ports and the sequence numbers, which begin at random (RFC 9293, section 3.4.1); of DNS the
    port and the identity of a question (RFC 5452, section 9). Other datagrams bear nothing of that kind; their time
    counts, too.
    """
    return frozenset(text for frame in frames if (text := _fingerprint(frame)))


def _fingerprint(frame: Frame) -> str:
    transport = _transport(frame.content)
    if transport is None:
        return ""
    protocol, content = transport
    if protocol == TCP and len(content) >= 20:
        flags, offset = content[13], (content[12] >> 4) * 4
        if flags & SYN or len(content) > offset:
            return f"tcp {sha256(content[:8] + bytes([flags & SYN])).hexdigest()[:32]}"
    if protocol == UDP and len(content) > 8:
        ports = struct.unpack_from("!HH", content)
        moment = b"" if DNS_PORT in ports else str(frame.time).encode()
        return f"udp {sha256(content[:4] + content[8:] + moment).hexdigest()[:32]}"
    return ""


def _transport(frame: bytes) -> tuple[int, bytes] | None:
    """The protocol above IP, and its header and payload; None for other frames, and for later fragments."""
    ip = frame[ETHERNET_HEAD:]
    kind = int.from_bytes(frame[12:14], "big")
    if kind == IPV4 and len(ip) >= 20 and not int.from_bytes(ip[6:8], "big") & 0x1FFF:
        return ip[9], ip[(ip[0] & 0x0F) * 4 : int.from_bytes(ip[2:4], "big")]
    if kind == IPV6 and len(ip) >= 40:
        return ip[6], ip[40 : 40 + int.from_bytes(ip[4:6], "big")]
    return None
