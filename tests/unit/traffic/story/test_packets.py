"""Lines of tshark become packets, whatever state the capture is in."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import NAMES, NODES, lines

from orchestrator.rendering.story import story_text
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.packets import (
    DECODE_ARGV,
    LineCounts,
    RoutedPackets,
    decode_argv,
    decode_warning,
    read_packets,
    sort_by_time,
)
from orchestrator.traffic.story import build_story


def story_of_lines(from_lines: list[str]) -> str:
    return story_text(build_story(read_events(sort_by_time(read_packets(from_lines)), NODES)))


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_line_is_read(name: str) -> None:
    """No line of a whole recording is damaged, and each is one packet."""
    line_counts = LineCounts()
    assert len(list(read_packets(lines(name), line_counts))) == line_counts.read == len(lines(name))
    assert line_counts.damaged == 0


@pytest.mark.parametrize("name", ["first", "overlap", "prepared", "tls", "web"])
def test_packets_in_no_order_tell_the_same_story(name: str) -> None:
    """Several interfaces write into one file, not always in order of time."""
    shuffled = lines(name)
    random.Random(7).shuffle(shuffled)
    assert story_of_lines(shuffled) == story_of_lines(lines(name))


def test_repeated_segments_are_not_told_twice() -> None:
    """A retransmission carries what was said already."""
    again = []
    for line in lines("first"):
        again.append(line)
        fields = line.split("\t")
        if fields[6] and fields[10] != "0":
            fields[11] = "1"  # tcp.analysis.retransmission
            again.append("\t".join(fields))
    assert story_of_lines(again) == story_of_lines(lines("first"))


@pytest.mark.parametrize("end", range(0, 42, 3))
def test_a_capture_that_is_cut_short_tells_its_beginning(end: int) -> None:
    """What came before the cut is told as it was; what was open is said to be without answer."""
    text = story_of_lines(lines("first")[:end])
    assert text
    if end >= 8:
        assert "client asks dns for app.shop.lab A" in text


@pytest.mark.parametrize("begin", range(1, 42, 3))
def test_a_capture_that_begins_late_tells_its_end(begin: int) -> None:
    """Connections without a beginning are no reason to stop."""
    assert story_of_lines(lines("first")[begin:])


def test_a_damaged_line_is_counted_and_left_out() -> None:
    """The rest of the story is told."""
    line_counts = LineCounts()
    whole = lines("first")
    broken = [whole[0], "nonsense\n", whole[1][:40], "\t" * 200 + "\n", *whole[2:]]
    assert len(list(read_packets(broken, line_counts))) == len(whole) - 1
    assert line_counts.damaged == 3


@pytest.mark.slow
@given(st.data())
def test_no_line_makes_the_story_crash(data: st.DataObject) -> None:
    """Whatever is changed in the lines, there is a story or a count of damage, never an exception."""
    name = data.draw(st.sampled_from(["first", "tls", "records", "dns_closed", "nobody"]))
    changed = lines(name)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(changed) - 1))
        fields = changed[place].split("\t")
        column = data.draw(st.integers(0, len(fields) - 1))
        fields[column] = data.draw(
            st.sampled_from(["", "x", "-1", "0", "99999999999", "0x", "a\x1fb", "\x1f", "1e9", "é", "192.168.231.12"])
        )
        changed[place] = "\t".join(fields)
    assert story_of_lines(changed)


def test_the_command_asks_for_every_field_and_no_password() -> None:
    """One line a packet, nothing that a client keeps secret."""
    assert "pgsql.query" in DECODE_ARGV
    assert not [part for part in DECODE_ARGV if "password" in part or "sasl" in part or "authorization" in part]


def test_ports_and_keys_reach_the_command() -> None:
    """A lab that serves HTTP on another port says so."""
    argv = decode_argv("x.pcapng", http=[8000], dns=[5300], tls_keys="/keys", live=True)
    assert "tcp.port==8000,http" in argv
    assert "udp.port==5300,dns" in argv
    assert "tls.keylog_file:/keys" in argv
    assert "-l" in argv


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('tshark: The file "-" appears to have been cut short in the middle of a packet.', "cut short"),
        ('tshark: The file "x" isn\'t a capture file in a format TShark understands.', "no capture"),
        ('tshark: The file "x" appears to be damaged or corrupt.\n(pcapng: ...)', "damaged"),
        ('tshark: You don\'t have permission to read the file "x".', "may not be read"),
        ("Running as user root", None),
    ],
)
def test_what_tshark_says_against_a_file_is_said_to_people(message: str, expected: str | None) -> None:
    """A damaged capture gives a sentence, not a stack of program names."""
    found = decode_warning(message)
    assert (found is None) == (expected is None)
    assert expected is None or expected in (found or "")


@pytest.mark.parametrize("name", ["first", "overlap", "upstream", "sql", "refused", "tls"])
def test_what_a_router_hands_on_is_told_once(name: str) -> None:
    """Each packet is heard on a second wire too, where tshark takes what TCP says for a repetition."""
    packets = list(read_packets(lines(name)))
    routed = []
    for packet in packets:
        first, second = ("office", "front") if packet.source < packet.target else ("front", "office")
        copy: dict[str, Any] = {
            "time": packet.time + 1e-6,
            "network": second,
            "repeated": packet.protocol == "tcp" and packet.size > 0,
        }
        # ARP, and what is no conversation, stays on its network
        routed += [replace(packet, network=first)] + [replace(packet, **copy)] * (
            packet.stream >= 0 or packet.quote is not None
        )
    once = list(RoutedPackets().without_copies(sort_by_time(routed)))
    assert len(once) == len(packets)
    story_of_lines = [story_text(build_story(read_events(one, NODES))) for one in (once, sort_by_time(packets))]
    assert story_of_lines[0] == story_of_lines[1]


def test_on_one_wire_nothing_is_taken_for_a_copy() -> None:
    """A question that is asked again, and a segment that is sent again, stay."""
    packets = list(read_packets(lines("silent")))
    assert list(RoutedPackets().without_copies(packets)) == packets
