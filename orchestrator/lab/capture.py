"""Starts and ends the recorder of a lab, and waits for what it has still to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestrator.engine.protocol import Engine
from orchestrator.errors import NotFound, UsageInvalid, WorldError
from orchestrator.lab.lab import Lab
from orchestrator.lab.recorder import no_filter, record, recorder
from orchestrator.lab.recording import Recording, http_ports, lines, pcapng, read
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.capture import (
    PROGRAM,
    READ_AT,
    RING_MEGABYTES,
    capture_spec,
    filter_argv,
    hearing,
    listen_argv,
    listener_spec,
    networks_of,
    reader_spec,
)
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.snapshot import ObservedContainer, Snapshot
from orchestrator.traffic.packets.decode import decode_argv
from orchestrator.traffic.story import Exclusion

SETTLE_SECONDS = 10.0


class Capture:
    """The recorder of one lab; at most one stands at a time."""

    def __init__(self, engine: Engine, lab: Lab) -> None:
        self._engine = engine
        self._lab = lab

    @property
    def scenario(self) -> Scenario:
        return self._lab.scenario

    @property
    def named(self) -> LabRef:
        return self._lab.named

    def topology(self, observed: Snapshot) -> Topology:
        return self._lab.topology(observed)

    def seen(self) -> ObservedContainer | None:
        """The recorder, if there is one, whether it records or has ended."""
        return recorder(self._engine, self._lab.name)

    def recording(self) -> ObservedContainer | None:
        """The recorder, if there is one that records."""
        found = self.seen()
        return found if found and found.state == "running" else None

    @property
    def narrowed(self) -> str:
        """The expression by which the recorder that stands was narrowed; empty where it hears all."""
        found = self.seen()
        return found.labels.get(labels.NARROWED, "") if found else ""

    def start(self, observed: Snapshot, bpf: str = "", ring: int = RING_MEGABYTES) -> str:
        """Begin to record; when this returns, every packet from now on is in the recording. Returns the container.

        `bpf` narrows what is recorded (pcap-filter(7)); the ring keeps the last `ring` megabytes. A recorder that has
        ended makes room: what it recorded went with its memory.
        """
        if not self.recording():
            self.stop()
        topology, wires = self._wires(observed)
        spec = capture_spec(topology, observed, bpf, ring)
        return record(self._engine, hearing(spec, wires))

    def listen(self, observed: Snapshot, said: list[str], bpf: str = "", then: tuple[str, ...] = ()) -> Iterator[bytes]:
        """The wire as it is heard, as pcapng, or what the program `then` makes of that, until somebody interrupts.

        Heard by a container of its own, which is gone afterwards; a recorder that stands is not disturbed.
        """
        topology, wires = self._wires(observed)
        container = self._engine.make_container(listener_spec(topology, observed))
        try:
            self._engine.start(container)
            if bpf and (tried := self._engine.run(container, filter_argv(bpf), seconds=10)).exit_code:
                raise no_filter(f"{bpf!r}: {tried.err.strip().removeprefix('tcpdump: ')}")
            argv = listen_argv(wires, bpf, then)
            yield from self._engine.stream(container, argv, said)
        finally:
            self._engine.remove_container(container)

    def _wires(self, observed: Snapshot) -> tuple[Topology, dict[str, str]]:
        """The lab, and the engine's ids of its networks. Raises NotFound where none is there."""
        topology = self._lab.topology(observed)
        wires = networks_of(topology, observed)
        if not any(wires.values()):
            raise NotFound(f"the lab {self._lab.name!r} is not up", hint=self.named.command("up"))
        return topology, wires

    @contextmanager
    def from_file(self, observed: Snapshot, file: Path, user: str) -> Iterator[Recording]:
        """What is in a capture file of this machine, to be read inside."""
        topology = self._lab.topology(observed)
        container = self._engine.make_container(reader_spec(topology, observed, str(file), user))
        try:
            self._engine.start(container)
            said: list[str] = []
            argv = (PROGRAM, "ordered", READ_AT, *decode_argv(http=http_ports(self._lab.scenario)))
            yield Recording(lines(self._engine.stream(container, argv, said)), said)
        finally:
            self._engine.remove_container(container)

    def required(self) -> str:
        """The container of the recorder that records; UsageInvalid if none is there, WorldError if it has ended."""
        found, hint = self.seen(), self.named.command("capture start")
        if found is None:
            raise UsageInvalid(f"no capture of the lab {self._lab.name!r} is there", hint=hint)
        if found.state != "running":
            why = f"its container is {found.state}; what it had recorded lay in memory, and is gone"
            raise WorldError(f"the capture of the lab {self._lab.name!r} has ended by itself", why=why, hint=hint)
        return found.id

    def read_on(self, container: str) -> Recording:
        """What has crossed the wire until now, of a recording that goes on."""
        return self.read(container, end=False)

    def settle(self, container: str) -> None:
        """Wait until what has crossed the wire is written.

        The kernel and the recorder hand packets over in blocks, a quarter of a second each, and do not say when.
        """
        self._engine.run(container, (PROGRAM, "settle"), seconds=SETTLE_SECONDS)

    def read(self, container: str, *, end: bool) -> Recording:
        """What has crossed the wire until now; with `end` the recording ends first."""
        return read(self._engine, container, self._lab.name, self._lab.scenario, end=end)

    def checks_marks(self) -> tuple[Exclusion, ...]:
        """The times in which checks asked from nodes: what these nodes began then counts as the checks' own."""
        return tuple(Exclusion("the checks", one.node, one.since, one.until) for one in self._lab.folder.checked())

    def status(self, container: str) -> dict[str, Any]:
        """What the recorder has counted: files, bytes, packets, and those that are missing."""
        found: dict[str, Any] = json.loads(self._engine.run(container, (PROGRAM, "status"), seconds=10).out)
        return found

    def saved(self, container: str) -> Iterator[bytes]:
        """What has crossed the wire until now as pcapng, with the scenario's name in its header."""
        self.settle(container)
        name, lab = self._lab.scenario.name, self._lab.name
        comment = f"wirelab scenario {name}" + (f", lab {lab}" if lab != name else "")
        return pcapng(self._engine, container, comment)

    def stop(self) -> bool:
        """Remove the recorder and what it recorded; False if there was none."""
        found = self.seen()
        if found is None:
            return False
        with suppress(NotFound):
            self._engine.remove_container(found.id)
        return True
