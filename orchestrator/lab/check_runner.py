"""Run checks side by side, each again and again until it holds or its deadline has passed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from orchestrator.checks.asker import asker_of
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.needed_nodes import cannot_be_reached, needed_nodes
from orchestrator.checks.probes import (
    FIRST_PORTS,
    CheckContext,
    GetNodeState,
    HeldConnection,
    NodeState,
    PingEngine,
    Probe,
    ProbeResult,
)
from orchestrator.checks.steps import ProbeSteps, with_exchanges, without_doubt
from orchestrator.checks.walk import Walk
from orchestrator.errors import silent_engine
from orchestrator.lab.step_loop import StartProbes, StepLoop, WaitFor
from orchestrator.model.checks import BaseCheck, kind_of
from orchestrator.model.topology import Topology

PAUSE_SECONDS = 0.1
# On a busy machine one try may outlast the whole deadline; a lost packet in it is no proof. Who fails has failed twice.
LEAST_TRIES = 2
# An unknown check that is so late is not tried again: its first try had to do with a machine without time.
HOPELESS_SECONDS = 10.0
# A node in one of these states comes back only if somebody starts it.
HALTED = frozenset({"stopped", "paused", "missing", "dead"})
# So often it is told what is waited for.
TELL_SECONDS = 1.0
# An engine that answers nothing for so long, and not even a ping, is not waited for.
SILENT_SECONDS = 5.0
# It is told when a check has waited for this share of its deadline: below 1.5 times the deadline, and as late as that
# allows, for on a busy machine a ping takes seconds.
SILENT_SHARE = 1.3
# So often the engine is pinged, and so often it is looked whether it is silent.
PING_SECONDS, LOOK_SECONDS = 1.0, 0.2

NONE_HELD: Mapping[str, HeldConnection] = MappingProxyType({})
# The results of probes that a check has sent.
Seen = Mapping[Probe, ProbeResult]
MakeWalk = Callable[[BaseCheck, CheckContext, Judgement, Seen], ProbeSteps[Walk]]


@dataclass(eq=False)
class _Trial:
    """One check under way, and what was judged of it if it does not hold."""

    check: BaseCheck
    asker: str
    began: float
    wall_began: float
    needed: frozenset[str]
    tries: int = 0
    finding: Finding | None = None
    seen: Seen = field(default_factory=dict)
    explained: bool = False

    @property
    def patience(self) -> float:
        """For how long nobody wonders why nothing comes."""
        return max(self.check.within, SILENT_SECONDS)


@dataclass(frozen=True)
class Clocks:
    """A monotonic clock, the time of day in seconds since 1970, and how results are waited for; tests move them."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    wait: WaitFor = lambda arrived, seconds: arrived.get(timeout=seconds)


class CheckRunner:
    """Run checks; `start` begins to run probes, `on_finding` is called with each finding as it is known, `on_waiting`
    every second with the names of the checks that are not judged and explained yet.

    `make_walk` makes the walk that explains a check which does not hold; without it none is explained. `halted` are the
    nodes that do not run now, `held` the connections that were opened for checks, by the names of these. `member` is
    the one on whose engine the lab stands.
    """

    def __init__(
        self,
        topology: Topology,
        start: StartProbes,
        on_finding: Callable[[Finding], None],
        on_waiting: Callable[[Sequence[str]], None] = lambda _names: None,
        *,
        make_walk: MakeWalk | None = None,
        halted: Collection[str] = (),
        held: Mapping[str, HeldConnection] = NONE_HELD,
        least_tries: int = LEAST_TRIES,
        clocks: Clocks | None = None,
        member: str = "",
    ) -> None:
        self._topology = topology
        self._member = member
        self._on_finding = on_finding
        self._on_waiting = on_waiting
        self._make_walk = make_walk
        self._halted = frozenset(halted)
        self._held = held
        self._least_tries = least_tries
        self._clocks = clocks or Clocks()
        self._loop = StepLoop(start, self._clocks.now, self._clocks.wait)
        self._chance = random.SystemRandom()
        self._pinged_at = 0.0

    def check(self, checks: Sequence[BaseCheck]) -> tuple[Finding, ...]:
        """One finding a check, in their order; what does not hold has its walk."""
        trials = [self._trial(check) for check in checks]
        for trial in trials:
            self._try(trial)
        self._tell_waiting(trials)
        self._loop.later(PING_SECONDS, self._ping_engine)
        self._loop.run_until(lambda: all(trial.finding for trial in trials))
        # A walk connects to servers, too: what it leaves there would be taken for what a check is about.
        for trial in trials:
            self._begin_walk(trial)
        self._loop.run_until(lambda: all(trial.explained for trial in trials))
        return tuple(trial.finding for trial in trials if trial.finding)

    def _tell_waiting(self, trials: Sequence[_Trial]) -> None:
        def tell() -> None:
            # Walks begin once all are judged.
            waiting = [trial for trial in trials if not trial.finding] or [t for t in trials if not t.explained]
            self._on_waiting([trial.check.name for trial in waiting])
            self._loop.later(TELL_SECONDS, tell)

        self._loop.later(TELL_SECONDS, tell)

    def _trial(self, check: BaseCheck) -> _Trial:
        needed = needed_nodes(check, self._topology)
        return _Trial(check, asker_of(check), self._clocks.now(), self._clocks.wall(), needed)

    def _context(self, began: float) -> CheckContext:
        word = f"w{self._chance.getrandbits(40):010x}"
        port = self._chance.randrange(*FIRST_PORTS)
        return CheckContext(self._topology, word, port, began, halted=self._halted)

    def _try(self, trial: _Trial) -> None:
        """Begin a try, with a word and a source port of its own."""
        trial.tries += 1
        context = replace(self._context(trial.wall_began), held=self._held.get(trial.check.name))
        steps = check_steps(trial.check, context)
        if cannot_be_reached(trial.check, self._topology, self._halted):
            steps = without_doubt(steps)
        self._loop.add(with_exchanges(steps), partial(self._tried, trial))
        number = trial.tries
        self._watch_engine(trial, lambda: trial.finding is None and trial.tries == number)

    def _tried(self, trial: _Trial, tried: tuple[Judgement, list[tuple[Probe, ProbeResult]]]) -> None:
        if trial.finding:
            return
        judgement, exchanges = tried
        trial.seen = dict(exchanges)
        over = self._clocks.now() - trial.began - trial.check.within
        enough = trial.tries >= self._least_tries or (judgement.verdict == "unknown" and over >= HOPELESS_SECONDS)
        if judgement.verdict == "pass" or (enough and over >= 0):
            self._end(trial, judgement)
        elif trial.check.fault_steps:
            # With a fault of its own, a check waits for what follows from it.
            self._loop.later(PAUSE_SECONDS, partial(self._try, trial))
        else:
            self._loop.add(_states(trial.needed), partial(self._try_again_or_end, trial, judgement), shared=True)

    def _try_again_or_end(self, trial: _Trial, judgement: Judgement, states: dict[str, NodeState]) -> None:
        """Waiting is for what can still come: a node that does not run comes only if somebody starts it."""
        if any(state.state in HALTED for state in states.values()):
            self._end(trial, judgement)
        else:
            self._loop.later(PAUSE_SECONDS, partial(self._try, trial))

    def _end(self, trial: _Trial, judgement: Judgement) -> None:
        """The check is judged."""
        if trial.finding:
            return
        seconds = self._clocks.now() - trial.began
        trial.finding = Finding(trial.check.name, str(kind_of(trial.check)), trial.asker, judgement, seconds)
        self._on_finding(trial.finding)

    def _begin_walk(self, trial: _Trial) -> None:
        """What does not hold is explained, where somebody wants that."""
        if not trial.finding or trial.finding.verdict == "pass" or not self._make_walk:
            trial.explained = True
            return
        context = self._context(self._clocks.wall())
        walk = self._make_walk(trial.check, context, trial.finding.judgement, trial.seen)
        self._loop.add(walk, partial(self._explain, trial), shared=True)
        self._watch_engine(trial, lambda: not trial.explained)

    def _explain(self, trial: _Trial, walk: Walk) -> None:
        if trial.finding and not trial.explained:
            trial.explained = True
            trial.finding = replace(trial.finding, why=walk)

    def _ping_engine(self) -> None:
        """Ping the engine, again and again, with one ping at a time."""
        self._pinged_at = self._clocks.now()
        self._loop.add(_ping(), lambda _answer: self._loop.later(PING_SECONDS, self._ping_engine))

    def _watch_engine(self, trial: _Trial, waits: Callable[[], bool]) -> None:
        """Raise EngineMissing where what a check `waits` for takes long, and the engine does not answer at all.

        Where it does, the lab or the machine is slow, and the probes have time limits of their own. Any
        answer is a sign.
        """

        def look(*, suspected: bool = False) -> None:
            silent = self._clocks.now() - max(self._loop.answered_at, self._pinged_at) >= trial.patience
            # Where this process did not run for a while, answers lie there that nobody has read yet.
            if waits() and silent and suspected:
                why = f"it gave no answer in {trial.patience:g} s, not even to a ping"
                raise silent_engine(why, self._member)
            if waits():
                self._loop.later(LOOK_SECONDS, partial(look, suspected=silent))

        self._loop.later(trial.patience * SILENT_SHARE, look)


def _ping() -> ProbeSteps[None]:
    yield (PingEngine(),)


def _states(nodes: Collection[str]) -> ProbeSteps[dict[str, NodeState]]:
    """The states of these nodes, of those that can be seen."""
    names = sorted(nodes)
    results = yield tuple(GetNodeState(node) for node in names)
    return {node: state for node, state in zip(names, results, strict=True) if isinstance(state, NodeState)}
