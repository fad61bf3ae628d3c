"""What a lab's recorder has recorded, read with tshark: packets as lines, and what happened as events."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.engines.protocol import Engine
from orchestrator.judging.conversations import conversations
from orchestrator.judging.conversations.events import Event
from orchestrator.judging.packets.decode import decode_argv, decode_warning
from orchestrator.judging.packets.packet import Tally, in_order, packets
from orchestrator.judging.story import Losses
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import PROGRAM, names_of

READ_SECONDS = 120.0


@dataclass(frozen=True)
class Recording:
    """What tshark read from a recording, a line a packet; what is missing from it; what tshark said against it."""

    lines: tuple[str, ...]
    losses: Losses
    warning: str | None

    def events(self, topology: Topology, since: float = 0.0) -> tuple[Iterator[Event], Tally]:
        """What happened since that moment, and a tally that is complete when the events have been read."""
        tally = Tally()
        later = (packet for packet in in_order(packets(self.lines, tally)) if packet.time >= since)
        return conversations(later, names_of(topology)), tally


def read(engine: Engine, container: str, scenario: Scenario, *, end: bool = False) -> Recording:
    """What is recorded so far; with `end` the recording ends first, so that its last packets are there."""
    losses = Losses()
    if end:
        said = engine.run(container, (PROGRAM, "end"), seconds=30).out
        with suppress(ValueError):
            counted = json.loads(said)
            losses = Losses(counted["dropped"], counted["overwritten"])
    argv = decode_argv(http=http_ports(scenario))
    output = engine.run(container, (PROGRAM, "read", *argv), seconds=READ_SECONDS)
    return Recording(tuple(output.out.splitlines()), losses, decode_warning(output.err))


def http_ports(scenario: Scenario) -> list[int]:
    """TCP ports of the authors' own services, where tshark has no rule of its own: it is told to try HTTP."""
    services = [node for node in scenario.nodes.values() if node.role == "service"]
    return sorted({one.port for node in services for one in node.listens or () if one.protocol == "tcp"})


def pcapng(engine: Engine, container: str, comment: str) -> bytes:
    """What is recorded so far as a pcapng file that bears a comment. It is no text: it crosses the stream coded."""
    argv = ("bash", "-c", '"$0" save "$1" | base64 -w0', PROGRAM, comment)
    return b64decode(engine.run(container, argv, seconds=READ_SECONDS).out)
