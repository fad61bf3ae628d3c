"""pcap, the older format of capture files (tcpdump writes it): read it as pcapng.

Source: draft-ietf-opsawg-pcap, section 4 (file header) and 5 (packet record); draft-ietf-opsawg-pcapng, section 4.1 to
4.3, for what is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain

from orchestrator.traffic.packets.pcapng import SECTION, SMALLEST_BLOCK, DamagedCapture, block, padded

INTERFACE, PACKET = 1, 6
HEADER_SIZE, RECORD_SIZE = 24, 16
LARGEST_PACKET = 16 * 1024 * 1024
# The first four bytes of a file: byte order, and how many of its units of time a second has, as a power of ten.
MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\x3c\x4d": (">", 9),
}
TIME_UNIT = 9  # the option if_tsresol


def as_pcapng(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a pcap file as pcapng; of any other file, the pieces as they are.

    Of a file that is cut off, the last block is cut off, too.
    """
    source = iter(pieces)
    head = b""
    while len(head) < HEADER_SIZE and (piece := next(source, b"")):
        head += piece
    if head[:4] not in MAGIC:
        return chain([head], source)
    return _converted(head, source)


def _converted(head: bytes, source: Iterator[bytes]) -> Iterator[bytes]:
    order, digits = MAGIC[head[:4]]
    if len(head) < HEADER_SIZE:
        raise DamagedCapture("the file ends within its header")
    # The upper bits of the link type say whether a frame ends with its checksum.
    snap_length, link_type = struct.unpack_from(f"{order}II", head, 16)
    yield block(order, SECTION, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    options = struct.pack(f"{order}HHB3xHH", TIME_UNIT, 1, digits, 0, 0)
    yield block(order, INTERFACE, struct.pack(f"{order}HHI", link_type & 0xFFFF, 0, snap_length) + options)
    held, place = head[HEADER_SIZE:], HEADER_SIZE
    for piece in chain([b""], source):
        held += piece
        written: list[bytes] = []
        begin = 0
        while (size := _record_size(held, begin, order, place + begin)) and begin + size <= len(held):
            written.append(_packet(held[begin : begin + size], order, digits))
            begin += size
        held, place = held[begin:], place + begin
        yield b"".join(written)
    yield held[: SMALLEST_BLOCK - 1]  # no whole block: who reads it counts it as cut off


def _record_size(held: bytes, begin: int, order: str, place: int) -> int:
    """How long the record is that begins there; 0 if its header is not whole."""
    if len(held) - begin < RECORD_SIZE:
        return 0
    length = struct.unpack_from(f"{order}I", held, begin + 8)[0]
    if length > LARGEST_PACKET:
        raise DamagedCapture(f"no packet begins at byte {place}: it would have {length} bytes")
    return RECORD_SIZE + int(length)


def _packet(record: bytes, order: str, digits: int) -> bytes:
    seconds, fraction, captured, original = struct.unpack_from(f"{order}IIII", record)
    time = int(seconds * 10**digits + fraction)
    head = struct.pack(f"{order}IIIII", 0, time >> 32, time & 0xFFFFFFFF, captured, original)
    return block(order, PACKET, head + padded(record[RECORD_SIZE:]))
