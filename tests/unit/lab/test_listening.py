"""Whether a capture has begun, from what the kernel prints."""

from __future__ import annotations

from orchestrator.lab.capture.listening import count_packet_sockets

PACKET_SOCKETS = """sk               RefCnt Type Proto  Iface R Rmem   User   Inode
00000000aa3f4c2e 3      3    0003   5     1 0      0      1001
00000000bb3f4c2e 3      3    0003   6     1 0      0      1002
00000000cc3f4c2e 3      3    0003   7     1 0      0      9999
"""
DESCRIPTORS = """/proc/7/fd:
lr-x------ 1 root root 64 Nov 27 14:00 0 -> /dev/null
lrwx------ 1 root root 64 Nov 27 14:00 3 -> socket:[1001]
lrwx------ 1 root root 64 Nov 27 14:00 4 -> socket:[1002]
lrwx------ 1 root root 64 Nov 27 14:00 5 -> socket:[1003]
"""


def test_the_packet_sockets_of_our_own_programs_are_counted() -> None:
    """Not those of another lab's capture, which are in the same network namespace."""
    assert count_packet_sockets(f"{PACKET_SOCKETS}\n{DESCRIPTORS}") == 2


def test_a_machine_without_packet_sockets_has_none() -> None:
    assert count_packet_sockets(f"{PACKET_SOCKETS.splitlines()[0]}\n\n{DESCRIPTORS}") == 0
    assert count_packet_sockets(f"{PACKET_SOCKETS}\n") == 0
    assert count_packet_sockets("") == 0
