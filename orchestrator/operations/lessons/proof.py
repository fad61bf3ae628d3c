"""Prove a lesson: its solutions complete their tasks and no others, and its wrong attempts get their sentences."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from orchestrator.lab.faults import inject
from orchestrator.lessons.lesson import Attempt, HoldsTask, QuestionTask
from orchestrator.lessons.messages import Message, NotDone, TaskDone
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.reactions import solution_text
from orchestrator.model.faults.stop import Stop
from orchestrator.operations.lab_handle import fresh_name
from orchestrator.operations.lessons.learn import OpenLesson, lesson_in
from orchestrator.operations.lifecycle import UpOptions, bring_up_in_run, remove_lab
from orchestrator.planning.lab_ref import LabRef

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AnyTask, WrongRun
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

ANSWER_SECONDS = 15.0  # for the lesson to say what came of an attempt
CAUSE_SECONDS = 60.0  # for an attempt that was seen to be explained
QUIET_SECONDS = 1.0  # in which nothing may be completed without an attempt
RUN_SECONDS = 30.0


@dataclass(frozen=True)
class ToldSentence:
    """What a wrong attempt at a task is told; `${NODE}` and `${NAME}` stand for what differs from lab to lab."""

    task: str
    attempt: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.task}\n  {self.attempt}\n  {self.sentence}\n"


@dataclass(frozen=True)
class ProofResult:
    """What did not hold, and the sentence of each wrong attempt, in the order of the lesson."""

    mistakes: tuple[str, ...]
    sentences: tuple[ToldSentence, ...]


@dataclass
class _Proof:
    """The messages of a lesson that is being proved, and what did not hold so far."""

    on_line: Callable[[str], None]
    messages: list[Message] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    sentences: list[ToldSentence] = field(default_factory=list)

    def tell(self, message: Message) -> None:
        self.messages.append(message)

    def expect(self, holds: bool, task: str, claim: str) -> None:
        """Note whether a claim holds, and say it."""
        self.on_line(f"{'holds' if holds else 'DOES NOT HOLD'}  {task}: {claim}")
        if not holds:
            self.mistakes.append(f"{task}: {claim}")


def prove_lesson(
    workspace: Workspace, scenario: LoadedScenario, seed: int, on_line: Callable[[str], None] = lambda _line: None
) -> ProofResult:
    """Go through the lesson in a lab of its own, which is removed again.

    `on_line` gets a line for each claim. Raises UsageInvalid where the scenario has no lesson, FileInvalid where it is
    wrong.
    """
    name = fresh_name(scenario, "lesson")
    proof = _Proof(on_line)
    progress = Progress(scenario.reading.scenario.name, seed)
    with workspace.guard() as run:
        try:
            bring_up_in_run(workspace, scenario, name, UpOptions(), run)
            again = partial(_up_again, workspace, name, run)
            with lesson_in(workspace, scenario, name, progress, proof.tell, lambda _progress: None, again) as lesson:
                _prove_tasks(proof, lesson)
        finally:
            remove_lab(workspace.without_watcher(), name, run)
    return ProofResult(tuple(proof.mistakes), tuple(proof.sentences))


def _up_again(workspace: Workspace, name: str, run: str, wanted: LoadedScenario) -> None:
    bring_up_in_run(workspace.without_watcher(), wanted, name, UpOptions(heal=True), run)


def _prove_tasks(proof: _Proof, lesson: OpenLesson) -> None:
    for task_name, task in lesson.run.text.lesson.tasks.items():
        if lesson.run.task_name != task_name:
            return  # its solution, or one before, did not hold
        _prove_task(proof, lesson, task_name, task)


def _prove_task(proof: _Proof, lesson: OpenLesson, name: str, task: AnyTask) -> None:
    if not isinstance(task, QuestionTask):
        _turn_until(lesson, lambda: False, QUIET_SECONDS)
        proof.expect(lesson.run.task_name == name, name, "is not done before anybody did something")
    if task.faults or task.edits or task is next(iter(lesson.run.text.lesson.tasks.values())):
        _prove_restore(proof, lesson, name, task)
    if isinstance(task, QuestionTask):
        _prove_question(proof, lesson, name)
        return
    for attempt in task.wrong:
        _prove_wrong(proof, lesson, name, attempt)
    carry_out(lesson, task.solve)
    _turn_until(lesson, lambda: lesson.run.task_name != name, ANSWER_SECONDS)
    done = [message.task for message in proof.messages if isinstance(message, TaskDone)]
    solution = solution_text(task, LabRef(lesson.run.lab.name))
    proof.expect(done[-1:] == [name], name, f"is completed by its solution, {solution!r}")
    proof.expect(
        done.count(name) == len(done[done.index(name) :]) if name in done else False, name, "completes no other"
    )


def _prove_restore(proof: _Proof, lesson: OpenLesson, name: str, task: AnyTask) -> None:
    """The lab is as at the beginning of the task after `restore`, whatever was done to it; here one more fault."""
    lab = lesson.run.lesson_lab
    node = lesson.run.text.lesson.shell[0]
    inject(lab.handle.made, Stop(stop=node))
    proof.expect(bool(lab.differences(task)), name, f"is another lab without {node}")
    lesson.turn("restore")
    differences = "; ".join(lab.differences(task))
    proof.expect(not differences, name, f"is restored{f' ({differences})' if differences else ''}")
    proof.expect(lesson.run.task_name == name, name, "is not done by restore")


def _prove_question(proof: _Proof, lesson: OpenLesson, name: str) -> None:
    """Every wrong choice is refused, and the right one completes the task."""
    question = lesson.run.question
    assert question is not None
    wrong = [choice for choice in question.choices if choice != question.right] or ["192.168.1.300", "70000", "x"]
    if question.in_order:
        wrong = [" ".join(reversed(question.right.split())), "1", "x"]
    for choice in wrong:
        lesson.turn(choice)
        proof.expect(lesson.run.task_name == name, name, f"refuses the answer {choice!r}")
    lesson.turn(question.right)
    proof.expect(lesson.run.task_name != name, name, f"takes the answer {question.right!r}")


def _prove_wrong(proof: _Proof, lesson: OpenLesson, name: str, attempt: WrongRun) -> None:
    """The attempt does not complete the task, and is told what it must be told."""
    known = len(proof.messages)

    def sentences() -> list[str]:
        return [message.sentence for message in proof.messages[known:] if isinstance(message, NotDone)]

    carry_out(lesson, attempt)
    _turn_until(lesson, lambda: any(attempt.told in sentence for sentence in sentences()), ANSWER_SECONDS)
    # On a busy machine a layer may have to be asked again. What is tried meanwhile may be taken for a probe, too.
    _turn_until(lesson, lambda: not lesson.run.owes_cause, CAUSE_SECONDS)
    line = " ".join(attempt.run)
    proof.expect(lesson.run.task_name == name, name, f"is not completed by {line!r}")
    sentences_told = "; ".join(sentences()) or "nothing"
    proof.expect(attempt.told in sentences_told, name, f"{line!r} is told {attempt.told!r} (told: {sentences_told})")
    matching = [sentence for sentence in sentences() if attempt.told in sentence]
    if isinstance(lesson.run.text.lesson.tasks[name], HoldsTask):
        matching.reverse()  # where a judgement takes long, what came of the attempt is told first, and then the cause
    sentence = next(iter(matching), "")
    values = placeholders_of(lesson)
    command = with_placeholders(f"{attempt.node}$ {line}", values)
    proof.sentences.append(ToldSentence(name, command, with_placeholders(sentence, values)))


def placeholders_of(lesson: OpenLesson) -> dict[str, str]:
    """What differs from lab to lab and from seed to seed -> what stands for it."""
    made = lesson.run.lab.made
    topology = made.topology(made.observe())
    # A value that is itself a placeholder, such as ${db}, stands for the address of that node.
    values = lesson.run.text.values.items()
    placeholders = {value: f"${{{name}}}" for name, value in values if not value.startswith("${")}
    for node in made.scenario.nodes:
        for number, address in enumerate(topology.addresses_of(node), 1):
            placeholders[str(address)] = f"${{{node}}}" if number == 1 else f"${{{node}.{number}}}"
    return placeholders


def with_placeholders(text: str, values: Mapping[str, str]) -> str:
    """Put its placeholder in the place of each value, the longest first, and one in the place of each random word."""
    for value, placeholder in sorted(values.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"(?<![\w.:-]){re.escape(value)}(?!\w|\.[0-9]|:[0-9a-f]{{0,4}}:)", placeholder, text)
    return re.sub(r"\bw[0-9a-f]{10}\b", "${random}", text)


def carry_out(lesson: OpenLesson, attempt: Attempt | Literal["heal", "edit"]) -> None:
    """Do what a learner would do."""
    if attempt == "edit":
        lesson.run.lesson_lab.undo_edits()
        return
    if not isinstance(attempt, Attempt):
        lesson.run.lab.heal()
        return
    node = lesson.run.lab.node(attempt.node)
    # `$@` is the program itself: it goes on when the shell has ended.
    in_background = ("sh", "-c", '"$@" > /dev/null 2>&1 &', "sh")
    node.run_unrecorded(*(in_background if attempt.background else ()), *attempt.run, seconds=RUN_SECONDS)


def _turn_until(lesson: OpenLesson, holds: Callable[[], bool], seconds: float) -> None:
    """Let the lesson go on until a condition holds, at most so many seconds."""
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until and lesson.run.task_name is not None:
        lesson.turn()
