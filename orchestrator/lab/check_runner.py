"""Run checks side by side, each again and again until it holds or its deadline has passed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.kinds import asker_of, check_steps
from orchestrator.checks.needed_nodes import needed_nodes
from orchestrator.checks.probes import CheckContext, GetNodeState, NodeState
from orchestrator.checks.steps import RunProbes, StepRun, send_round
from orchestrator.model.checks import BaseCheck, kind_of
from orchestrator.model.topology import Topology

# Source ports of ours: below the range that Linux gives to programs that do not choose (32768-60999).
PORTS = (20000, 32000)
PAUSE_SECONDS = 0.1
# On a busy machine one try may outlast the whole deadline; a lost packet in it is no proof. Who fails has failed twice.
LEAST_TRIES = 2
# A node in one of these states comes back only if somebody starts it.
HALTED = frozenset({"stopped", "paused", "missing", "dead"})


@dataclass
class _Trial:
    """One check under way: its present try, and what the last try came to."""

    check: BaseCheck
    began: float
    deadline: float
    context_began: float
    run: StepRun[Judgement] | None = None
    judgement: Judgement | None = None
    tries: int = 0
    hopeless: bool = False

    @property
    def holds(self) -> bool:
        return self.judgement is not None and self.judgement.verdict == "pass"

    def finish_try(self) -> None:
        """Keep the judgement of a try that has ended."""
        if self.run and self.run.done:
            self.judgement, self.run = self.run.value, None
            self.tries += 1


class CheckRunner:
    """Run checks; `run_probes` gives the results of probes. The clocks are passed in so that tests can move them."""

    def __init__(
        self,
        topology: Topology,
        run_probes: RunProbes,
        on_finding: Callable[[Finding], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._topology = topology
        self._run_probes = run_probes
        self._on_finding = on_finding
        self._clock = clock
        self._wall = wall
        self._pause = pause
        self._chance = random.SystemRandom()

    def check(self, checks: Sequence[BaseCheck]) -> tuple[Finding, ...]:
        """One finding a check, in their order."""
        now = self._clock()
        trials = [_Trial(check, now, now + check.within, self._wall()) for check in checks]
        findings: dict[int, Finding] = {}
        open_trials = dict(enumerate(trials))
        while open_trials:
            self._round(list(open_trials.values()))
            self._find_stopped_nodes([trial for trial in open_trials.values() if trial.run is None])
            for place, trial in list(open_trials.items()):
                if trial.run is None and self._is_over(trial):
                    findings[place] = self._finding(trial)
                    self._on_finding(findings[place])
                    del open_trials[place]
            if open_trials and all(trial.run is None for trial in open_trials.values()):
                self._pause(PAUSE_SECONDS)
        return tuple(findings[place] for place in sorted(findings))

    def _round(self, trials: list[_Trial]) -> None:
        """Begin a try of each check that has none under way; send the probes of all at once, hand over the results."""
        for trial in trials:
            if trial.run is None:
                trial.run = StepRun(check_steps(trial.check, self._context(trial)))
                trial.run.begin()
        runs = [trial.run for trial in trials if trial.run]
        send_round(runs, self._run_probes([probe for run in runs for probe in run.probes]))
        for trial in trials:
            trial.finish_try()

    def _is_over(self, trial: _Trial) -> bool:
        judgement = trial.judgement
        if judgement is None or judgement.verdict == "pass":
            return judgement is not None
        if trial.hopeless:
            return True
        return trial.tries >= LEAST_TRIES and self._clock() >= trial.deadline

    def _find_stopped_nodes(self, ended: Sequence[_Trial]) -> None:
        """Mark the checks that need a node which does not run: waiting is for what can still come.

        With a fault of its own, a check waits for what follows from it.
        """
        failed = [trial for trial in ended if not trial.check.fault and not trial.holds]
        needed = {id(trial): needed_nodes(trial.check, self._topology) for trial in failed}
        nodes = sorted(frozenset[str]().union(*needed.values()))
        states = zip(nodes, self._run_probes([GetNodeState(node) for node in nodes]), strict=True) if nodes else ()
        stopped = {node for node, state in states if isinstance(state, NodeState) and state.state in HALTED}
        for trial in failed:
            trial.hopeless = bool(needed[id(trial)] & stopped)

    def _context(self, trial: _Trial) -> CheckContext:
        word = f"w{self._chance.getrandbits(40):010x}"
        return CheckContext(self._topology, word, self._chance.randrange(*PORTS), trial.context_began)

    def _finding(self, trial: _Trial) -> Finding:
        assert trial.judgement is not None
        check = trial.check
        return Finding(check.name, str(kind_of(check)), asker_of(check), trial.judgement, self._clock() - trial.began)
