"""pcapng, the format of capture files: add a block that has names for addresses.

Source: draft-ietf-opsawg-pcapng, section 3.1 (blocks), 4.1 (Section Header Block), 4.5 (Name Resolution Block).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

SECTION, NAMES = 0x0A0D0D0A, 0x00000004
# The byte-order magic of a Section Header Block as the two byte orders write it, and how `struct` calls them.
BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
SMALLEST_BLOCK = 12  # type, length, the length again
LARGEST_BLOCK = 64 * 1024 * 1024  # more than any program writes; bounds what is held in memory
END_OF_RECORDS = 0
RECORD_TYPES = {4: 1, 6: 2}  # version of IP: nrb_record_ipv4, nrb_record_ipv6


class DamagedCapture(ValueError):
    """The bytes are no capture file; the text says what is wrong with them."""


class NamedPackets:
    """The pieces of a pcapng file with a Name Resolution Block at the head of each section. They can be read once.

    Raises DamagedCapture where no block begins. `cut_off` is how many bytes at the end were no whole block and are left
    out; it is known when all has been read.
    """

    def __init__(self, pieces: Iterable[bytes], names: Mapping[str, str]) -> None:
        self._pieces = pieces
        self._names = names
        self.cut_off = 0

    def __iter__(self) -> Iterator[bytes]:
        order, held, place = "", b"", 0
        for piece in self._pieces:
            held += piece
            written: list[bytes] = []
            begin = 0
            while (head := next_block(held, begin, order, place + begin)) is not None:
                kind, size, order = head
                written.append(held[begin : begin + size])
                if kind == SECTION:
                    written.append(names_block(order, self._names))
                begin += size
            held, place = held[begin:], place + begin
            if written:
                yield b"".join(written)
        self.cut_off = len(held)


def names_block(order: str, names: Mapping[str, str]) -> bytes:
    """A Name Resolution Block: a record for each address. `order` is `<` or `>`, the byte order of its section."""
    records = []
    for text, name in names.items():
        address = ip_address(text)
        value = address.packed + name.encode() + b"\0"
        records.append(struct.pack(f"{order}HH", RECORD_TYPES[address.version], len(value)) + padded(value))
    return block(order, NAMES, b"".join(records) + struct.pack(f"{order}HH", END_OF_RECORDS, 0))


def block(order: str, kind: int, body: bytes) -> bytes:
    """A block of that type. Its length stands before and after the body."""
    body = padded(body)
    size = struct.pack(f"{order}I", len(body) + SMALLEST_BLOCK)
    return struct.pack(f"{order}I", kind) + size + body + size


def padded(value: bytes) -> bytes:
    """The bytes, filled up to a multiple of four."""
    return value + bytes(-len(value) % 4)


def next_block(held: bytes, begin: int, order: str, place: int) -> tuple[int, int, str] | None:
    """Type, length and byte order of the block that begins there; None if it is not whole. `place` is for messages.

    Raises DamagedCapture where no block begins.
    """
    if len(held) - begin < SMALLEST_BLOCK:
        return None
    if struct.unpack_from("<I", held, begin)[0] == SECTION:  # the same in both byte orders
        order = BYTE_ORDERS.get(held[begin + 8 : begin + 12], "")
    if not order:
        raise DamagedCapture(f"no section of pcapng begins at byte {place}")
    kind, size = struct.unpack_from(f"{order}II", held, begin)
    if size < SMALLEST_BLOCK or size % 4 or size > LARGEST_BLOCK:
        raise DamagedCapture(f"no block begins at byte {place}: it would have {size} bytes")
    if len(held) - begin < size:
        return None
    if held[begin + size - 4 : begin + size] != held[begin + 4 : begin + 8]:
        raise DamagedCapture(f"the two lengths of the block at byte {place} differ")
    return kind, size, order
