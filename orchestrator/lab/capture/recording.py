"""Read a recording with tshark: one line for each packet, and the traffic events that the packets show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from types import MappingProxyType

from orchestrator.engine.programs import Programs
from orchestrator.engine.protocol import Engine
from orchestrator.errors import WorldError
from orchestrator.lab.capture.tls_keys import copy_tls_keys
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import PROGRAM, node_names, node_networks
from orchestrator.quick_dataclass import dataclass
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import ExchangeStart, TrafficEvent, start_time
from orchestrator.traffic.packets.decode import decode_argv, decode_warning
from orchestrator.traffic.packets.packet import LineCounts, read_packets, sort_by_time
from orchestrator.traffic.packets.pcapng import NamedPackets
from orchestrator.traffic.packets.routed import RoutedPackets
from orchestrator.traffic.story import PacketLosses

# Where tshark has rules of its own for what lies below HTTP.
TLS_PORTS = (443, 8443)


@dataclass(frozen=True)
class Recording:
    """The lines that tshark prints for a recording, one for each packet; they can be read once.

    `errors` is what the recorder and tshark wrote to standard error, complete when all lines have been read.
    """

    lines: Iterator[str]
    errors: list[str] = field(default_factory=list)

    @property
    def losses(self) -> PacketLosses:
        """Missing packets, by the recorder's own count; known when all lines have been read."""
        counts = (line for line in "".join(self.errors).splitlines() if line.startswith("{"))
        return parse_losses(next(counts, ""))

    @property
    def warning(self) -> str | None:
        """What tshark found wrong with the recording, as a sentence; known when all lines have been read."""
        return decode_warning("".join(self.errors))

    def events(
        self,
        topology: Topology,
        since: float = 0.0,
        window: int = 1000,
        more_names: Mapping[str, str] = MappingProxyType({}),
        *,
        is_prompt: bool = False,
    ) -> tuple[Iterator[TrafficEvent], LineCounts]:
        """The events that began since that time, and the counts of lines, complete when all events have been read.

        All packets are read: a connection may have been opened before, after a question that was captured too.
        Packets are put in order of time as far as they are within `window` of their place. `more_names` has nodes of
        other addresses than the lab's. With `is_prompt`, a UDP flow ends with its first reply.
        """
        line_counts = LineCounts()
        routed = RoutedPackets(node_networks(topology))
        packets = routed.without_copies(sort_by_time(read_packets(self.lines, line_counts), window))
        names = {**node_names(topology), **more_names}
        events = read_events(packets, names, is_prompt=is_prompt, find_loss=routed.loss)
        return (event for event in events if _began(event) >= since), line_counts


def _began(event: TrafficEvent) -> float:
    return event.at if isinstance(event, ExchangeStart) else start_time(event)


def read_recording(
    engine: Engine, container: str, lab_name: str, scenario: Scenario, *, end: bool = False
) -> Recording:
    """What was captured so far; with `end` the recording ends first."""
    keys = copy_tls_keys(engine, container, lab_name, scenario)
    before = "--end" if end else "--settle"
    argv = (PROGRAM, "read", before, *decode_argv(http=http_ports(scenario), tls_keys=keys))
    errors: list[str] = []
    return Recording(whole_lines(engine.stream(container, argv, errors)), errors)


def parse_losses(document: str) -> PacketLosses:
    """Read the recorder's own counts. What the kernel dropped is known only when the recording has ended."""
    with suppress(ValueError, KeyError, TypeError):
        counts = json.loads(document)
        return PacketLosses(counts["dropped"] or 0, counts["overwritten"])
    return PacketLosses()


def whole_lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere; a line of tshark ends with a line feed and nothing else."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def http_ports(scenario: Scenario) -> list[int]:
    """TCP ports of the authors' own services for which tshark has no rule: it tries HTTP there."""
    services = [node for name, node in scenario.nodes.items() if scenario.roles[name].custom_program]
    ports = {listener.port for node in services for listener in node.listens or () if listener.protocol == "tcp"}
    return sorted(ports - set(TLS_PORTS))


def stream_pcapng(engine: Programs, container: str, comment: str, names: Mapping[str, str]) -> Iterator[bytes]:
    """What was captured so far as the pieces of a pcapng file with a comment, and with names for these addresses.

    Raises WorldError if there are none.
    """
    errors: list[str] = []
    empty = True
    for piece in NamedPackets(engine.stream(container, (PROGRAM, "save", comment), errors), names):
        empty = False
        yield piece
    if empty:  # even a file without a packet has a header
        why = " ".join("".join(errors).split())[-300:]
        raise WorldError("what is recorded could not be saved", why=why, hint="wirelab capture status")
