"""Take the packets of some flows out of a recording, and read such packets that somebody else hands in."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from orchestrator.engine.programs import Programs
from orchestrator.errors import WorldError
from orchestrator.planning.capture import PROGRAM
from orchestrator.traffic.packets.decode import decode_argv
from orchestrator.traffic.packets.selection import PacketSelection

SELECT_SECONDS, READ_SECONDS = 30.0, 10
# editcap takes the time first, since it reads a large recording faster than tshark.
SELECT = 'editcap -F pcapng -A "$1" -B "$2" - - | tshark -n -r - -F pcapng -w - -Y "$3" | head -c "$4"'
SPARE_SECONDS = 2
MOST_LINES_BYTES = 2 * 1024 * 1024  # of what tshark prints for some KiB of packets
READ = f'printf %s "$0" | base64 -d | timeout {READ_SECONDS} "$@" | head -c {MOST_LINES_BYTES}'


def selected_packets(engine: Programs, recorder: str, selection: PacketSelection, most: int) -> bytes:
    """The packets of a selection as pcapng; more than `most` bytes are cut off. Waits until they are recorded.

    Raises WirelabError where the recording cannot be read.
    """
    times = (str(int(selection.since) - SPARE_SECONDS), str(int(selection.until) + SPARE_SECONDS))
    argv = ("bash", "-c", SELECT, "select", *times, selection.filter, str(most))
    errors: list[str] = []
    pieces = engine.stream(recorder, (PROGRAM, "read", "--settle", *argv), errors, seconds=SELECT_SECONDS)
    packets = b"".join(pieces)
    if not packets:  # even a file without a packet has a header
        raise WorldError(
            "the packets could not be taken from the recording", why=" ".join("".join(errors).split())[-300:]
        )
    return packets


@dataclass(frozen=True)
class PacketReader:
    """Reads small captures with tshark in a container without network and capabilities; `http` are further ports."""

    engine: Programs
    container: str
    http: tuple[int, ...] = ()

    def lines(self, capture: bytes) -> list[str]:
        """The line of each packet. A capture that takes tshark too long, or of which it says too much, gives fewer."""
        argv = (*decode_argv(http=self.http),)
        output = self.engine.run(
            self.container, ("bash", "-c", READ, b64encode(capture).decode(), *argv), seconds=3.0 * READ_SECONDS
        )
        return [line for line in output.out.split("\n") if line]
