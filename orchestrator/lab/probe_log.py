"""Log which node each check probes from, and when, so that probe traffic can be separated from user traffic."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from orchestrator.checks.probes import Probe, ProbeResult, RunProgram
from orchestrator.checks.steps import RunProbes
from orchestrator.events import ProbeEvent


class ProbeLog:
    """Run probes; `probe_times` has one interval for each node that a program ran in."""

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
