"""The capture of one lab: start, stop, read, save, or stream it live."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestrator.engine.protocol import Engine
from orchestrator.errors import NotFound, UsageInvalid, WorldError
from orchestrator.lab.capture.recorder import find_recorder, invalid_filter, start_recorder
from orchestrator.lab.capture.recording import Recording, http_ports, read_recording, stream_pcapng, whole_lines
from orchestrator.lab.capture.selected_packets import PacketReader, selected_packets
from orchestrator.lab.journal_reader import probe_events
from orchestrator.lab.lab import Lab
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.capture import (
    PROGRAM,
    READ_AT,
    RING_MEGABYTES,
    bridges_of,
    decoder_spec,
    filter_argv,
    late_argv,
    live_argv,
    live_spec,
    node_names,
    reader_spec,
    recorder_spec,
    with_networks,
)
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.snapshot import ObservedContainer, Snapshot
from orchestrator.traffic.packets.decode import decode_argv
from orchestrator.traffic.packets.selection import PacketSelection
from orchestrator.traffic.story import Exclusion

SETTLE_SECONDS = 10.0
IMAGE = "capture"


class LabCapture:
    """The capture of one lab, made by a container that records its networks. There is at most one at a time."""

    def __init__(self, engine: Engine, lab: Lab) -> None:
        self._engine = engine
        self._lab = lab

    @property
    def scenario(self) -> Scenario:
        return self._lab.scenario

    @property
    def lab_name(self) -> str:
        return self._lab.name

    @property
    def named(self) -> LabRef:
        return self._lab.named

    def topology(self, observed: Snapshot) -> Topology:
        return self._lab.topology(observed)

    def recorder(self) -> ObservedContainer | None:
        """The container that records, or that has ended; None if there is none."""
        return find_recorder(self._engine, self._lab.name)

    def running(self) -> ObservedContainer | None:
        """The container that records; None if there is none or it has ended."""
        container = self.recorder()
        return container if container and container.state == "running" else None

    @property
    def filter(self) -> str:
        """The BPF expression that limits what is recorded; empty if everything is."""
        container = self.recorder()
        return container.labels.get(labels.NARROWED, "") if container else ""

    def start(self, observed: Snapshot, bpf: str = "", ring: int = RING_MEGABYTES) -> str:
        """Start to record and return the container's id; every packet from then on is in the recording.

        `bpf` limits what is recorded (pcap-filter(7)); the ring keeps the last `ring` megabytes. A recorder that has
        ended is removed first: its recording was in memory, and is gone.
        """
        if not self.running():
            self.stop()
        topology, networks = self._networks(observed)
        self._lab.build_missing_images(IMAGE)
        spec = recorder_spec(topology, observed, bpf, ring)
        return start_recorder(self._engine, with_networks(spec, networks))

    def stream_live(
        self,
        observed: Snapshot,
        errors: list[str],
        bpf: str = "",
        then: tuple[str, ...] = (),
        *,
        reads_later: bool = False,
    ) -> Generator[bytes, None, None]:
        """Packets as they are captured, as pcapng, or the output of the program `then` that reads it. Never ends.

        Uses a temporary container, and leaves a recorder that runs alone. `errors` collects what the programs write to
        standard error. With `reads_later`, `then` starts with the first packet or at READ_NOW, but in a lab
        with IPv6 at once.
        """
        topology, networks = self._networks(observed)
        self._lab.build_missing_images(IMAGE)
        container = self._engine.make_container(live_spec(topology, observed))
        try:
            self._engine.start(container)
            if bpf and (trial := self._engine.run(container, filter_argv(bpf), seconds=10)).exit_code:
                raise invalid_filter(f"{bpf!r}: {trial.err.strip().removeprefix('tcpdump: ')}")
            is_late = reads_later and not topology.subnets6
            argv = late_argv(networks, then) if is_late else live_argv(networks, bpf, then)
            yield from self._engine.stream(container, argv, errors)
        finally:
            self._engine.remove_container(container)

    def _networks(self, observed: Snapshot) -> tuple[Topology, dict[str, str]]:
        """The lab, and the bridges of its networks. Raises NotFound where none is there."""
        topology = self._lab.topology(observed)
        bridges = bridges_of(topology, observed)
        if not any(bridges.values()):
            raise NotFound(f"the lab {self._lab.name!r} is not up", hint=self.named.command("up"))
        return topology, bridges

    @contextmanager
    def open_file(self, observed: Snapshot, file: Path, user: str) -> Iterator[Recording]:
        """The recording in a capture file of this machine; readable inside the `with` block."""
        topology = self._lab.topology(observed)
        self._lab.build_missing_images(IMAGE)
        container = self._engine.make_container(reader_spec(topology, observed, str(file), user))
        try:
            self._engine.start(container)
            errors: list[str] = []
            argv = (PROGRAM, "ordered", READ_AT, *decode_argv(http=http_ports(self._lab.scenario)))
            yield Recording(whole_lines(self._engine.stream(container, argv, errors)), errors)
        finally:
            self._engine.remove_container(container)

    @contextmanager
    def packet_reader(self, observed: Snapshot) -> Iterator[PacketReader]:
        """A reader of packets that others hand in, inside the `with` block. The lab need not be up."""
        self._lab.build_missing_images(IMAGE)
        container = self._engine.make_container(decoder_spec(self._lab.topology(observed), observed))
        try:
            self._engine.start(container)
            yield PacketReader(self._engine, container, tuple(http_ports(self._lab.scenario)))
        finally:
            self._engine.remove_container(container)

    def selected(self, container: str, selection: PacketSelection, most: int) -> bytes:
        """The recorded packets of a selection as pcapng; more than `most` bytes are cut off."""
        return selected_packets(self._engine, container, selection, most)

    def require_running(self) -> str:
        """The id of the container that records.

        Raises NotFound if the lab is not up, UsageInvalid if nothing records, WorldError if what recorded has ended.
        """
        container, hint = self.recorder(), self.named.command("capture start")
        if container is None:
            self._lab.standing()
            raise UsageInvalid(f"no capture of the lab {self._lab.name!r} is running", hint=hint)
        if container.state != "running":
            why = f"its container is {container.state}; what it had recorded was in memory, and is gone"
            raise WorldError(f"the capture of the lab {self._lab.name!r} has ended by itself", why=why, hint=hint)
        return container.id

    def settle(self, container: str) -> None:
        """Wait until all packets captured so far are written.

        The kernel and the recorder pass packets on in blocks, a quarter of a second each, and do not say when.
        """
        self._engine.run(container, (PROGRAM, "settle"), seconds=SETTLE_SECONDS)

    def read(self, container: str, *, end: bool = False) -> Recording:
        """What was captured so far; with `end` the recording ends first."""
        return read_recording(self._engine, container, self._lab.name, self._lab.scenario, end=end)

    def check_exclusions(self) -> tuple[Exclusion, ...]:
        """When checks probed from which node: what these nodes began then is the checks' own traffic."""
        probes = probe_events(self._lab.state, self._lab.name)
        return tuple(Exclusion("the checks", probe.node, probe.since, probe.until) for probe in probes)

    def status(self, container: str) -> dict[str, Any]:
        """The recorder's own counts: files, bytes, packets, and those that are missing.

        Raises WorldError if it does not tell them: its program may have been ended on a busy machine.
        """
        ended = self._engine.run(container, (PROGRAM, "status"), seconds=10)
        try:
            counts: dict[str, Any] = json.loads(ended.out)
        except ValueError:
            why = ended.err.strip() or f"its program ended with exit code {ended.exit_code} and printed no counts"
            what = f"the recorder of the lab {self._lab.name!r} does not say what it has recorded"
            raise WorldError(what, why=why, hint="try again") from None
        return counts

    def pcapng(self, container: str, observed: Snapshot) -> Iterator[bytes]:
        """What was captured so far as pcapng, with the names of scenario, networks and nodes."""
        self.settle(container)
        name, lab = self._lab.scenario.name, self._lab.name
        comment = f"wirelab scenario {name}" + (f", lab {lab}" if lab != name else "")
        return stream_pcapng(self._engine, container, comment, node_names(self._lab.topology(observed)))

    def stop(self) -> bool:
        """Remove the recorder and its recording. Returns False if there was none."""
        container = self.recorder()
        if container is None:
            return False
        with suppress(NotFound):
            self._engine.remove_container(container.id)
        return True
