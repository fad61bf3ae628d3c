"""Run a lesson in a lab that is up: watch the traffic, judge checks, take answers, and tell the learner what is so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.lessons.lesson import AddressOf, AskTask, BrokenLayer, FirstServer, HoldsTask, ObserveTask, Run
from orchestrator.lessons.messages import Message, NotDone, Note, TaskBegun, TaskDone
from orchestrator.lessons.questions import Question, question_of
from orchestrator.lessons.reactions import (
    Reaction,
    attempted,
    completed,
    lesson_done,
    react_to_answer,
    react_to_exchange,
    show_hint,
    show_solution,
)
from orchestrator.traffic.exchanges.events import ExchangeStart, client_node, start_time

if TYPE_CHECKING:
    from orchestrator.events import ProbeEvent
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.reading import LessonText
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.traffic.exchanges.events import CompletedEvent, TrafficEvent

# Of one try of a check: a task that does not hold yet is judged again and again.
CHECK_SECONDS = 0.3
# Between two judgements of a check, while nothing crosses the wire.
PAUSE_SECONDS = 1.0


@dataclass
class LessonRun:
    """One learner in one lesson; `progress` is replaced as things happen, and `save` keeps it each time.

    `probes` says when checks probed from which node, and grows: that traffic is no attempt of the learner.
    """

    lab: LabHandle
    text: LessonText
    progress: Progress
    tell: Callable[[Message], None]
    save: Callable[[Progress], None]
    probes: Sequence[ProbeEvent] = ()
    question: Question | None = None
    _began: float = 0.0
    _judged: float = 0.0
    _last_sentence: str = ""
    _fault_in: bool = False

    @property
    def task_name(self) -> str | None:
        """The task that is to be done now; None where the lesson is over."""
        return self.progress.current(tuple(self.text.lesson.tasks))

    @property
    def task(self) -> AnyTask | None:
        name = self.task_name
        return None if name is None else self.text.lesson.tasks[name]

    def begin_task(self) -> None:
        """Put in the fault of the task, find the right answer of a question, and tell what is to be done."""
        name, task = self.task_name, self.task
        if name is None or task is None:
            self.tell(lesson_done(self.progress, self.text.lesson, self.text.after))
            return
        if task.fault:
            from orchestrator.lab.faults import inject

            inject(self.lab.made, task.fault)
            self._fault_in = True
        self.question = self._question(task) if isinstance(task, AskTask) else None
        self._last_sentence, self._judged = "", 0.0
        names = tuple(self.text.lesson.tasks)
        choices = self.question.choices if self.question else ()
        text, number = self.text.before.get(name, ""), names.index(name) + 1
        self._began = time.time()
        self.tell(TaskBegun(name, number, len(names), text, task.title, self.question is not None, choices))

    def _question(self, task: AskTask) -> Question:
        topology = self.lab.made.topology(self.lab.made.observe())
        return question_of(task, self._truth(task), topology, self.progress.seed)

    def _truth(self, task: AskTask) -> str:
        """The right answer, from the running lab where it can know it."""
        match task.truth:
            case AddressOf(address_of=node):
                return self.lab.address(node)
            case FirstServer(first_server=run):
                return self._first_server(run)
            case BrokenLayer(broken_layer=check_name):
                findings = self.lab.check(check_name)
                broken = next((finding.why.broken for finding in findings if finding.why and finding.why.broken), None)
                if broken is None:
                    raise NotFound(f"no layer of {check_name!r} is broken", why="the question asks for the broken one")
                return broken.title
        return task.truth.value

    def _first_server(self, run: Run) -> str:
        story = self.lab.trace(*run.run, node=run.node).story
        first = next((span for span in story.spans if span.client_node == run.node), None)
        if first is None:
            raise NotFound(f"{' '.join(run.run)} sent no packet", why="the question asks for the first one")
        from orchestrator.traffic.story import EarlierConnection

        event = first.event
        from orchestrator.traffic.exchanges.events import server_node

        return event.flow.server.node if isinstance(event, EarlierConnection) else server_node(event)

    def on_traffic(self, event: TrafficEvent) -> None:
        """An exchange was seen on the wire."""
        task = self.task
        if isinstance(event, ExchangeStart) or task is None or not self._is_learners(event):
            return
        if isinstance(task, ObserveTask):
            self._react(react_to_exchange(self.progress, self.task_name or "", task, event, self._addresses_of))
        elif isinstance(task, HoldsTask):
            self._judged = 0.0  # something was tried: judge at once

    def _is_learners(self, event: CompletedEvent) -> bool:
        """Whether it began during this task, and not by a probe of ours."""
        began, node = start_time(event), client_node(event)
        if began < self._began:
            return False
        return not any(probe.node == node and probe.since <= began <= probe.until for probe in self.probes)

    def _addresses_of(self, host: str) -> tuple[str, ...]:
        """The addresses of a node, or of the node whose name in the lab's DNS this is, or the address itself."""
        topology = self.lab.made.topology(self.lab.made.observe())
        for name in topology.names:
            if host.lower() in (name, topology.name_of(name)):
                return tuple(map(str, topology.addresses_of(name)))
        return (host.strip("[]"),)

    def on_time(self) -> None:
        """Judge the check of the task now and then."""
        task, now = self.task, time.monotonic()
        if not isinstance(task, HoldsTask) or now < self._judged + PAUSE_SECONDS:
            return
        attempted_something = self._judged == 0.0 and self._last_sentence != ""
        check = task.holds.model_copy(update={"within": CHECK_SECONDS})
        (finding,) = self.lab.made.judge([check])
        self._judged = time.monotonic()
        name = self.task_name or ""
        if finding.verdict == "pass":
            self._react(completed(self.progress, name, finding.judgement.actual))
            return
        sentence = finding.why.sentence if finding.why else finding.judgement.actual
        if attempted_something and sentence != self._last_sentence:
            self._react(attempted(self.progress, name, sentence))
        self._last_sentence = sentence

    def on_input(self, words: str) -> bool:
        """A line that the learner typed. Returns False where it ends the lesson for now."""
        name, task = self.task_name, self.task
        word = words.strip().lower()
        if word in ("q", "quit", "exit"):
            return False
        if word in ("r", "reset"):
            self.end_fault()
            self.progress = replace(self.progress, tasks={})
            self.save(self.progress)
            self.begin_task()
            return True
        if name is None or task is None or not word:
            return True
        match word:
            case "h" | "hint":
                self._react(show_hint(self.progress, name, task))
            case "s" | "solution":
                self._react(show_solution(self.progress, name, task, self.question.right if self.question else ""))
            case "w" | "why" if isinstance(task, HoldsTask):
                self.tell(NotDone(self._last_sentence or "Nothing was judged yet."))
            case _ if isinstance(task, AskTask) and self.question:
                self._react(react_to_answer(self.progress, name, task, self.question, words))
            case _:
                keys = "hint, solution, reset or quit"
                self.tell(Note(f"{words.strip()!r} is no word here; type {keys}. Programs run in the other terminal."))
        return True

    def _react(self, reaction: Reaction) -> None:
        self.progress, message = reaction
        if message is None:
            return
        self.save(self.progress)
        self.tell(message)
        if isinstance(message, TaskDone):
            self.end_fault()
            self.begin_task()

    def end_fault(self) -> None:
        """Heal what the task broke."""
        if self._fault_in:
            self.lab.heal()
            self._fault_in = False
