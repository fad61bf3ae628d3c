"""Find out why an attempt of a learner failed, in a thread: the lesson goes on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.model.checks import Connects, Resolves
from orchestrator.traffic.exchanges.events import start_time

if TYPE_CHECKING:
    from orchestrator.checks.walk import Walk
    from orchestrator.events import Event
    from orchestrator.lab.lab import Lab
    from orchestrator.lessons.failed_attempts import FailedAttempt
    from orchestrator.model.checks import BaseCheck
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.traffic.exchanges.events import CompletedEvent, ExchangeStart


@dataclass(frozen=True)
class _Explanation:
    """An attempt that is explained, or was; its own probes begin after `since`."""

    attempt: FailedAttempt
    since: float
    result: Future[tuple[Walk | None, float]]

    def covers(self, began: float) -> bool:
        """Whether an exchange that began then may be a probe of its own."""
        return began >= self.since and (not self.result.done() or began <= self.result.result()[1])


class AttemptExplainer:
    """`explain` walks through the layers of a check and takes a second or so. One attempt is explained at a time."""

    def __init__(self, explain: Callable[[BaseCheck], Walk | None], now: Callable[[], float] = time.time) -> None:
        self._explain = explain
        self._now = now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="why")
        self._current: _Explanation | None = None
        self._is_told = True

    def ask(self, attempt: FailedAttempt) -> None:
        """Begin to explain an attempt, unless another one is being explained."""
        if self.is_busy:
            return
        self._current = _Explanation(attempt, self._now(), self._pool.submit(self._timed, attempt))
        self._is_told = False

    def _timed(self, attempt: FailedAttempt) -> tuple[Walk | None, float]:
        return self._explain(attempt.check), self._now()

    def is_own_probe(self, event: CompletedEvent) -> bool:
        """Whether an exchange repeats the attempt for the explanation. The learner may try other things meanwhile."""
        current = self._current
        return current is not None and current.covers(start_time(event)) and current.attempt.is_repeated_by(event)

    def is_own_start(self, start: ExchangeStart) -> bool:
        """Whether an exchange that begins does so for the explanation."""
        current = self._current
        return current is not None and current.covers(start.at) and current.attempt.is_begun_again_by(start)

    def explained(self) -> Walk | None:
        """The walk that has ended since the last call, where a layer of it is broken."""
        if self._is_told or self._current is None or not self._current.result.done():
            return None
        self._is_told = True
        walk = self._current.result.result()[0]
        return walk if walk and walk.broken else None

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is being explained."""
        return self._current is not None and not self._current.result.done()

    def forget(self) -> None:
        """Tell nothing of what was asked so far."""
        self._is_told = True

    def close(self) -> None:
        self._pool.shutdown(wait=True)


def explain_in(lab: LabHandle, check: BaseCheck) -> Walk | None:
    """The walk through the layers of a check in a lab; None where the check holds or the lab cannot be asked.

    That a lookup or a connection failed was seen on the wire, and each layer of it is asked in any case.
    """
    try:
        if isinstance(check, Resolves | Connects):
            return _unwatched(lab).explain(check)
        (finding,) = _unwatched(lab).judge([check])
    except WirelabError:
        return None
    return finding.why


def _unwatched(lab: LabHandle) -> Lab:
    """The lab, whose probes stand in the journal, and whose findings are nobody's news."""
    from orchestrator.events import ProbeEvent

    write = lab.workspace.without_watcher().publisher(lab.workspace.journal(lab.name))

    def publish(event: Event) -> None:
        if isinstance(event, ProbeEvent):
            write(event)

    return replace(lab.made, settings=replace(lab.made.settings, publish=publish))
