"""Log which node each check probes from, and when, so that probe traffic can be separated from user traffic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.checks.probes import Probe, ProbeResult, RunProgram
from orchestrator.checks.steps import RunProbes
from orchestrator.events import Event, ProbeEvent, ProbeRunEvent
from orchestrator.lab.step_loop import Arrival, Arrivals, StartProbes

# Takes a program when it begins in its node (True), and when it has ended (False).
OnProbe = Callable[[RunProgram, bool], None]


def announced(publish: Callable[[Event], None]) -> OnProbe:
    """Publish each program before it begins, unless a port of ours marks all that it sends.

    Otherwise a lesson in another process would take its packets for an attempt of the learner.
    """

    def publish_run(probe: RunProgram, begins: bool) -> None:
        if not probe.is_marked or probe.looks_up_names:
            ports = sorted(probe.ports) if probe.opens_once else ()
            argv = (probe.argv[0], *map(str, ports))
            publish(ProbeRunEvent("started" if begins else "ended", probe.node, argv, probe.inside, probe.seconds))

    return publish_run


def announced_program(event: ProbeRunEvent) -> RunProgram:
    """The program of such an event, as far as one must know it to tell what it sends."""
    return RunProgram(event.node, event.argv, inside=event.inside, seconds=event.seconds)


class ProbeLog:
    """Run probes; `probe_times` has one interval for each node that a program ran in.

    `on_probe` is told of each program as it begins and ends, from any thread.
    """

    def __init__(
        self,
        start: StartProbes,
        run_probes: RunProbes,
        wall: Callable[[], float] = time.time,
        on_probe: OnProbe = lambda _probe, _begins: None,
    ) -> None:
        self._start = start
        self._run_probes = run_probes
        self._wall = wall
        self._on_probe = on_probe
        self._times: dict[str, tuple[float, float]] = {}

    def start(self, probes: Mapping[int, Probe], arrived: Arrivals) -> None:
        """Begin to run probes, each with a number."""
        self._note(probes.values(), begins=True)
        self._start(probes, _LoggedArrivals(probes, arrived, lambda probe: self._note((probe,), begins=False)))

    def answer(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        """The results, in the order of the probes."""
        self._note(probes, begins=True)
        try:
            return self._run_probes(probes)
        finally:
            self._note(probes, begins=False)

    def _note(self, probes: Iterable[Probe], *, begins: bool) -> None:
        now = self._wall()
        for probe in probes:
            if isinstance(probe, RunProgram):
                self._times[probe.node] = (self._times.get(probe.node, (now,))[0], now)
                self._on_probe(probe, begins)

    @property
    def probe_times(self) -> tuple[ProbeEvent, ...]:
        return tuple(ProbeEvent(node, since, until) for node, (since, until) in sorted(self._times.items()))


class _LoggedArrivals:
    """Passes on what arrives, and tells of which probe it is."""

    def __init__(self, probes: Mapping[int, Probe], arrived: Arrivals, note: Callable[[Probe], None]) -> None:
        self._probes = probes
        self._arrived = arrived
        self._note = note

    def put(self, item: Arrival, /) -> None:
        self._note(self._probes[item[0]])
        self._arrived.put(item)
