"""Drive many probe generators at once: what is ready goes out together, and none waits for a slower one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from orchestrator.checks.probes import Probe, ProbeResult, Unavailable
from orchestrator.checks.steps import ProbeSteps, StepRun, Value
from orchestrator.checks.target_time import is_processor_probe, reused_seconds

# While probes are under way, others that become ready gather for so long: each call to the engine costs it CPU time.
GATHER_SECONDS = 0.2
# Several walks ask a node for the same table: what was asked so recently is not asked again.
SHARED_SECONDS = 1.0

Arrival = tuple[int, ProbeResult | Exception]


class Arrivals(Protocol):
    """Takes the number of a probe, with its result or with what prevented all of them."""

    def put(self, item: Arrival, /) -> None: ...


# The next arrival; raises Empty where none comes in so many seconds (None: however long it takes).
WaitFor = Callable[[SimpleQueue[Arrival], float | None], Arrival]
StartProbes = Callable[[Mapping[int, Probe], Arrivals], None]


@dataclass(eq=False)
class _Driven:
    """A generator under way, what is called with its value, and the results that it has so far of its probes."""

    run: StepRun[Any]
    on_done: Callable[[Any], None]
    shared: bool
    results: dict[int, ProbeResult] = field(default_factory=dict)


@dataclass(eq=False)
class _Sent:
    """A probe under way or answered: when it was sent, and who waits for it, each with the place of the probe."""

    at: float
    waiting: list[tuple[_Driven, int]]
    result: ProbeResult | None = None
    answered_at: float = 0.0


class StepLoop:
    """`start` begins to run probes. The clocks are passed in so that tests can move them.

    `answered_at` is when the last probe was answered; that one could not be asked is no answer.
    """

    def __init__(
        self,
        start: StartProbes,
        clock: Callable[[], float] = time.monotonic,
        wait: WaitFor = lambda arrived, seconds: arrived.get(timeout=seconds),
    ) -> None:
        self._start = start
        self._clock = clock
        self._wait_for = wait
        self._tickets = count()
        self._arrived: SimpleQueue[Arrival] = SimpleQueue()
        self._in_flight: dict[int, _Sent] = {}
        self._shared: dict[Probe, _Sent] = {}
        self._ready: list[_Driven] = []
        self._ready_since = 0.0
        self.answered_at = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []

    def add(self, steps: ProbeSteps[Value], on_done: Callable[[Value], None], *, shared: bool = False) -> None:
        """Drive a generator to its end, then call `on_done`. With `shared` it takes results that others asked for.

        Whether a node gets processor time is asked once for all: many such probes would take it from each other.
        """
        driven = _Driven(StepRun(steps), on_done, shared)
        driven.run.begin()
        self._settle(driven)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Call this once so many seconds have passed."""
        heappush(self._timers, (self._clock() + seconds, next(self._tickets), action))

    def run_until(self, finished: Callable[[], bool]) -> None:
        """Go on until that is true. Raises what prevented a probe, such as EngineMissing."""
        while not finished():
            if self._timers and self._timers[0][0] <= self._clock():
                heappop(self._timers)[2]()
            elif self._ready and (not self._in_flight or self._gathered_in() <= 0):
                self._send()
            else:
                self._wait()

    def _gathered_in(self) -> float:
        return self._ready_since + GATHER_SECONDS - self._clock()

    def _wait(self) -> None:
        """Until a result comes or something is due."""
        moments = [self._timers[0][0] - self._clock()] if self._timers else []
        moments += [self._gathered_in()] if self._ready else []
        with suppress(Empty):
            self._take(*self._wait_for(self._arrived, max(0.0, min(moments)) if moments else None))
            while True:
                self._take(*self._arrived.get_nowait())

    def _take(self, ticket: int, result: ProbeResult | Exception) -> None:
        if isinstance(result, Exception):
            raise result
        if not isinstance(result, Unavailable):
            self.answered_at = self._clock()
        sent = self._in_flight.pop(ticket)
        sent.result, sent.answered_at = result, self._clock()
        for driven, place in sent.waiting:
            self._give(driven, place, result)

    def _give(self, driven: _Driven, place: int, result: ProbeResult) -> None:
        driven.results[place] = result
        if len(driven.results) == len(driven.run.probes):
            results = tuple(driven.results[at] for at in range(len(driven.run.probes)))
            driven.results.clear()
            driven.run.send(results)
            self._settle(driven)

    def _settle(self, driven: _Driven) -> None:
        """What becomes of a generator that has gone on: it has ended, or its next probes are ready."""
        while not driven.run.done and not driven.run.probes:
            driven.run.send(())
        if driven.run.done:
            driven.on_done(driven.run.value)
            return
        if not self._ready:
            self._ready_since = self._clock()
        self._ready.append(driven)

    def _send(self) -> None:
        """Send the probes of all that are ready. Results that are known come last: they may make more ready."""
        ready, self._ready = self._ready, []
        probes: dict[int, Probe] = {}
        known: list[tuple[_Driven, int, ProbeResult]] = []
        for driven in ready:
            for place, probe in enumerate(driven.run.probes):
                earlier = self._asked_recently(probe) if driven.shared or is_processor_probe(probe) else None
                if earlier is None:
                    self._register(driven, place, probe, probes)
                elif earlier.result is None:
                    earlier.waiting.append((driven, place))
                else:
                    known.append((driven, place, earlier.result))
        if probes:
            self._start(probes, self._arrived)
        for driven, place, result in known:
            self._give(driven, place, result)

    def _register(self, driven: _Driven, place: int, probe: Probe, probes: dict[int, Probe]) -> None:
        ticket, sent = next(self._tickets), _Sent(self._clock(), [(driven, place)])
        probes[ticket] = probe
        self._in_flight[ticket] = sent
        if driven.shared or is_processor_probe(probe):
            self._shared[probe] = sent

    def _asked_recently(self, probe: Probe) -> _Sent | None:
        """The same probe, if it is under way or its result is fresh."""
        sent = self._shared.get(probe)
        if sent is None or sent.result is None:
            return sent
        if is_processor_probe(probe):
            return sent if self._clock() - sent.answered_at <= reused_seconds(sent.result) else None
        return sent if self._clock() - sent.at <= SHARED_SECONDS else None
