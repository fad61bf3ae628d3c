"""What a lab's recorder has recorded, read with tshark: packets as lines, and what happened as events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from orchestrator.engine.protocol import Engine
from orchestrator.errors import WorldError
from orchestrator.lab.tls_keys import put_keys
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import PROGRAM, names_of
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import ExchangeStart, TrafficEvent, start_time
from orchestrator.traffic.packets.decode import decode_argv, decode_warning
from orchestrator.traffic.packets.packet import LineCounts, drop_forwarded_copies, read_packets, sort_by_time
from orchestrator.traffic.story import PacketLosses

# Where tshark has rules of its own for what lies below HTTP.
TLS_PORTS = (443, 8443)


@dataclass(frozen=True)
class Recording:
    """What tshark reads from a recording, a line a packet, which can be read once.

    `said` is what the recorder and tshark wrote to standard error, complete when all lines have been read.
    """

    lines: Iterator[str]
    said: list[str] = field(default_factory=list)

    @property
    def losses(self) -> PacketLosses:
        """What is missing from it, by the recorder's own count; known when all lines have been read."""
        counted = (line for line in "".join(self.said).splitlines() if line.startswith("{"))
        return losses_of(next(counted, ""))

    @property
    def warning(self) -> str | None:
        """What tshark said against the recording, as a sentence; known when all lines have been read."""
        return decode_warning("".join(self.said))

    def events(
        self, topology: Topology, since: float = 0.0, window: int = 1000
    ) -> tuple[Iterator[TrafficEvent], LineCounts]:
        """What began since that moment, and a line_counts that is complete when the events have been read.

        All packets are read: a connection may have been opened before, after a question that was captured too.
        Packets are put in order of time as far as they are within `window` of their place.
        """
        line_counts = LineCounts()
        packets = drop_forwarded_copies(sort_by_time(read_packets(self.lines, line_counts), window))
        events = read_events(packets, names_of(topology))
        return (event for event in events if _began(event) >= since), line_counts


def _began(event: TrafficEvent) -> float:
    return event.at if isinstance(event, ExchangeStart) else start_time(event)


def read(engine: Engine, container: str, lab: str, scenario: Scenario, *, end: bool = False) -> Recording:
    """What has crossed the wire until now; with `end` the recording ends first."""
    keys = put_keys(engine, container, lab, scenario)
    before = "--end" if end else "--settle"
    argv = (PROGRAM, "read", before, *decode_argv(http=http_ports(scenario), tls_keys=keys))
    said: list[str] = []
    return Recording(lines(engine.stream(container, argv, said)), said)


def losses_of(document: str) -> PacketLosses:
    """From the recorder's own count. What the kernel dropped is known only when the recording has ended."""
    with suppress(ValueError, KeyError):
        counted = json.loads(document)
        return PacketLosses(counted["dropped"] or 0, counted["overwritten"])
    return PacketLosses()


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere; a line of tshark ends with a line feed and nothing else."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def http_ports(scenario: Scenario) -> list[int]:
    """TCP ports of the authors' own services, where tshark has no rule of its own: it is told to try HTTP."""
    services = [node for node in scenario.nodes.values() if node.role == "service"]
    found = {one.port for node in services for one in node.listens or () if one.protocol == "tcp"}
    return sorted(found - set(TLS_PORTS))


def pcapng(engine: Engine, container: str, comment: str) -> Iterator[bytes]:
    """What is recorded so far as a pcapng file that bears a comment, in pieces. WorldError if none could be made."""
    said: list[str] = []
    empty = True
    for piece in engine.stream(container, (PROGRAM, "save", comment), said):
        empty = False
        yield piece
    if empty:  # even a file without a packet has a header
        why = " ".join("".join(said).split())[-300:]
        raise WorldError("what is recorded could not be saved", why=why, hint="wirelab capture status")
