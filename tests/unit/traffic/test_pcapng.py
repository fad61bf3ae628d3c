"""A capture file gets names for addresses, and nothing else of it changes; a pcap file becomes the same as pcapng.

The expected bytes are laid out here by hand from draft-ietf-opsawg-pcapng and draft-ietf-opsawg-pcap.
`tests/engine/test_capture.py` has tshark read such a file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.operations.packet_export import name_packets
from orchestrator.traffic.packets.pcap import as_pcapng
from orchestrator.traffic.packets.pcapng import DamagedCapture, NamedPackets, names_block

RECORDINGS = sorted((Path(__file__).parents[2] / "recordings").glob("*.pcapng"))
NAMES = {"10.0.0.2": "app", "fd00::2": "app", "10.0.0.1": "host"}
LITTLE = (
    "04000000 44000000"  # type, length
    "0100 0800 0a000002 61707000"  # nrb_record_ipv4, 8 bytes: 10.0.0.2, "app", zero
    "0200 1400 fd00000000000000 0000000000000002 61707000"  # nrb_record_ipv6
    "0100 0900 0a000001 686f737400 000000"  # "host", filled up to 12 bytes
    "0000 0000 44000000"  # nrb_record_end, length
)
BIG = (
    "00000004 00000044 0001 0008 0a000002 61707000 0002 0014 fd00000000000000 0000000000000002 61707000"
    "0001 0009 0a000001 686f737400 000000 0000 0000 00000044"
)


def section(order: str) -> bytes:
    """A Section Header Block of 28 bytes."""
    return struct.pack(f"{order}IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def in_pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[begin : begin + size] for begin in range(0, len(content), size))


@pytest.mark.parametrize(("order", "expected"), [("<", LITTLE), (">", BIG)], ids=["little-endian", "big-endian"])
def test_a_block_of_names_is_laid_out_as_the_draft_says(order: str, expected: str) -> None:
    assert names_block(order, NAMES).hex() == expected.replace(" ", "")


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_section_gets_the_names_in_its_own_byte_order(order: str) -> None:
    """Two captures may stand one after the other in a file."""
    content = b"".join(NamedPackets([section(order) + section("<")], NAMES))
    assert content == section(order) + names_block(order, NAMES) + section("<") + names_block("<", NAMES)


@pytest.mark.parametrize("size", [1, 13, 1_000_000])
def test_the_rest_stays_as_it_was_wherever_a_piece_ends(size: int) -> None:
    """Of each recording of the tests."""
    assert len(RECORDINGS) > 20
    for file in RECORDINGS[:: 1 if size > 1 else 12]:
        content = file.read_bytes()
        added = names_block("<", NAMES)
        head = struct.unpack_from("<I", content, 4)[0]
        packets = NamedPackets(in_pieces(content, size), NAMES)
        assert b"".join(packets) == content[:head] + added + content[head:], file.name
        assert packets.cut_off == 0


def test_a_block_is_handed_on_before_the_next_piece_is_there() -> None:
    """A live capture waits for no later packet."""

    def pieces() -> Iterator[bytes]:
        yield section("<")
        raise AssertionError("the second piece was read first")

    assert next(iter(NamedPackets(pieces(), {}))).startswith(section("<"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no capture, but a text", "no section of pcapng begins at byte 0"),
        (section("<") + bytes(12), "no block begins at byte 28: it would have 0 bytes"),
        (section("<") + struct.pack("<III", 6, 0x7FFFFFFC, 0), "no block begins at byte 28: it would have 2147483644"),
        (section("<") + struct.pack("<III", 6, 13, 0), "no block begins at byte 28: it would have 13 bytes"),
        (section("<") + struct.pack("<III", 6, 12, 16), "the two lengths of the block at byte 28 differ"),
        (section("<")[:8] + bytes(20), "no section of pcapng begins at byte 0"),
    ],
)
def test_what_is_no_capture_is_named_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(DamagedCapture, match=message):
        list(NamedPackets(in_pieces(content, 7), {}))


def pcap(order: str, magic: int, fraction: int, frame: bytes = b"\x01" * 15, link_type: int = 1) -> bytes:
    """A pcap file with one packet of 15 bytes, of which 99 crossed the wire, at 1.7e9 seconds and `fraction`."""
    head = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    return head + struct.pack(f"{order}IIII", 1_700_000_000, fraction, len(frame), 99) + frame


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "digits"), [(0xA1B2C3D4, 6), (0xA1B23C4D, 9)], ids=["microseconds", "nanoseconds"])
@pytest.mark.parametrize("size", [1, 1000])
def test_a_pcap_file_becomes_pcapng_with_the_same_packets(order: str, magic: int, digits: int, size: int) -> None:
    """Time, both lengths, frame and link type, in all four forms of the file header."""
    content = b"".join(as_pcapng(in_pieces(pcap(order, magic, 123, link_type=113), size)))
    time = 1_700_000_000 * 10**digits + 123
    interface = struct.pack(f"{order}IIHHIHHB3xHHI", 1, 32, 113, 0, 262144, 9, 1, digits, 0, 0, 32)
    packet = struct.pack(f"{order}IIIIIII", 6, 48, 0, time >> 32, time & 0xFFFFFFFF, 15, 99)
    assert content == section(order) + interface + packet + b"\x01" * 15 + b"\0" + struct.pack(f"{order}I", 48)
    assert b"".join(NamedPackets([content], {})).endswith(
        packet[-8:] + b"\x01" * 15 + b"\0" + packet[:0] + content[-4:]
    )


def test_pcapng_is_left_alone_by_the_reader_of_pcap() -> None:
    content = RECORDINGS[0].read_bytes()
    assert b"".join(as_pcapng(in_pieces(content, 5))) == content


@pytest.mark.parametrize("missing", [1, 14, 20])
def test_a_file_that_ends_within_a_packet_keeps_the_packets_before_it(tmp_path: Path, missing: int) -> None:
    """Of both formats, and whoever exports is told."""
    packet = pcap("<", 0xA1B2C3D4, 1)
    whole = packet + packet[24:]
    for content in (whole, b"".join(as_pcapng([whole]))):
        told: list[str] = []
        file = tmp_path / "cut"
        file.write_bytes(content[:-missing])
        exported = b"".join(name_packets(file, {}, told.append))
        assert exported == b"".join(NamedPackets(as_pcapng([packet]), {}))
        assert told == [f"{file} ends within a packet, which is left out"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "neither pcapng nor pcap: it is shorter than the header of a capture"),
        (b"hello\n", "neither pcapng nor pcap: it is shorter than the header of a capture"),
        (b"hello, this is a text", "neither pcapng nor pcap: no section of pcapng begins at byte 0"),
        (pcap("<", 0xA1B2C3D4, 1)[:10], "neither pcapng nor pcap: the file ends within its header"),
        (
            pcap("<", 0xA1B2C3D4, 1) + b"\xff" * 16,
            "neither pcapng nor pcap: no packet begins at byte 55: it would have 4294967295 bytes",
        ),
    ],
)
def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "text"
    file.write_bytes(content)
    with pytest.raises(UsageInvalid) as caught:
        list(name_packets(file, NAMES, lambda _line: None))
    assert (caught.value.what, caught.value.why) == (f"{file} cannot be read as a capture", why)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid) as caught:
        list(name_packets(tmp_path / "away", NAMES, lambda _line: None))
    assert (caught.value.what, caught.value.why) == (
        f"{tmp_path / 'away'} cannot be read as a capture", "No such file or directory",
    )  # fmt: skip
