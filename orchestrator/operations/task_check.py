"""Judge the check of a task again and again, until it holds by a repair that the task allows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.lessons.messages import NotDone
from orchestrator.lessons.open_exchanges import SILENT_SECONDS, silence
from orchestrator.lessons.reactions import attempted, not_done, react_to_pass, sees_no_broken_layer
from orchestrator.lessons.repairs import UncountedRepair, nodes_to_work_in
from orchestrator.operations.lesson_check import judge_quietly, pause_after

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lessons.lesson import HoldsTask
    from orchestrator.operations.lesson_state import LessonState

# So many times a check that fails is judged once more, where no layer of it is seen to be broken.
MOST_DOUBTS = 3


@dataclass
class TaskCheck:
    """The check of the open task; `cause` is what is wrong by its last judgement, None before the first one."""

    state: LessonState
    cause: NotDone | None = None
    _judged: float = 0.0
    _tried: float | None = None
    _doubts: int = 0

    @property
    def owes_cause(self) -> bool:
        """Whether an attempt of the learner was seen that no judgement has followed yet."""
        return self._tried is not None

    def begin(self) -> None:
        """Begin a task, at which nothing was tried so far."""
        self.cause, self._judged, self._tried, self._doubts = None, 0.0, None, 0
        self.state.seen_change = self.state.lesson_lab.last_change()
        if self.state.lesson_lab.is_broken:  # it does not hold: that is the task
            self._judged = time.monotonic()

    def start_again(self) -> None:
        """Let nothing count that was tried so far: the lab was changed just now."""
        self.cause, self._tried = None, None
        self._note_judged()

    def note_attempt(self) -> None:
        """The learner tries something: the check is judged after it."""
        if self._tried is None:
            self._tried = time.monotonic()

    def on_time(self, task: HoldsTask) -> None:
        """Judge the check: after an attempt, after work on the lab, and now and then."""
        lesson_lab = self.state.lesson_lab
        if self._is_undecided():
            return
        is_changed = lesson_lab.last_change() != self.state.seen_change
        if self._tried is None and not is_changed and time.monotonic() < self._judged + pause_after(task):
            return
        lesson_lab.refresh()
        if lesson_lab.is_broken:
            lesson_lab.work.look(self.state.lab, self._nodes_to_work_in(task))
        finding = judge_quietly(self.state.lab.made, task)
        tried, self._tried = self._tried, None
        self._note_judged()
        if finding.verdict == "pass":
            self._on_pass(task, finding)
            return
        if finding.verdict == "fail":
            lesson_lab.work.has_not_repaired()
        self.cause = not_done(finding)
        if tried is not None:
            self._tell_cause(finding, self.cause, tried)

    def _is_undecided(self) -> bool:
        """Say what has no answer, before the check is judged, which takes long then; whether an answer may come."""
        traffic = self.state.traffic
        for start in traffic.unanswered():
            if seen := silence(start):
                self.state.react((self.state.progress, NotDone(f"{seen}.")))  # the judgement counts the attempt
        is_recent = self._tried is not None and time.monotonic() < self._tried + 2 * SILENT_SECONDS
        return is_recent and traffic.awaits_answer

    def _note_judged(self) -> None:
        self._judged, self.state.seen_change = time.monotonic(), self.state.lesson_lab.last_change()

    def _on_pass(self, task: HoldsTask, finding: Finding) -> None:
        lesson_lab = self.state.lesson_lab
        if lesson_lab.is_worked_on:
            return  # what the command leaves is judged when it has ended
        if uncounted := lesson_lab.uncounted_repair(task, self._nodes_to_work_in(task)):
            self._refuse(task, uncounted)
            return
        self.state.react(react_to_pass(self.state.progress, self.state.task_name or "", finding))

    def _tell_cause(self, finding: Finding, cause: NotDone, tried: float) -> None:
        """Answer an attempt.

        Where no layer is broken, the lab was mended just now, or a layer could not be asked: the next judgement says.
        """
        self._doubts += 1
        if sees_no_broken_layer(finding) and self._doubts <= MOST_DOUBTS:
            self._tried = tried
            return
        self._doubts = 0
        self.state.react(attempted(self.state.progress, self.state.task_name or "", cause.sentence, cause.layer))

    def _nodes_to_work_in(self, task: HoldsTask) -> tuple[str, ...]:
        return nodes_to_work_in(task, self.state.text.lesson.shell)

    def _refuse(self, task: HoldsTask, repair: UncountedRepair) -> None:
        """Break the lab again where it was mended, and say that the repair does not count."""
        lesson_lab, state = self.state.lesson_lab, self.state
        if repair.is_mended:
            lesson_lab.break_again(task, repair.changed_nodes)
        self.cause = NotDone(repair.sentence(lesson_lab.permissions(task)))
        state.react(attempted(state.progress, state.task_name or "", self.cause.sentence))
        self._note_judged()
