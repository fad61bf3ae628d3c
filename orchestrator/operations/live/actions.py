"""What somebody who watches a lab can do in it. Each action is an operation, recorded as a command of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.events import Actor
from orchestrator.operations.capture import open_capture, start_capture, stop_capture
from orchestrator.operations.checks import run_checks
from orchestrator.operations.faults import fault_of_words, heal_faults, heal_lab, inject_fault
from orchestrator.operations.packet_export import recorded_packets
from orchestrator.operations.workspace import new_run_id
from orchestrator.traffic.exchanges.events import Flow
from orchestrator.traffic.packets.packet import read_packets, sort_by_time
from orchestrator.traffic.packets.routed import RoutedPackets

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.traffic.packets.packet import Packet
    from orchestrator.traffic.story import LiveExchange

MOST_PACKETS = 200
WINDOW = 1000  # packets within which they are put in order of time
MOMENT = 0.001  # seconds; tshark prints microseconds


@dataclass(frozen=True)
class LiveActions:
    """The actions on one lab; `seat` is who does them. `changing` is held while one of them changes the lab."""

    workspace: Workspace
    loaded: LoadedScenario
    lab_name: str
    seat: str = ""
    changing: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def _as_command(self, *words: str) -> Iterator[Workspace]:
        """A workspace whose events say which command line would have done the same."""
        command, *rest = words
        actor = Actor(new_run_id(), "web", ("wirelab", command, self.lab_name, *rest), self.seat)
        workspace = self.workspace.acting_as(actor)
        try:
            yield workspace
        finally:
            workspace.close_journals()

    def check(self, number: int | None) -> tuple[Finding, ...]:
        """Run the check of this number (from 1), or all checks. Raises UsageInvalid for a number that no check has."""
        checks = self.loaded.reading.scenario.checks
        if number is None:
            with self._as_command("check") as workspace:
                return run_checks(workspace, self.loaded, self.lab_name).findings
        if not 1 <= number <= len(checks):
            raise UsageInvalid(f"there is no check {number}", why=f"the file has {len(checks)} checks")
        name = checks[number - 1].name
        with self._as_command("check", "--only", name) as workspace:
            findings = run_checks(workspace, self.loaded, self.lab_name, only=(name,)).findings
        return tuple(finding for finding in findings if finding.check == name)

    def inject(self, words: Sequence[str]) -> str:
        """Put a fault in, in the words of the command line; returns its id."""
        fault = fault_of_words(tuple(words), self.loaded.reading.scenario)
        with self.changing, self._as_command("inject", *words) as workspace:
            return inject_fault(workspace, self.loaded, self.lab_name, fault).faults[0].id

    def heal(self, fault_id: str | None) -> tuple[str, ...]:
        """Heal one fault; without one, all faults and whatever else is not as the file declares."""
        if fault_id is not None:
            with self.changing, self._as_command("heal", fault_id) as workspace:
                healed = heal_faults(workspace, self.loaded, self.lab_name, (fault_id,)).faults
                return tuple(fault.id for fault in healed)
        with self.changing, self._as_command("heal") as workspace:
            return tuple(fault.id for fault in heal_lab(workspace, self.loaded, self.lab_name).healed)

    def capture(self, on: bool) -> bool:
        """Begin or end to record; returns whether that changed anything."""
        with self._as_command("capture start" if on else "capture stop") as workspace:
            if on:
                return start_capture(workspace, self.loaded, self.lab_name)[1]
            return stop_capture(workspace, self.loaded, self.lab_name)

    def packets(self, exchange: LiveExchange) -> tuple[Packet, ...]:
        """The packets of an exchange, from the capture that runs; none where none runs."""
        flow = getattr(exchange.event, "flow", None)
        capture, _ = open_capture(self.workspace, self.loaded, self.lab_name)
        recorder = capture.running()
        if recorder is None or not isinstance(flow, Flow):
            return ()
        until = exchange.at if exchange.ended is None else exchange.ended
        ends = frozenset((end.address, end.port) for end in (flow.client, flow.server))
        read = RoutedPackets().without_copies(sort_by_time(read_packets(capture.read(recorder.id).lines), WINDOW))
        packets = (
            packet
            for packet in read
            if frozenset(((packet.source, packet.source_port), (packet.target, packet.target_port))) == ends
            and exchange.at - MOMENT <= packet.time <= until + MOMENT
        )
        return tuple(islice(packets, MOST_PACKETS))

    def pcapng(self) -> Iterator[bytes]:
        """What the running capture has recorded so far. Raises UsageInvalid where none runs."""
        return recorded_packets(self.workspace, self.loaded, self.lab_name)
