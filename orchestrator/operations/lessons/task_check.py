"""Judge the check of a task again and again, until it holds by a repair that the task allows."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.lessons.messages import NotDone
from orchestrator.lessons.open_exchanges import SILENT_SECONDS, silence
from orchestrator.lessons.other_attempts import what_came, what_failed
from orchestrator.lessons.reactions import attempted, not_done, react_to_pass, sees_no_broken_layer
from orchestrator.lessons.repairs import UncountedRepair, nodes_to_work_in
from orchestrator.operations.lessons.attempt_explainer import reason_of
from orchestrator.operations.lessons.check import judge_quietly, pause_after
from orchestrator.traffic.exchanges.events import client_node

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.events import ProbeEvent
    from orchestrator.lessons.lesson import HoldsTask
    from orchestrator.operations.lessons.lab_commands import LabCommands
    from orchestrator.operations.lessons.own_probes import OwnProbes
    from orchestrator.operations.lessons.state import LessonState
    from orchestrator.traffic.exchanges.events import CompletedEvent

# So many times a check that fails is judged once more, where no layer of it is seen to be broken.
MOST_DOUBTS = 3
# An attempt gets its answer in this time, also where the judgement of the check takes longer.
ANSWER_SECONDS = 1.5


@dataclass(frozen=True)
class _Judgement:
    """A judgement that is under way; what is tried after it began is for the next one."""

    began: float
    result: Future[tuple[Finding, tuple[ProbeEvent, ...]]]


@dataclass
class TaskCheck:
    """The check of the open task; `cause` is what is wrong by its last judgement, None before the first one.

    It is judged in a thread: what the learner tries meanwhile is seen, and answered in time.
    """

    state: LessonState
    own_probes: OwnProbes
    commands: LabCommands
    cause: NotDone | None = None
    _judged: float = 0.0
    _tried: float | None = None
    _seen: str = ""
    _went_well: str = ""
    _is_answered: bool = False
    _is_changed_by_command: bool = False
    _counted: str = ""
    _doubts: int = 0
    _judgement: _Judgement | None = None
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="judge"))

    @property
    def owes_cause(self) -> bool:
        """Whether an attempt of the learner was seen that no judgement has followed yet."""
        return self._tried is not None

    def begin(self) -> None:
        """Begin a task, at which nothing was tried so far."""
        self.cause, self._judged, self._doubts = None, 0.0, 0
        self._forget_attempt()
        self.state.seen_change = self.state.lesson_lab.last_change()
        if self.state.lesson_lab.is_broken:  # it does not hold: that is the task
            self._judged = time.monotonic()

    def start_again(self) -> None:
        """Let nothing count that was tried so far: the lab was changed just now."""
        self.cause = None
        self._forget_attempt()
        self._note_judged()

    def _forget_attempt(self) -> None:
        self._tried, self._seen, self._went_well, self._is_answered, self._counted = None, "", "", False, ""
        self._judgement = None
        self._forget_commands()

    def _forget_commands(self) -> None:
        self.commands.take()
        self._is_changed_by_command = False

    def close(self) -> None:
        """Wait until nothing is judged any more."""
        self._judgement = None
        self._pool.shutdown(wait=True)
        self.commands.close()

    def note_attempt(self, seen: str = "") -> None:
        """The learner tries something: the check is judged after it. `seen` is what came of it, if it is over."""
        if self._tried is None:
            self._tried, self._seen, self._is_answered, self._counted = time.monotonic(), seen, False, ""
            self._went_well = ""

    @staticmethod
    def wanted(task: HoldsTask) -> str:
        """What is expected, for the sentence that a learner reads."""
        return f"this check holds: {task.holds.name}"

    def note_event(self, task: HoldsTask, event: CompletedEvent) -> None:
        """What came of something that the learner tried; it is told if the check is not judged in time."""
        if self._tried is None:
            return
        node, wanted = client_node(event), self.wanted(task)
        if different := what_failed(event, node, wanted):
            self._seen = different.sentence
        elif different := what_came(event, node, wanted):
            self._went_well = f"{different.seen}. It is not known yet whether {wanted}."

    def on_time(self, task: HoldsTask) -> None:
        """Judge the check: after an attempt, after work on the lab, and now and then."""
        is_undecided = self._is_undecided()
        self._note_commands()
        self._answer_in_time()
        if self._judgement:
            if self._judgement.result.done():
                self._on_judged(task, self._judgement)
        elif not is_undecided and self._is_due(task):
            self._begin_judgement(task)

    def _note_commands(self) -> None:
        """See that a command has changed the lab, which may be a repair: its answer is the next judgement."""
        self._is_changed_by_command |= self.commands.take()
        if self._is_changed_by_command and not self.state.lesson_lab.is_worked_on:
            self._is_changed_by_command = False
            self.note_attempt()
            self._is_answered = True  # the last judgement says nothing of it

    def _is_due(self, task: HoldsTask) -> bool:
        is_changed = self.state.lesson_lab.last_change() != self.state.seen_change
        return self._tried is not None or is_changed or time.monotonic() >= self._judged + pause_after(task)

    def _begin_judgement(self, task: HoldsTask) -> None:
        lesson_lab = self.state.lesson_lab
        lesson_lab.refresh()
        if lesson_lab.is_broken:
            lesson_lab.work.look(self.state.lab, self._nodes_to_work_in(task))
        self.state.seen_change = lesson_lab.last_change()
        result = self._pool.submit(judge_quietly, self.state.lab.made, task, self.own_probes.note)
        self._judgement = _Judgement(time.monotonic(), result)

    def _is_undecided(self) -> bool:
        """Say what has no answer, before the check is judged, which takes long then; whether an answer may come."""
        traffic = self.state.traffic
        for start in traffic.unanswered():
            if (seen := silence(start)) and traffic.silent_lookups.is_to_tell(start):
                self.state.react((self.state.progress, NotDone(f"{seen}.")))  # the judgement counts the attempt
                self._is_answered = True
        is_recent = self._tried is not None and time.monotonic() < self._tried + 2 * SILENT_SECONDS
        return is_recent and traffic.awaits_answer

    def _answer_in_time(self) -> None:
        """Answer an attempt by what is known before the judgement ends: the last cause, or what came of the attempt."""
        if self._tried is None or self._is_answered or time.monotonic() < self._tried + ANSWER_SECONDS:
            return
        if sentence := self._seen or (self.cause.sentence if self.cause else self._went_well):
            self.state.react(attempted(self.state.progress, self.state.task_name or "", sentence))
            self._is_answered, self._counted = True, sentence

    def _note_judged(self) -> None:
        self._judged, self.state.seen_change = time.monotonic(), self.state.lesson_lab.last_change()

    def _on_judged(self, task: HoldsTask, judgement: _Judgement) -> None:
        """Take the result, unless the lab was changed meanwhile: then the check is judged again."""
        lesson_lab, self._judgement = self.state.lesson_lab, None
        if error := judgement.result.exception():
            self._on_not_judged(error)
            return
        finding, probes = judgement.result.result()
        is_changed = lesson_lab.last_change() != self.state.seen_change
        self._publish(probes)
        if is_changed and finding.verdict != "pass":
            return
        self._note_judged()
        if finding.verdict == "pass":
            self._on_pass(task, finding)
            return
        if finding.verdict == "fail":
            lesson_lab.work.has_not_repaired()
        self.cause = not_done(finding)
        if self._tried is not None and self._tried <= judgement.began:
            self._tell_cause(finding, self.cause)

    def _on_not_judged(self, error: BaseException) -> None:
        """Say of an attempt that nobody could find out why it failed; the check is judged again after its pause."""
        self._note_judged()
        if self._tried is None:
            return
        counted, self._counted, self._tried = self._counted, "", None
        cause = NotDone(f"could not find out: {reason_of(error)}", is_cause=bool(counted))
        if counted:
            self.state.tell(cause)
        else:
            self.state.react(attempted(self.state.progress, self.state.task_name or "", cause.sentence))

    def _publish(self, probes: tuple[ProbeEvent, ...]) -> None:
        """Write to the journal when the check probed; this lesson knows it already."""
        workspace = self.state.lab.workspace.without_watcher()
        publish = workspace.publisher(workspace.journal(self.state.lab.name))
        for probe in probes:
            publish(probe)

    def _on_pass(self, task: HoldsTask, finding: Finding) -> None:
        self._tried = None
        lesson_lab = self.state.lesson_lab
        if lesson_lab.is_worked_on:
            return  # what the command leaves is judged when it has ended
        if uncounted := lesson_lab.uncounted_repair(task, self._nodes_to_work_in(task)):
            self._refuse(task, uncounted)
            return
        self.state.react(react_to_pass(self.state.progress, self.state.task_name or "", finding))

    def _tell_cause(self, finding: Finding, cause: NotDone) -> None:
        """Answer an attempt.

        Where no layer is broken, the lab was mended just now, or a layer could not be asked: the next judgement says.
        """
        self._doubts += 1
        if sees_no_broken_layer(finding) and self._doubts <= MOST_DOUBTS:
            return
        counted, self._doubts, self._tried = self._counted, 0, None
        if counted:
            if counted != cause.sentence:
                self.state.tell(replace(cause, is_cause=True))
            return
        self.state.react(attempted(self.state.progress, self.state.task_name or "", cause.sentence, cause.layer))

    def _nodes_to_work_in(self, task: HoldsTask) -> tuple[str, ...]:
        return nodes_to_work_in(task, self.state.text.lesson.shell)

    def _refuse(self, task: HoldsTask, repair: UncountedRepair) -> None:
        """Break the lab again where it was mended, and say that the repair does not count."""
        lesson_lab, state = self.state.lesson_lab, self.state
        if repair.is_mended:
            lesson_lab.break_again(task, repair.changed_nodes)
            self._forget_commands()
        self.cause = NotDone(repair.sentence(lesson_lab.permissions(task)))
        state.react(attempted(state.progress, state.task_name or "", self.cause.sentence))
        self._note_judged()
