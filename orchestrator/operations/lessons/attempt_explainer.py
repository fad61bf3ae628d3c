"""Find out why an attempt of a learner failed, in a thread: the lesson goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import BUG_SENTENCE, WirelabError, bug_report
from orchestrator.model.checks import Connects, Resolves

if TYPE_CHECKING:
    from orchestrator.checks.walk import Walk
    from orchestrator.events import Event
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.probe_log import OnProbe
    from orchestrator.lessons.failed_attempts import FailedAttempt
    from orchestrator.model.checks import BaseCheck
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lessons.own_probes import OwnProbes


@dataclass(frozen=True)
class NotExplained:
    """Why nobody could find out why an attempt failed."""

    reason: str


@dataclass(frozen=True)
class _Explanation:
    """An attempt that is explained."""

    attempt: FailedAttempt
    result: Future[Walk | None]


class AttemptExplainer:
    """`explain` walks through the layers of a check and takes a second or so. One attempt is explained at a time.

    It tells `own_probes` of its probes as they begin and end: what the learner tries meanwhile is seen.
    """

    def __init__(self, explain: Callable[[BaseCheck, OnProbe], Walk | None], own_probes: OwnProbes) -> None:
        self._explain = explain
        self._own_probes = own_probes
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="why")
        self._current: _Explanation | None = None
        self._is_wanted = True
        self._next: FailedAttempt | None = None

    def ask(self, attempt: FailedAttempt) -> None:
        """Explain an attempt; while another one is explained, the latest attempt waits, unless it is the same."""
        if self._current is None:
            self._begin(attempt)
        elif not self._is_wanted or attempt.check != self._current.attempt.check:
            self._next = attempt

    def _begin(self, attempt: FailedAttempt) -> None:
        result = self._pool.submit(self._explain, attempt.check, self._own_probes.note)
        self._current = _Explanation(attempt, result)
        self._is_wanted = True

    def explained(self) -> Walk | NotExplained | None:
        """The walk that has ended since the last call, where a layer of it is broken, or why there is none.

        Begins what waits.
        """
        current = self._current
        if current is None or not current.result.done():
            return None
        is_wanted, self._current = self._is_wanted, None
        if self._next:
            self._begin(self._next)
        self._next = None
        if not is_wanted:
            return None
        if error := current.result.exception():
            return NotExplained(reason_of(error))
        walk = current.result.result()
        return walk if walk and walk.broken else None

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is being explained, or waits for that."""
        return self._current is not None and not (self._current.result.done() and self._next is None)

    def forget(self) -> None:
        """Tell nothing of what was asked so far."""
        self._is_wanted, self._next = False, None

    def close(self) -> None:
        self._pool.shutdown(wait=True)


def explain_in(lab: LabHandle, check: BaseCheck, on_probe: OnProbe) -> Walk | None:
    """The walk through the layers of a check in a lab; None where the check holds.

    That a lookup or a connection failed was seen on the wire, and each layer of it is asked in any case.
    """
    if isinstance(check, Resolves | Connects):
        return _unwatched(lab, on_probe).explain(check)
    (finding,) = _unwatched(lab, on_probe).judge([check])
    return finding.why


def reason_of(error: BaseException) -> str:
    """What a learner is told of an error in a thread of the lesson."""
    if not isinstance(error, WirelabError):
        return f"{BUG_SENTENCE} ({bug_report(error)})"
    return f"{error.what}: {error.why}" if error.why else error.what


def _unwatched(lab: LabHandle, on_probe: OnProbe) -> Lab:
    """The lab, whose probes stand in the journal, and whose findings are nobody's news."""
    from orchestrator.events import ProbeEvent

    write = lab.workspace.without_watcher().publisher(lab.workspace.journal(lab.name))

    def publish(event: Event) -> None:
        if isinstance(event, ProbeEvent):
            write(event)

    return replace(lab.made, settings=replace(lab.made.settings, publish=publish, on_probe=on_probe))
