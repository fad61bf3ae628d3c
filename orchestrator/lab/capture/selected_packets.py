"""Take the packets of some flows out of a recording, and read such packets that somebody else hands in."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.engine.programs import Programs
from orchestrator.errors import WorldError
from orchestrator.planning.capture import PROGRAM
from orchestrator.traffic.packets.decode import decode_argv
from orchestrator.traffic.packets.pcapng import DamagedCapture
from orchestrator.traffic.packets.selection import PacketSelection

SELECT_SECONDS, READ_SECONDS = 60.0, 120.0
# editcap takes the time first, since it reads a large recording faster than tshark.
SELECT = 'editcap -F pcapng -A "$1" -B "$2" - - | tshark -n -r - -F pcapng -w - -Y "$3" | head -c "$4"'
SPARE_SECONDS = 2
MOST_LINES_BYTES = 2 * 1024 * 1024  # of what tshark prints for some KiB of packets
# A limit of processor time says something of the packets, and not of a machine that is busy.
MOST_PROCESSOR_SECONDS = 10
READ = (
    f'set -o pipefail; printf %s "$0" | base64 -d | (ulimit -t {MOST_PROCESSOR_SECONDS}; exec "$@")'
    f" | head -c {MOST_LINES_BYTES}"
)
KILLED = 128  # and more: the number of a signal is added (bash(1), EXIT STATUS)


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

    def lines(self, capture: bytes, http: Sequence[int] = ()) -> list[str]:
        """The line of each packet, with HTTP at these ports, too.

        Raises DamagedCapture where they take too much of tshark, TookTooLong where the machine is too busy.
        """
        argv = ("bash", "-c", READ, b64encode(capture).decode(), *decode_argv(http={*self.http, *http}))
        output = self.engine.run(self.container, argv, seconds=READ_SECONDS)
        if output.exit_code >= KILLED:
            raise DamagedCapture(
                f"tshark needs more than {MOST_PROCESSOR_SECONDS} s or {MOST_LINES_BYTES} bytes for them"
            )
        return [line for line in output.out.split("\n") if line]
