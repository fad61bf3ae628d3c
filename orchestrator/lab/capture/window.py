"""Record a lab's traffic for a time window.

Uses the running capture, or starts a temporary one and removes it afterwards.
"""

from __future__ import annotations

import time
from dataclasses import field, replace

from orchestrator.errors import WirelabError
from orchestrator.lab.capture.lab_capture import LabCapture
from orchestrator.lab.lab import Lab
from orchestrator.model.topology import Topology
from orchestrator.quick_dataclass import dataclass
from orchestrator.traffic.exchanges.events import TrafficEvent
from orchestrator.traffic.story import PacketLosses


@dataclass(frozen=True)
class CaptureResult:
    """The events of a time window. If nothing could be recorded, `missing` says why."""

    events: tuple[TrafficEvent, ...] = ()
    losses: PacketLosses = field(default_factory=PacketLosses)
    missing: str = ""


@dataclass(frozen=True)
class CaptureWindow:
    """The part of a capture from `since` (seconds since 1970) on.

    `temporary` says that the window started the capture itself. Nothing here raises: a lab that cannot be recorded
    can be judged all the same.
    """

    capture: LabCapture
    container: str
    since: float
    temporary: bool
    missing: str = ""

    @classmethod
    def open(cls, lab: Lab) -> CaptureWindow:
        """Record from now on. The lab's settings must know the image `capture`."""
        capture = LabCapture(lab.engine, lab)
        try:
            running = capture.running()
            if running:
                return cls(capture, running.id, time.time(), temporary=False)
            observed = lab.observe()
            if not observed.containers:
                return cls(capture, "", 0.0, temporary=False, missing="The lab was not up.")
            return cls(capture, capture.start(observed), 0.0, temporary=True)
        except WirelabError as error:
            return cls(capture, "", 0.0, temporary=False, missing=_missing(error))

    @classmethod
    def of_running_capture(cls, lab: Lab) -> CaptureWindow:
        """Everything that the running capture has recorded, if there is one."""
        capture = LabCapture(lab.engine, lab)
        running = capture.running()
        missing = "" if running else f"No capture was running; {lab.named.command('capture start')} begins one."
        return cls(capture, running.id if running else "", 0.0, temporary=False, missing=missing)

    def result(self, topology: Topology) -> CaptureResult:
        """What was recorded until now. A temporary capture ends with it."""
        if self.missing:
            return CaptureResult(missing=self.missing)
        try:
            recording = self.capture.read(self.container, end=self.temporary)
        except WirelabError as error:
            return CaptureResult(missing=_missing(error))
        stream, line_counts = recording.events(topology, self.since)
        events = tuple(stream)
        return CaptureResult(events, replace(recording.losses, unreadable=line_counts.damaged))

    def close(self) -> None:
        """Remove the recorder if it is temporary."""
        if self.temporary:
            self.capture.stop()


def _missing(error: WirelabError) -> str:
    return f"The traffic could not be recorded: {error.what}{f' ({error.why})' if error.why else ''}."
