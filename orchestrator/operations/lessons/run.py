"""Run a lesson in a lab that is up: hand traffic and time to the open task, take words and answers, go from task to
task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, TookTooLong
from orchestrator.lessons.kept_questions import basis_of, kept_question, typed_answers, with_question
from orchestrator.lessons.lesson import HoldsTask, ObserveTask, PredictTask, QuestionTask
from orchestrator.lessons.messages import Message, Note, TaskBegun, TaskHeld
from orchestrator.lessons.reactions import lesson_done, react_to_answer, show_hint, show_solution
from orchestrator.lessons.words import Command, command_of, help_text
from orchestrator.operations.lessons.attempt_explainer import AttemptExplainer, explain_in
from orchestrator.operations.lessons.lab_commands import LabCommands
from orchestrator.operations.lessons.learner_traffic import LearnerTraffic
from orchestrator.operations.lessons.observed_attempts import ObservedAttempts
from orchestrator.operations.lessons.other_probes import OtherProbes
from orchestrator.operations.lessons.own_probes import OwnProbes
from orchestrator.operations.lessons.packet_keeper import KeptPackets, PacketKeeper
from orchestrator.operations.lessons.state import LessonState
from orchestrator.operations.lessons.task_check import TaskCheck
from orchestrator.operations.lessons.truth import ask_lab
from orchestrator.operations.slow_engine import SlowEngine
from orchestrator.planning.lab_ref import LabRef
from orchestrator.traffic.exchanges.events import ExchangeStart, client_node

if TYPE_CHECKING:
    from orchestrator.events import ProbeEvent
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.questions import Question
    from orchestrator.lessons.reading import LessonText
    from orchestrator.model.topology import Topology
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lessons.common_truths import CommonTruths
    from orchestrator.operations.lessons.lab import LessonLab
    from orchestrator.operations.live.traffic import LiveTraffic
    from orchestrator.traffic.exchanges.events import CompletedEvent, TrafficEvent

STORY_SECONDS = 5.0


class LessonRun:
    """One learner in one lesson; `save` keeps the progress each time.

    `load_text` reads the lesson with the addresses that the lab has now. `probes` says when checks probed from which
    node, and grows: that traffic is no attempt of the learner. `held_from` names the first task that the teacher
    holds, with all after it; "" where none is held. `live` is the traffic of the lab, where it is read already.
    `truths` are those of other new labs, where this one is new, too. With `keeps_packets`, the evidence of a task has
    the packets that completed it.
    """

    def __init__(
        self,
        lesson_lab: LessonLab,
        load_text: Callable[[], LessonText],
        progress: Progress,
        tell: Callable[[Message], None],
        save: Callable[[Progress], None],
        probes: Sequence[ProbeEvent] = (),
        held_from: Callable[[], str] = lambda: "",
        live: LiveTraffic | None = None,
        truths: CommonTruths | None = None,
        *,
        keeps_packets: bool = False,
    ) -> None:
        self._held_from = held_from
        self._live = live
        self._truths = truths
        self._other_probes = OtherProbes(lesson_lab.workspace.state, lesson_lab.name)
        own_probes = OwnProbes(others=self._other_probes.take)
        self._explainer = AttemptExplainer(lambda check, on_probe: explain_in(self.lab, check, on_probe), own_probes)
        traffic = LearnerTraffic(probes, own_probes)
        self.state = LessonState(lesson_lab, load_text, progress, tell, save, traffic)
        self.question: Question | None = None
        self.is_lab_gone = False
        self._has_begun = True
        self._slow_engine = SlowEngine()
        self._keeper = PacketKeeper(is_on=keeps_packets)
        self._attempts = ObservedAttempts(self.state, self._explainer, self._keeper)
        self._check = TaskCheck(self.state, own_probes, LabCommands(lesson_lab.workspace.state, lesson_lab.name))

    @property
    def lesson_lab(self) -> LessonLab:
        return self.state.lesson_lab

    @property
    def lab(self) -> LabHandle:
        """The lab as its last `up` left it."""
        return self.state.lab

    @property
    def text(self) -> LessonText:
        return self.state.text

    @property
    def progress(self) -> Progress:
        return self.state.progress

    @property
    def task_name(self) -> str | None:
        """The task that is to be done now; None where the lesson is over."""
        return self.state.task_name

    @property
    def owes_cause(self) -> bool:
        """Whether an attempt of the learner was seen, and why it failed is not known yet."""
        return self._check.owes_cause or self._explainer.is_busy

    @contextmanager
    def while_engine_answers(self) -> Iterator[None]:
        """Say, and bear, that the engine does not answer in time: what was not done is done once it answers again."""
        try:
            yield
        except (TookTooLong, EngineMissing) as error:
            if note := self._slow_engine.note(error):
                self.state.show(note)

    def begin_task(self) -> None:
        """Change the lab as the task wants it, find the right answer of a question, and tell what is to be done."""
        self._has_begun = False
        try:
            self._begin_task()
        finally:
            self._truths = None  # from now on the learner may work in the lab
        self._has_begun = True

    def _begin_task(self) -> None:
        name = self.task_name
        self.state.waits = name is not None and self._is_held(name)
        task = self.state.task
        if name is not None and task is None:
            self.question = None
            self.state.tell(TaskHeld(name))
            return
        if name is None or task is None:
            self.state.tell(lesson_done(self.progress, self.text.lesson, self.text.after))
            return
        begun = self.progress.task(name).begun
        self.lesson_lab.begin(task, goes_on=begun)
        self._keeper.record(self.lab)
        if not begun:
            self.state.keep(self.progress.begun_at(name, time.time()))
        self._begin_told(name, task)

    def _is_held(self, name: str) -> bool:
        """Whether the teacher holds this task. Who has begun it goes on."""
        names, held_from = tuple(self.text.lesson.tasks), self._held_from()
        is_held = held_from in names and names.index(name) >= names.index(held_from)
        return is_held and not self.progress.task(name).begun

    def on_lab_gone(self) -> None:
        """Say, once, that somebody has removed the lab."""
        if not self.is_lab_gone:
            self.is_lab_gone = True
            command = self.lab.made.named.command("up")
            self.state.show(Note(f"The lab is gone. The lesson goes on when it is up again: {command}"))

    def on_lab_back(self) -> None:
        """Begin the task again in a lab that is new: its addresses may be others, and nothing of it is broken."""
        self.lesson_lab.end(keep_copy=True)
        self.state.read_text()
        self.state.tell(Note("The lab was removed and made anew. The task begins again."))
        self.begin_task()
        self.is_lab_gone = False  # not before: the lab may go once more meanwhile

    def _begin_told(self, name: str, task: AnyTask) -> None:
        """Find the right answer of a question, and tell what is to be done; nothing was tried so far."""
        topology = self.lesson_lab.topology()
        self.question = self._question(name, task, topology) if isinstance(task, QuestionTask) else None
        self.state.forget_told()
        self._explainer.forget()
        self._check.begin()
        names = tuple(self.text.lesson.tasks)
        choices = self.question.choices if self.question else ()
        text, number = self.text.before.get(name, ""), names.index(name) + 1
        self._attempts.begin(task)
        self.state.traffic.begin(self.lab.made.scenario, topology)  # after what a watch sends to see that it reads
        allowed = self.lesson_lab.permissions(task)
        is_question = self.question is not None
        self.state.tell(TaskBegun(name, number, len(names), text, task.title, is_question, choices, allowed))

    def _question(self, name: str, task: QuestionTask, topology: Topology) -> Question:
        """The question that was kept with the progress; otherwise one that is drawn from the lab, and kept."""
        seed = self.progress.seed
        basis = basis_of(task, topology, seed)
        if kept := kept_question(self.progress, name, basis, typed_answers(task, topology)):
            return kept
        question = ask_lab(self.lab, topology, task, seed, self._live, self._truths)
        self.state.keep(with_question(self.progress, name, question, basis))
        return question

    def on_traffic(self, event: TrafficEvent) -> None:
        """An exchange began or ended on the wire."""
        if not self._has_begun:
            return
        name, task = self.task_name, self.state.task
        if isinstance(event, ExchangeStart):
            is_observed = isinstance(task, ObserveTask)
            self._attempts.on_start(event)
            is_attempt = self.state.traffic.is_begun_by_learner(event, self.state.shells, awaits_others=is_observed)
            if is_attempt and isinstance(task, HoldsTask):
                self._check.note_attempt()
        elif isinstance(task, ObserveTask):
            self._attempts.on_event(task, event)
        else:
            self.state.traffic.has_ended(event)
            if isinstance(task, HoldsTask) and client_node(event) in self.state.shells:
                self._note_event(task, event)
        self._go_on_from(name)

    def _note_event(self, task: HoldsTask, event: CompletedEvent) -> None:
        if self.state.traffic.is_attempt(event):
            self._check.note_event(task, event)

    def on_time(self) -> None:
        """See what the open task has not been told of by traffic: what does not happen, and whether its check holds."""
        if not self._has_begun:  # the engine did not answer in the middle of it
            self.lesson_lab.restore_course()
            self.begin_task()
        self._take_packets(self._keeper.take())
        name, task = self.task_name, self.state.task
        if isinstance(task, ObserveTask):
            self._attempts.on_time(task)
        elif isinstance(task, HoldsTask):
            if seen := self._attempts.tried_unseen(self._check.wanted(task)):
                self._check.note_attempt(seen)
            self._check.on_time(task)
        self._go_on_from(name)

    def _take_packets(self, kept: Sequence[KeptPackets]) -> None:
        for packets in kept:
            progress = self.progress.with_packets(packets.task, packets.done_at, packets.document)
            if progress is not self.progress:
                self.state.keep(progress)

    def _go_on_from(self, name: str | None) -> None:
        """Begin the next task if this one is done."""
        if self.task_name != name:
            self.end_fault()
            self.begin_task()

    def on_input(self, words: str) -> bool:
        """A line that the learner typed. Returns False where it ends the lesson for now."""
        word = words.strip().lower()
        if word in ("q", "quit", "exit"):
            return False
        command = command_of(words, tuple(self.text.lesson.tasks))
        if isinstance(command, str):
            self.state.tell(Note(command))
        elif command is not None:
            self._on_command(command)
        elif word:
            name = self.task_name
            self._on_word(word, words)
            self._go_on_from(name)
        return True

    def _on_word(self, word: str, words: str) -> None:
        """A request for help, or an answer; `words` is what was typed."""
        name, task = self.task_name, self.state.task
        if name is None or task is None:
            if name is not None:
                self.state.tell(TaskHeld(name))
            return
        match word:
            case "h" | "hint":
                self.state.react(show_hint(self.progress, name, task))
            case "s" | "solution":
                right_answer = self.question.right if self.question else ""
                self.state.react(show_solution(self.progress, name, task, LabRef(self.lab.name), right_answer))
            case "w" | "why" if isinstance(task, HoldsTask):
                self.state.tell(self._check.cause or Note("wirelab is still looking. Ask again in a few seconds."))
            case _ if isinstance(task, QuestionTask) and self.question:
                self.state.forget_told()  # each answer is an attempt of its own, however soon it comes
                self.state.react(react_to_answer(self.progress, name, task, self.question, words))
                if isinstance(task, PredictTask) and self.task_name != name:
                    self._show_story_of(task)
            case _:
                keys = "help, hint, solution, restore, reset or quit"
                text = f"{words.strip()!r} is no word here; type {keys}. Programs run in the other terminal."
                self.state.tell(Note(text))

    def _show_story_of(self, task: PredictTask) -> None:
        """Send the request once more: who watches the lab sees its steps in the order that was asked for."""
        run = task.predict
        with suppress(TookTooLong):
            self.lab.node(run.node).run_unrecorded(*run.run, seconds=STORY_SECONDS)

    def _on_command(self, command: Command) -> None:
        """Change the lab or the lesson as a word of the learner says."""
        names, name, task = tuple(self.text.lesson.tasks), self.task_name, self.state.task
        match command:
            case Command("help"):
                self.state.tell(Note(help_text()))
            case Command("reset"):
                self._begin_at(self.progress.reset())
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
            self.state.tell(Note(f"The task {name} needs the task {first}, which comes first."))
        self._begin_at(progress)

    def _begin_at(self, progress: Progress) -> None:
        """Go on with another progress, in the lab as its task wants it."""
        self.lesson_lab.restore_course()
        self.state.traffic.forget_finished()
        self.state.keep(progress)
        self.begin_task()

    def _forget_attempts(self, text: str) -> None:
        """Say what was done to the lab; nothing that crossed the wire before counts any more."""
        self._attempts.start_again()
        self.state.tell(Note(text))
        self.state.forget_told()
        self._check.start_again()
        self.state.traffic.forget_finished()
        self.state.traffic.start_again()

    def close(self) -> None:
        """End the run; the learner goes on with the task another time."""
        self._take_packets(self._keeper.close())
        self._explainer.close()
        self._check.close()
        self._attempts.close()
        self._other_probes.close()
        if not self.is_lab_gone:
            self.end_fault(keep_copy=True)

    def end_fault(self, *, keep_copy: bool = False) -> None:
        """Repair what the task broke."""
        self.lesson_lab.end(keep_copy=keep_copy)
