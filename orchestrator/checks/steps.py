"""The driver of probe generators: checks and walks yield probes and are sent the results of just these."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult

Value = TypeVar("Value")
# A generator that yields probes, is sent their results in the same order, and returns a value.
ProbeSteps = Generator[tuple[Probe, ...], tuple[ProbeResult, ...], Value]
CheckSteps = ProbeSteps[Judgement]
RunProbes = Callable[[Sequence[Probe]], list[ProbeResult]]


class StepRun(Generic[Value]):
    """One generator under way. `probes` is what it waits for; once it is `done`, `value` is what it returned."""

    def __init__(self, steps: ProbeSteps[Value]) -> None:
        self._steps = steps
        self._begun = False
        self._values: list[Value] = []
        self.probes: tuple[Probe, ...] = ()

    @property
    def done(self) -> bool:
        return bool(self._values)

    @property
    def value(self) -> Value:
        """What the generator returned. Raises LookupError while it is not done."""
        return self._values[0]

    def begin(self) -> None:
        """Run it up to its first probes. A second call does nothing."""
        if not self._begun:
            self._begun = True
            self._advance(lambda: next(self._steps))

    def send(self, results: tuple[ProbeResult, ...]) -> None:
        """Hand over the results of its `probes`, in their order."""
        self._advance(lambda: self._steps.send(results))

    def _advance(self, step: Callable[[], tuple[Probe, ...]]) -> None:
        try:
            self.probes = step()
        except StopIteration as end:
            self._values.append(end.value)
            self.probes = ()


def send_round(runs: Sequence[StepRun[Value]], results: Sequence[ProbeResult]) -> None:
    """Give each run that is not done its part of the results, which stand in the order of the runs' probes."""
    rest = iter(results)
    for run in [run for run in runs if not run.done]:
        run.send(tuple(next(rest) for _ in run.probes))


def side_by_side(many: Sequence[ProbeSteps[Value]]) -> ProbeSteps[list[Value]]:
    """Several generators as one: what all of them wait for is one yield; their values are in their order."""
    runs = [StepRun(steps) for steps in many]
    for run in runs:
        run.begin()
    while not all(run.done for run in runs):
        send_round(runs, (yield tuple(probe for run in runs for probe in run.probes)))
    return [run.value for run in runs]


def with_exchanges(steps: ProbeSteps[Value]) -> ProbeSteps[tuple[Value, list[tuple[Probe, ProbeResult]]]]:
    """The same generator; it returns its value, and each probe that it sent with its result."""
    run = StepRun(steps)
    run.begin()
    exchanges: list[tuple[Probe, ProbeResult]] = []
    while not run.done:
        results = yield run.probes
        exchanges += zip(run.probes, results, strict=True)
        run.send(results)
    return run.value, exchanges


def without_doubt(steps: ProbeSteps[Value]) -> ProbeSteps[Value]:
    """The same generator, for which each program has had its time: why it waited in vain is known."""
    run = StepRun(steps)
    run.begin()
    while not run.done:
        results = yield run.probes
        run.send(tuple(replace(r, starved=0.0) if isinstance(r, ProgramResult) else r for r in results))
    return run.value


def run_steps(steps: ProbeSteps[Value], run_probes: RunProbes) -> Value:
    """Drive one generator to its end."""
    run = StepRun(steps)
    run.begin()
    while not run.done:
        run.send(tuple(run_probes(run.probes)))
    return run.value
