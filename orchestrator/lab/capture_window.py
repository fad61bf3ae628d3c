"""Listens to a lab for a while: to the capture that runs, or to one of its own that is removed afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from orchestrator.errors import WirelabError
from orchestrator.lab.capture import Capture
from orchestrator.lab.lab import Lab
from orchestrator.model.topology import Topology
from orchestrator.traffic.exchanges.events import TrafficEvent
from orchestrator.traffic.story import PacketLosses


@dataclass(frozen=True)
class CaptureResult:
    """What was heard; where nothing could be, `missing` says why."""

    events: tuple[TrafficEvent, ...] = ()
    losses: PacketLosses = field(default_factory=PacketLosses)
    missing: str = ""


@dataclass(frozen=True)
class Heard:
    """A recorder of which only what comes after `since` (seconds since 1970) is of interest.

    A lab that cannot be recorded can be judged all the same; so nothing here raises.
    """

    capture: Capture
    container: str
    since: float
    own: bool
    missing: str = ""

    @classmethod
    def begin(cls, lab: Lab) -> Heard:
        """Listen from now on. The lab's settings must know the image `capture`."""
        capture = Capture(lab.engine, lab)
        try:
            standing = capture.recording()
            if standing:
                return cls(capture, standing.id, time.time(), own=False)
            observed = lab.observe()
            if not observed.containers:
                return cls(capture, "", 0.0, own=False, missing="The lab was not up.")
            return cls(capture, capture.start(observed), 0.0, own=True)
        except WirelabError as error:
            return cls(capture, "", 0.0, own=False, missing=_plainly(error))

    @classmethod
    def standing(cls, lab: Lab) -> Heard:
        """What the capture that runs has heard from its beginning, if there is one."""
        capture = Capture(lab.engine, lab)
        found = capture.recording()
        missing = "" if found else f"No capture was running; {lab.named.command('capture start')} begins one."
        return cls(capture, found.id if found else "", 0.0, own=False, missing=missing)

    def listened(self, topology: Topology) -> CaptureResult:
        """What was heard until now; a recorder of our own ends with it."""
        if self.missing:
            return CaptureResult(missing=self.missing)
        try:
            read = self.capture.read(self.container, end=True) if self.own else self.capture.read_on(self.container)
        except WirelabError as error:
            return CaptureResult(missing=_plainly(error))
        events, tally = read.events(topology, self.since)
        found = tuple(events)
        return CaptureResult(found, replace(read.losses, unreadable=tally.damaged))

    def end(self) -> None:
        """Remove the recorder, if it is ours."""
        if self.own:
            self.capture.stop()


def _plainly(error: WirelabError) -> str:
    return f"The wire could not be recorded: {error.what}{f' ({error.why})' if error.why else ''}."
