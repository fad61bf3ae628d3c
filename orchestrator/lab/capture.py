"""Starts and ends the recorder of a lab, and waits for what it has still to write."""

from __future__ import annotations

import time
from contextlib import suppress

from orchestrator.engines.protocol import Engine
from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.lab.lab import Lab
from orchestrator.lab.recorder import record, recorder
from orchestrator.lab.recording import READ_SECONDS, Recording, read
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import capture_spec, hearing, networks_of
from orchestrator.planning.observed import ContainerSeen, Observed

# The recorder writes what it has at least this often.
BLOCK_SECONDS = 0.8


class Capture:
    """The recorder of one lab; at most one stands at a time."""

    def __init__(self, engine: Engine, lab: Lab) -> None:
        self._engine = engine
        self._lab = lab

    @property
    def scenario(self) -> Scenario:
        return self._lab.scenario

    def topology(self, observed: Observed) -> Topology:
        return self._lab.topology(observed)

    def seen(self) -> ContainerSeen | None:
        """The recorder, if there is one."""
        return recorder(self._engine, self._lab.name)

    def start(self, observed: Observed, bpf: str = "") -> str:
        """Begin to record; when this returns, every packet from now on is in the recording. Returns the container."""
        topology = self._lab.topology(observed)
        spec = capture_spec(topology, observed, bpf)
        return record(self._engine, hearing(spec, networks_of(topology, observed)))

    def required(self) -> str:
        """The recorder's container; UsageInvalid if none is there."""
        found = self.seen()
        if found is None:
            name = self._lab.name
            raise UsageInvalid(f"no capture of the lab {name!r} is there", hint=f"wirelab capture start {name}")
        return found.id

    def read_on(self, container: str) -> Recording:
        """What is recorded so far, of a recording that goes on.

        The kernel and the recorder hand packets over in blocks and do not say when they have. So it is read again
        until nothing has come for longer than a block may take.
        """
        deadline = time.monotonic() + READ_SECONDS
        found = self.read(container, end=False)
        last_news = time.monotonic()
        while last_news + BLOCK_SECONDS > time.monotonic() < deadline:
            now = self.read(container, end=False)
            if len(now.lines) != len(found.lines):
                last_news = time.monotonic()
            found = now
        return found

    def read(self, container: str, *, end: bool) -> Recording:
        """What is recorded so far; with `end` the recording ends first, so that its last packets are there."""
        return read(self._engine, container, self._lab.scenario, end=end)

    def stop(self) -> bool:
        """Remove the recorder and what it recorded; False if there was none."""
        found = self.seen()
        if found is None:
            return False
        with suppress(NotFound):
            self._engine.remove_container(found.id)
        return True
