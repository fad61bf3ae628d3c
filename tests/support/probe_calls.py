"""Runs probes as the step loop wants it: by a function that gives all results at once, or on a clock of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from heapq import heappop, heappush
from queue import Empty, SimpleQueue

from orchestrator.checks.probes import NodeState, Probe, ProbeResult
from orchestrator.checks.steps import RunProbes
from orchestrator.lab.step_loop import Arrival, Arrivals, StartProbes


def in_one_call(run_probes: RunProbes) -> StartProbes:
    """Each start of probes is one call."""

    def start(probes: Mapping[int, Probe], arrived: Arrivals) -> None:
        for item in zip(probes, run_probes(list(probes.values())), strict=True):
            arrived.put(item)

    return start


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def wait(self, arrived: SimpleQueue[Arrival], seconds: float | None) -> Arrival:
        with suppress(Empty):
            return arrived.get_nowait()
        assert seconds is not None, "nothing would ever come"
        self.now += seconds
        raise Empty


class TimedLab(Clock):
    """Each probe of a node takes so many seconds; without a number it is never answered.

    `results` has what nodes answer where that is not `result`.
    """

    def __init__(self, seconds: Mapping[str, float], result: ProbeResult | Exception | None = None) -> None:
        super().__init__()
        self.calls: list[tuple[float, list[str]]] = []
        self._seconds = seconds
        self._result = result or NodeState("running")
        self.results: dict[str, ProbeResult] = {}
        self._due: list[tuple[float, int, str]] = []

    def start(self, probes: Mapping[int, Probe], _arrived: Arrivals) -> None:
        self.calls.append((round(self.now - 50.0, 3), [probe.node for probe in probes.values()]))
        for ticket, probe in probes.items():
            if probe.node in self._seconds:
                heappush(self._due, (self.now + self._seconds[probe.node], ticket, probe.node))

    def wait(self, arrived: SimpleQueue[Arrival], seconds: float | None) -> Arrival:
        if self._due and (seconds is None or self._due[0][0] <= self.now + seconds):
            due, ticket, node = heappop(self._due)
            self.now = max(self.now, due)
            return ticket, self.results.get(node, self._result)
        return super().wait(arrived, seconds)
