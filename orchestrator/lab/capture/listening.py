"""Whether a program in a container has begun to capture: it has opened a packet socket for each of its interfaces."""

from __future__ import annotations

import re

from orchestrator.engine.programs import Programs
from orchestrator.errors import WirelabError

# The packet sockets of this network namespace, whoever has opened them (packet(7)), and the sockets of our programs.
ARGV = ("bash", "-c", "cat /proc/net/packet; echo; ls -l /proc/[0-9]*/fd 2> /dev/null; true")
INODE = re.compile(r"(\d+)\s*$", re.MULTILINE)
SOCKET = re.compile(r"socket:\[(\d+)\]")
SECONDS = 5.0


def is_listening(engine: Programs, container: str, interfaces: int) -> bool:
    """Whether programs of the container have so many packet sockets; False where it cannot be asked."""
    try:
        output = engine.run(container, ARGV, seconds=SECONDS)
    except WirelabError:
        return False
    return count_packet_sockets(output.out) >= interfaces


def count_packet_sockets(printed: str) -> int:
    """The packet sockets of the machine that are among the sockets of the container's programs."""
    packet_sockets, _, descriptors = printed.partition("\n\n")
    return len({*INODE.findall(packet_sockets)} & {*SOCKET.findall(descriptors)})
