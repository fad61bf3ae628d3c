"""Notes when checks ask from which node: their traffic is then told from that of people and programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from orchestrator.checks.probes import Answer, Question, Run
from orchestrator.lab.store import ProbeInterval

Answering = Callable[[Sequence[Question]], list[Answer]]


class ProbeLog:
    """Hands questions on; `probe_times` has one stretch of time for each node that was asked to run something."""

    def __init__(self, answering: Answering, wall: Callable[[], float] = time.time) -> None:
        self._answering = answering
        self._wall = wall
        self._times: dict[str, tuple[float, float]] = {}

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        began = self._wall()
        try:
            return self._answering(questions)
        finally:
            ended = self._wall()
            for node in {question.node for question in questions if isinstance(question, Run)}:
                self._times[node] = (self._times.get(node, (began,))[0], ended)

    @property
    def probe_times(self) -> tuple[ProbeInterval, ...]:
        return tuple(ProbeInterval(node, since, until) for node, (since, until) in sorted(self._times.items()))
