"""Run a lesson in a lab that is up: watch the traffic, judge checks, take answers, and tell the learner what is so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.comparison import Matched
from orchestrator.lessons.failed_attempts import failed_attempt, unanswered_attempt
from orchestrator.lessons.lesson import HoldsTask, ObserveTask, QuestionTask
from orchestrator.lessons.messages import Message, NotDone, Note, TaskBegun, TaskDone, event_of
from orchestrator.lessons.observations import ListensObservation
from orchestrator.lessons.open_exchanges import SILENT_SECONDS, silence, unanswered
from orchestrator.lessons.reactions import (
    Reaction,
    attempted,
    lesson_done,
    not_done,
    react_to_answer,
    react_to_exchange,
    react_to_pass,
    react_to_socket,
    sees_no_broken_layer,
    show_hint,
    show_solution,
    without_attempt,
)
from orchestrator.lessons.repairs import UncountedRepair, nodes_to_work_in
from orchestrator.lessons.words import Command, command_of, help_text
from orchestrator.operations.attempt_explainer import AttemptExplainer, explain_in
from orchestrator.operations.learner_traffic import LearnerTraffic
from orchestrator.operations.lesson_check import judge_quietly, pause_after
from orchestrator.operations.lesson_truth import ask_lab
from orchestrator.operations.node_watch import TaskWatch
from orchestrator.planning.lab_ref import LabRef
from orchestrator.traffic.exchanges.events import ExchangeStart, client_node, end_time, start_time

if TYPE_CHECKING:
    from orchestrator.events import ProbeEvent
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.questions import Question
    from orchestrator.lessons.reading import LessonText
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lesson_lab import LessonLab
    from orchestrator.traffic.exchanges.events import CompletedEvent, TrafficEvent

# The same sentence within this time belongs to the same attempt: a program may try each address of a name.
ATTEMPT_SECONDS = 2.0
# So many times a check that fails is judged once more, where no layer of it is seen to be broken.
MOST_DOUBTS = 3


@dataclass
class LessonRun:
    """One learner in one lesson; `progress` is replaced as things happen, and `save` keeps it each time.

    `load_text` reads the lesson with the addresses that the lab has now. `probes` says when checks probed from which
    node, and grows: that traffic is no attempt of the learner.
    """

    lesson_lab: LessonLab
    load_text: Callable[[], LessonText]
    progress: Progress
    tell: Callable[[Message], None]
    save: Callable[[Progress], None]
    probes: Sequence[ProbeEvent] = ()
    question: Question | None = None
    is_lab_gone: bool = False
    text: LessonText = field(init=False)
    _judged: float = 0.0
    _changed: float = 0.0
    _tried: float | None = None
    _doubts: int = 0
    _cause: NotDone | None = None
    _told: tuple[str, float] = ("", 0.0)
    explainer: AttemptExplainer = field(init=False)
    traffic: LearnerTraffic = field(init=False)
    _earlier: float | None = None
    _watch: TaskWatch = field(default_factory=TaskWatch)

    def __post_init__(self) -> None:
        self.text = self.load_text()
        self.explainer = AttemptExplainer(lambda check, on_probe: explain_in(self.lab, check, on_probe))
        self.traffic = LearnerTraffic(self.probes, self.explainer)

    @property
    def lab(self) -> LabHandle:
        """The lab as its last `up` left it."""
        return self.lesson_lab.handle

    @property
    def owes_cause(self) -> bool:
        """Whether an attempt of the learner was seen, and why it failed is not known yet."""
        return self._tried is not None or self.explainer.is_busy

    @property
    def task_name(self) -> str | None:
        """The task that is to be done now; None where the lesson is over."""
        return self.progress.current(tuple(self.text.lesson.tasks))

    @property
    def task(self) -> AnyTask | None:
        name = self.task_name
        return None if name is None else self.text.lesson.tasks[name]

    def begin_task(self) -> None:
        """Change the lab as the task wants it, find the right answer of a question, and tell what is to be done."""
        name, task = self.task_name, self.task
        if name is None or task is None:
            self._tell(lesson_done(self.progress, self.text.lesson, self.text.after))
            return
        self.lesson_lab.begin(task, goes_on=self.progress.task(name).begun)
        self._note_begun(name)
        self._tell_task(name, task)

    def on_lab_gone(self) -> None:
        """Say, once, that somebody has removed the lab."""
        if not self.is_lab_gone:
            self.is_lab_gone = True
            self.tell(
                Note(f"The lab is gone. The lesson goes on when it is up again: {self.lab.made.named.command('up')}")
            )

    def on_lab_back(self) -> None:
        """Begin the task again in a lab that is new: its addresses may be others, and nothing of it is broken."""
        self.is_lab_gone = False
        self.lesson_lab.end(keep_copy=True)
        self.text = self.load_text()
        self._tell(Note("The lab was removed and made anew. The task begins again."))
        self.begin_task()

    def _note_begun(self, name: str) -> None:
        if not self.progress.task(name).begun:
            self.progress = self.progress.begun_at(name, time.time())
            self.save(self.progress)

    def _tell_task(self, name: str, task: AnyTask) -> None:
        """Find the right answer of a question, and tell what is to be done; nothing was tried so far."""
        topology = self.lab.made.topology(self.lab.made.observe())
        self.question = ask_lab(self.lab, task, self.progress.seed) if isinstance(task, QuestionTask) else None
        self._told, self._cause, self._judged, self._tried = ("", 0.0), None, 0.0, None
        self._earlier, self._doubts = None, 0
        self.explainer.forget()
        self._changed = self.lesson_lab.last_change()
        if self.lesson_lab.is_broken:  # it does not hold: that is the task
            self._judged = time.monotonic()
        names = tuple(self.text.lesson.tasks)
        choices = self.question.choices if self.question else ()
        text, number = self.text.before.get(name, ""), names.index(name) + 1
        self._watch.begin(self.lab, task)
        self.traffic.begin(self.lab.made.scenario, topology)  # after what a watch sends to see that it reads
        allowed = self.lesson_lab.permissions(task)
        self._tell(TaskBegun(name, number, len(names), text, task.title, self.question is not None, choices, allowed))

    def on_traffic(self, event: TrafficEvent) -> None:
        """An exchange began or ended on the wire."""
        task = self.task
        if isinstance(event, ExchangeStart):
            is_attempt = self.traffic.is_begun_by_learner(event, self._shells(task))
            if is_attempt and isinstance(task, HoldsTask) and self._tried is None:
                self._tried = time.monotonic()
            return
        if self.traffic.has_ended(event) and isinstance(task, ObserveTask):
            self.progress = without_attempt(self.progress, self.task_name or "")  # what came of it counts
        if isinstance(task, ObserveTask) and self.traffic.is_attempt(event):
            self._on_attempt(task, event)

    def _on_attempt(self, task: ObserveTask, event: CompletedEvent) -> None:
        """Compare what a program of the learner did with what the task wants to see, and to see before that."""
        if task.after and isinstance(task.after.compare(event, self.traffic.addresses_of), Matched):
            self._earlier = end_time(event) or start_time(event)
            return
        name = self.task_name or ""
        comparison = self.traffic.compare(task.observe, event)
        if self.traffic.tells_later(comparison):
            return
        reaction = react_to_exchange(self.progress, name, task, event, comparison, self._earlier)
        if isinstance(reaction[1], NotDone) and self.traffic.continues_lookup(event):
            return
        self._react(reaction)
        servers = self.traffic.servers_of(client_node(event))
        attempt = failed_attempt(event, servers) if isinstance(reaction[1], NotDone) else None
        if attempt and attempt.node in self._shells(task):
            self.explainer.ask(attempt)

    def _on_happenings_inside(self, task: ObserveTask) -> None:
        """Compare loopback packets and new sockets with what the task wants to see."""
        if (changed := self.lesson_lab.last_change()) != self._changed:
            self._changed = changed
            if self._watch.begin_again(self.lab, task):
                self.traffic.start_again()
        for happening in self._watch.new():
            if not isinstance(happening, BoundSocket):
                if self.traffic.is_attempt(happening):
                    self._on_attempt(task, happening)
            elif isinstance(task.observe, ListensObservation):
                self._react(react_to_socket(self.progress, self.task_name or "", task.observe, happening))
            if self.task is not task:
                return  # it is done

    def _on_explained(self) -> None:
        """Tell which layer is broken of the attempt that failed last."""
        walk = self.explainer.explained()
        if walk and walk.broken:
            self._tell(NotDone(walk.sentence, walk.broken.title, is_cause=True))

    def _shells(self, task: AnyTask | None) -> tuple[str, ...]:
        """The nodes in which the learner works."""
        return (*self.text.lesson.shell, *(task.allowed.shell if isinstance(task, HoldsTask) else ()))

    def _on_silence(self, task: ObserveTask) -> None:
        """Say which exchange of the learner has no answer."""
        if sentence := self.traffic.told_later():
            self._react(attempted(self.progress, self.task_name or "", sentence))
        for start in self.traffic.unanswered():
            if different := unanswered(task.observe, start):
                before = self.progress
                self._react(attempted(before, self.task_name or "", different.sentence))
                if self.progress is not before:
                    self.traffic.count_silence(start)
                servers = self.traffic.servers_of(start.client)
                if attempt := unanswered_attempt(start, self.lab.made.scenario.nodes, servers):
                    self.explainer.ask(attempt)

    def _is_undecided(self) -> bool:
        """Say what has no answer, before the check is judged, which takes long then; whether an answer may come."""
        for start in self.traffic.unanswered():
            if seen := silence(start):
                self._react((self.progress, NotDone(f"{seen}.")))  # the judgement counts the attempt
        is_recent = self._tried is not None and time.monotonic() < self._tried + 2 * SILENT_SECONDS
        return is_recent and self.traffic.awaits_answer

    def on_time(self) -> None:
        """Judge the check of the task: after an attempt, after work on the lab, and now and then."""
        task = self.task
        if isinstance(task, ObserveTask):
            self._on_happenings_inside(task)
            self._on_silence(task)
            self._on_explained()
        if not isinstance(task, HoldsTask):
            return
        if self._is_undecided():
            return
        changed = self.lesson_lab.last_change()
        if self._tried is None and changed == self._changed and time.monotonic() < self._judged + pause_after(task):
            return
        self.lesson_lab.refresh()
        if self.lesson_lab.is_broken:
            self.lesson_lab.work.look(self.lab, self._nodes_to_work_in(task))
        finding = judge_quietly(self.lab.made, task)
        tried, self._tried = self._tried, None
        self._judged, self._changed = time.monotonic(), self.lesson_lab.last_change()
        if finding.verdict == "pass":
            if self.lesson_lab.is_worked_on:
                return  # what the command leaves is judged when it has ended
            if uncounted := self.lesson_lab.uncounted_repair(task, self._nodes_to_work_in(task)):
                self._refuse(task, uncounted)
                return
            self._react(react_to_pass(self.progress, self.task_name or "", finding))
            return
        if finding.verdict == "fail":
            self.lesson_lab.work.has_not_repaired()
        self._cause = not_done(finding)
        if tried is None:
            return
        # Where no layer is broken, the lab was mended just now, or a layer could not be asked: the next judgement says.
        self._doubts += 1
        if sees_no_broken_layer(finding) and self._doubts <= MOST_DOUBTS:
            self._tried = tried
        else:
            self._doubts = 0
            self._react(attempted(self.progress, self.task_name or "", self._cause.sentence, self._cause.layer))

    def _nodes_to_work_in(self, task: HoldsTask) -> tuple[str, ...]:
        return nodes_to_work_in(task, self.text.lesson.shell)

    def _refuse(self, task: HoldsTask, repair: UncountedRepair) -> None:
        """Break the lab again where it was mended, and say that the repair does not count."""
        if repair.is_mended:
            self.lesson_lab.break_again(task, repair.changed_nodes)
        self._cause = NotDone(repair.sentence(self.lesson_lab.permissions(task)))
        self._react(attempted(self.progress, self.task_name or "", self._cause.sentence))
        self._judged, self._changed = time.monotonic(), self.lesson_lab.last_change()

    def on_input(self, words: str) -> bool:
        """A line that the learner typed. Returns False where it ends the lesson for now."""
        name, task = self.task_name, self.task
        word = words.strip().lower()
        if word in ("q", "quit", "exit"):
            return False
        command = command_of(words, tuple(self.text.lesson.tasks))
        if isinstance(command, str):
            self._tell(Note(command))
            return True
        if command is not None:
            self._on_command(command)
            return True
        if name is None or task is None or not word:
            return True
        match word:
            case "h" | "hint":
                self._react(show_hint(self.progress, name, task))
            case "s" | "solution":
                right_answer = self.question.right if self.question else ""
                self._react(show_solution(self.progress, name, task, LabRef(self.lab.name), right_answer))
            case "w" | "why" if isinstance(task, HoldsTask):
                self._tell(self._cause or NotDone("Nothing was judged yet."))
            case _ if isinstance(task, QuestionTask) and self.question:
                self._react(react_to_answer(self.progress, name, task, self.question, words))
            case _:
                keys = "help, hint, solution, restore, reset or quit"
                self._tell(Note(f"{words.strip()!r} is no word here; type {keys}. Programs run in the other terminal."))
        return True

    def _on_command(self, command: Command) -> None:
        """Change the lab or the lesson as a word of the learner says."""
        names, name, task = tuple(self.text.lesson.tasks), self.task_name, self.task
        match command:
            case Command("help"):
                self._tell(Note(help_text()))
            case Command("reset"):
                self._begin_at(replace(self.progress, tasks={}))
            case Command("restore", target) if target:
                self._go_to(target)
            case Command("reset task") if name:
                self._begin_at(self.progress.at(name, names))
            case Command("reset lab") if task:
                self.lesson_lab.renew(task)
                self._forget_attempts("All machines of the lab are new, as they are when this task begins.")
            case Command("restore") if task:
                self.lesson_lab.restore(task)
                self._forget_attempts("The lab is again what it was when this task began.")
            case Command("undo"):
                ids = ", ".join(self.lesson_lab.undo())
                self._forget_attempts(f"Taken back: {ids}." if ids else "You have put no fault in.")

    def _go_to(self, name: str) -> None:
        """Go to a task, by way of those that it needs."""
        lesson = self.text.lesson
        progress = self.progress.at(name, tuple(lesson.tasks), lesson.needed_by(name))
        if (first := progress.current(tuple(lesson.tasks))) != name:
            self._tell(Note(f"The task {name} needs the task {first}, which comes first."))
        self._begin_at(progress)

    def _begin_at(self, progress: Progress) -> None:
        """Go on with another progress, in the lab as its task wants it."""
        self.lesson_lab.restore_course()
        self.progress = progress
        self.save(self.progress)
        self.begin_task()

    def _forget_attempts(self, text: str) -> None:
        """Say what was done to the lab; nothing that crossed the wire before counts any more."""
        self._watch.begin_again(self.lab, self.task)
        self._tell(Note(text))
        self._told, self._cause, self._tried, self._earlier = ("", 0.0), None, None, None
        self._judged, self._changed = time.monotonic(), self.lesson_lab.last_change()
        self.traffic.start_again()

    def _react(self, reaction: Reaction) -> None:
        progress, message = reaction
        if message is None or (isinstance(message, NotDone) and self._was_just_told(message.sentence)):
            return
        self.progress = self.traffic.with_origin(progress, message, self.text.lesson.shell[0])
        self.save(self.progress)
        self._tell(message)
        if isinstance(message, TaskDone):
            self.end_fault()
            self.begin_task()

    def _was_just_told(self, sentence: str) -> bool:
        last, at = self._told
        self._told = (sentence, time.monotonic())
        return sentence == last and time.monotonic() < at + ATTEMPT_SECONDS

    def _tell(self, message: Message) -> None:
        """Show a message, and write to the journal that it was shown, which is no work on the lab."""
        self.tell(message)
        changed = self.lesson_lab.last_change()
        if event := event_of(message, self.progress.lesson, self.task_name or ""):
            self.lab.made.settings.publish(event)
        if changed == self._changed:
            self._changed = self.lesson_lab.last_change()

    def close(self) -> None:
        """End the run; the learner goes on with the task another time."""
        self.explainer.close()
        self._watch.close()
        if not self.is_lab_gone:
            self.end_fault(keep_copy=True)

    def end_fault(self, *, keep_copy: bool = False) -> None:
        """Repair what the task broke."""
        self.lesson_lab.end(keep_copy=keep_copy)
