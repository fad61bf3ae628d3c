"""Frames of a capture are read strictly and written again, whoever made the file."""

from __future__ import annotations

import random
import struct

import pytest
from recorded import RECORDINGS

from orchestrator.traffic.packets.frames import MOST_FRAMES, Frame, pcapng_of, read_frames
from orchestrator.traffic.packets.pcapng import DamagedCapture, block

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6


def capture(order: str = "<", unit: int = 6, frame: bytes = b"12345", promised: int | None = None) -> bytes:
    """A file with one packet, 1.5 seconds after 1970 by its unit of time."""
    section = block(order, SECTION, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    options = struct.pack(f"{order}HH3sx", 2, 3, b"lab") + struct.pack(f"{order}HHB3xHH", 9, 1, unit, 0, 0)
    interface = block(order, INTERFACE, struct.pack(f"{order}HHI", 1, 0, 0) + options)
    time = 15 * 10 ** (unit - 1)
    size = len(frame) if promised is None else promised
    head = struct.pack(f"{order}IIIII", 0, time >> 32, time & 0xFFFFFFFF, size, 60)
    return section + interface + block(order, PACKET, head + frame)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit", [1, 6, 9])
def test_a_frame_has_its_time_and_its_network_in_each_byte_order(order: str, unit: int) -> None:
    assert read_frames(capture(order, unit)) == (Frame(1_500_000_000, "lab", b"12345", 60),)


def test_what_is_written_is_read_again() -> None:
    for name in ("first", "nobody6", "tls"):
        frames = read_frames((RECORDINGS / f"{name}.pcapng").read_bytes())
        assert frames
        assert read_frames(pcapng_of(frames)) == frames


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (capture(unit=12), "their times are in a unit"),
        (capture(promised=6000), "a packet is shorter than it says"),
        (capture()[28:], "no section of pcapng begins"),
        (capture() + b"\0\0\0\0", "they are cut off at byte"),
        (pcapng_of([Frame(1, "", b"", 0)] * (MOST_FRAMES + 1)), f"they are more than {MOST_FRAMES} packets"),
    ],
)
def test_what_is_wrong_with_a_capture_is_said(content: bytes, why: str) -> None:
    with pytest.raises(DamagedCapture, match=why):
        read_frames(content)


def test_no_damage_raises_anything_else() -> None:
    source, chance = (RECORDINGS / "refused.pcapng").read_bytes(), random.Random(7)
    damaged = 0
    for _ in range(2000):
        content = bytearray(source)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read_frames(bytes(content[: chance.randint(0, len(content))]))
        except DamagedCapture:
            damaged += 1
    assert damaged > 1000
