"""Records a lab's wire and hands over what was recorded: as decoded packets, or as a pcapng file."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.engines.protocol import Engine
from orchestrator.errors import NotFound, UsageInvalid, WorldError
from orchestrator.judging.packets.decode import decode_argv, decode_warning
from orchestrator.judging.story import Losses
from orchestrator.lab.doing import READY_LINE
from orchestrator.lab.lab import Lab
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.capture import PROGRAM, capture_spec
from orchestrator.planning.observed import ContainerSeen, Observed

START_SECONDS = 10.0
READ_SECONDS = 120.0
# The recorder writes what it has at least this often.
BLOCK_SECONDS = 0.8


@dataclass(frozen=True)
class Recording:
    """What tshark read from a recording, a line a packet; what is missing from it; what tshark said against it."""

    lines: tuple[str, ...]
    losses: Losses
    warning: str | None


class Capture:
    """The recorder of one lab; at most one stands at a time."""

    def __init__(self, engine: Engine, lab: Lab) -> None:
        self._engine = engine
        self._lab = lab

    @property
    def scenario(self) -> Scenario:
        return self._lab.scenario

    def lab_topology(self, observed: Observed) -> Topology:
        return self._lab.topology(observed)

    def seen(self) -> ContainerSeen | None:
        """The recorder, if there is one."""
        found = self._engine.containers(f"{labels.LAB}={self._lab.name}")
        return next((one for one in found if labels.CAPTURE in one.labels), None)

    def start(self, observed: Observed, bpf: str = "") -> str:
        """Begin to record; when this returns, every packet from now on is in the recording. Returns the container."""
        topology = self._lab.topology(observed)
        spec = capture_spec(topology, observed, bpf)
        container = self._engine.make_container(spec)
        try:
            self._engine.start(container)
            ready = self._engine.await_line(container, READY_LINE, since=0.0, seconds=START_SECONDS, stop=lambda: False)
            if not ready:
                raise WorldError("the capture did not start", why=self._engine.log(container).strip()[-500:])
        except BaseException:
            self._engine.remove_container(container)
            raise
        return container

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
        losses = Losses()
        if end:
            said = self._engine.run(container, (PROGRAM, "end"), seconds=30).out
            with suppress(ValueError):
                counted = json.loads(said)
                losses = Losses(counted["dropped"], counted["overwritten"])
        output = self._engine.run(
            container, (PROGRAM, "read", *decode_argv(http=self._http_ports())), seconds=READ_SECONDS
        )
        warning = decode_warning(output.err)
        return Recording(tuple(output.out.splitlines()), losses, warning)

    def _http_ports(self) -> list[int]:
        """TCP ports of the authors' own services, where tshark has no rule of its own: it is told to try HTTP."""
        services = [node for node in self._lab.scenario.nodes.values() if node.role == "service"]
        return sorted({one.port for node in services for one in node.listens or () if one.protocol == "tcp"})

    def stop(self) -> bool:
        """Remove the recorder and what it recorded; False if there was none."""
        found = self.seen()
        if found is None:
            return False
        with suppress(NotFound):
            self._engine.remove_container(found.id)
        return True
