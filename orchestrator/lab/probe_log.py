"""Notes when checks ask from which node: their traffic is then told from that of people and programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from orchestrator.checks.probes import Probe, ProbeResult, RunProgram
from orchestrator.events import ProbeEvent

RunProbes = Callable[[Sequence[Probe]], list[ProbeResult]]


class ProbeLog:
    """Hands questions on; `probe_times` has one stretch of time for each node that was asked to run something."""

    def __init__(self, run_probes: RunProbes, wall: Callable[[], float] = time.time) -> None:
        self._run_probes = run_probes
        self._wall = wall
        self._times: dict[str, tuple[float, float]] = {}

    def answer(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        began = self._wall()
        try:
            return self._run_probes(probes)
        finally:
            ended = self._wall()
            for node in {probe.node for probe in probes if isinstance(probe, RunProgram)}:
                self._times[node] = (self._times.get(node, (began,))[0], ended)

    @property
    def probe_times(self) -> tuple[ProbeEvent, ...]:
        return tuple(ProbeEvent(node, since, until) for node, (since, until) in sorted(self._times.items()))
