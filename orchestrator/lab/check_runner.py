"""Puts checks to a lab, side by side, each again and again until it holds or its deadline has passed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.kinds import asker_of, asks
from orchestrator.checks.probes import Answer, Asks, Question, Scene
from orchestrator.model.checks import BaseCheck, kind_of
from orchestrator.model.topology import Topology

Answering = Callable[[Sequence[Question]], list[Answer]]

# Source ports of ours: below the range that Linux gives to programs that do not choose (32768-60999).
PORTS = (20000, 32000)
PAUSE_SECONDS = 0.1
# On a busy machine one try may outlast the whole deadline; a lost packet in it is no proof. Who fails has failed twice.
LEAST_TRIES = 2


@dataclass
class _Trial:
    """One check under way: its present try, and what that try asks now."""

    check: BaseCheck
    began: float
    deadline: float
    scene_began: float
    asks: Asks | None = None
    asked: tuple[Question, ...] = ()
    judgement: Judgement | None = None
    tries: int = 0


class CheckRunner:
    """`answering` answers questions; the clocks are passed in so that tests can move them."""

    def __init__(
        self,
        topology: Topology,
        answering: Answering,
        told: Callable[[Finding], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._topology = topology
        self._answering = answering
        self._told = told
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
            for place, trial in list(open_trials.items()):
                if trial.asks is None and self._is_over(trial):
                    findings[place] = self._finding(trial)
                    self._told(findings[place])
                    del open_trials[place]
            if open_trials and all(trial.asks is None for trial in open_trials.values()):
                self._pause(PAUSE_SECONDS)
        return tuple(findings[place] for place in sorted(findings))

    def _round(self, trials: list[_Trial]) -> None:
        """Begin what has no try under way, ask everything that is to be asked at once, hand over the answers."""
        for trial in trials:
            if trial.asks is None:
                trial.asks = asks(trial.check, self._scene(trial))
                self._advance(trial, None)
        questions = [question for trial in trials for question in trial.asked]
        answers = iter(self._answering(questions))
        for trial in trials:
            if trial.asks is not None:
                self._advance(trial, tuple(next(answers) for _ in trial.asked))

    def _advance(self, trial: _Trial, answers: tuple[Answer, ...] | None) -> None:
        assert trial.asks is not None
        try:
            trial.asked = next(trial.asks) if answers is None else trial.asks.send(answers)
        except StopIteration as ended:
            trial.judgement = ended.value
            trial.tries += 1
            trial.asks = None
            trial.asked = ()

    def _is_over(self, trial: _Trial) -> bool:
        judgement = trial.judgement
        if judgement is None or judgement.verdict == "pass":
            return judgement is not None
        return trial.tries >= LEAST_TRIES and self._clock() >= trial.deadline

    def _scene(self, trial: _Trial) -> Scene:
        word = f"w{self._chance.getrandbits(40):010x}"
        return Scene(self._topology, word, self._chance.randrange(*PORTS), trial.scene_began)

    def _finding(self, trial: _Trial) -> Finding:
        assert trial.judgement is not None
        check = trial.check
        return Finding(check.name, str(kind_of(check)), asker_of(check), trial.judgement, self._clock() - trial.began)
