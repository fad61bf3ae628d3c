"""What an attempt, an answer or a request for help does to the progress of a task, and what the learner is told."""

from __future__ import annotations

from dataclasses import replace
from shlex import join

from orchestrator.checks.findings import Finding
from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.comparison import Comparison, Matched
from orchestrator.lessons.evidence import Evidence, answer_evidence, check_evidence, exchange_evidence, socket_evidence
from orchestrator.lessons.lesson import AskTask, BaseTask, DoneTask, Lesson, ObserveTask, QuestionTask, Run
from orchestrator.lessons.messages import HintShown, LessonDone, Message, NotDone, Note, SolutionShown, TaskDone
from orchestrator.lessons.observations import ListensObservation
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.questions import Question, order_mistake, wrong_because
from orchestrator.planning.lab_ref import LabRef
from orchestrator.traffic.exchanges.events import CompletedEvent, start_time

Reaction = tuple[Progress, Message | None]


def react_to_exchange(
    progress: Progress,
    name: str,
    task: ObserveTask,
    event: CompletedEvent,
    comparison: Comparison,
    earlier: float | None = None,
) -> Reaction:
    """Complete the task if this is what it wants; say what differs if it is an attempt at it.

    `comparison` is that of the event with what the task wants. `earlier` is when what it wants to see first was over;
    None where it was not seen.
    """
    if comparison is None:
        return progress, None
    if isinstance(comparison, Matched) and task.after and (earlier is None or start_time(event) < earlier):
        expected = f"first {task.after.wanted}, then {task.observe.wanted}"
        return attempted(progress, name, f"{comparison.seen}. Expected: {expected}.")
    if isinstance(comparison, Matched):
        return completed(progress, name, comparison.seen, exchange_evidence(event, earlier))
    return attempted(progress, name, comparison.sentence)


def react_to_socket(progress: Progress, name: str, observation: ListensObservation, socket: BoundSocket) -> Reaction:
    """Complete the task if a program listens as it wants; say what differs otherwise."""
    comparison = observation.compare_socket(observation.client, socket)
    if isinstance(comparison, Matched):
        return completed(progress, name, comparison.seen, socket_evidence(socket))
    return attempted(progress, name, comparison.sentence)


def react_to_pass(progress: Progress, name: str, finding: Finding) -> Reaction:
    """Complete the task, whose check holds: what it says holds, and the evidence."""
    seen = finding.judgement.actual
    return completed(progress, name, f"{finding.check}: {seen}", check_evidence(seen))


def react_to_answer(progress: Progress, name: str, task: QuestionTask, question: Question, answer: str) -> Reaction:
    """Complete the task if the answer is right; say why it is not otherwise."""
    reason = wrong_because(task, question, answer) if isinstance(task, AskTask) else order_mistake(question, answer)
    if reason:
        return attempted(progress, name, reason)
    return completed(progress, name, task.because, answer_evidence(question, answer))


def completed(progress: Progress, name: str, because: str, evidence: Evidence | None = None) -> Reaction:
    """The task is done; what completes it is an attempt, too."""
    task = replace(progress.task(name), done=True, evidence=evidence)
    return progress.with_task(name, replace(task, attempts=task.attempts + 1)), TaskDone(name, because)


def attempted(progress: Progress, name: str, sentence: str, layer: str = "") -> Reaction:
    """An attempt that did not complete the task."""
    task = progress.task(name)
    return progress.with_task(name, replace(task, attempts=task.attempts + 1)), NotDone(sentence, layer)


def not_done(finding: Finding) -> NotDone:
    """What is told of a check that does not hold: the cause and the broken layer, where the walk has found them."""
    if finding.why is None:
        return NotDone(finding.judgement.actual)
    if finding.why.broken is None:
        actual = finding.judgement.actual.rstrip(".")
        return NotDone(f"This check does not hold: {finding.check}. Seen: {actual}.")
    return NotDone(finding.why.sentence, finding.why.broken.title)


def sees_no_broken_layer(finding: Finding) -> bool:
    """Whether each layer of a check that does not hold held when it was asked, or could not be asked."""
    return finding.why is not None and finding.why.broken is None


def without_attempt(progress: Progress, name: str) -> Progress:
    """The progress without an attempt that was counted before it was over."""
    task = progress.task(name)
    return progress.with_task(name, replace(task, attempts=max(0, task.attempts - 1)))


def show_hint(progress: Progress, name: str, task: BaseTask) -> Reaction:
    """The next hint, each time one more; the last one again after that."""
    if not task.hints:
        return progress, Note("This task has no hint.")
    so_far = progress.task(name)
    number = min(so_far.hints + 1, len(task.hints))
    return progress.with_task(name, replace(so_far, hints=number)), HintShown(
        number, len(task.hints), task.hints[number - 1]
    )


def show_solution(progress: Progress, name: str, task: BaseTask, lab: LabRef, right_answer: str = "") -> Reaction:
    """What completes the task in this lab. It stays open, and that the solution was shown is kept."""
    shown = replace(progress.task(name), solution_shown=True)
    return progress.with_task(name, shown), SolutionShown(solution_text(task, lab, right_answer))


def solution_text(task: BaseTask, lab: LabRef, right_answer: str = "") -> str:
    """The solution as a learner types it, quoted as a shell needs it."""
    if not isinstance(task, DoneTask):
        return right_answer
    if isinstance(task.solve, Run):
        return f"{task.solve.node}$ {join(task.solve.run)}"
    if task.solve == "heal":
        return lab.command("heal")
    changes = "; ".join(f"in place of {edit.by.strip()!r} write {edit.replace.strip()!r}" for edit in task.edits)
    return f"in the lab's own copy of the scenario file, {changes}; then: {lab.command('up')}"


def lesson_done(progress: Progress, lesson: Lesson, text: str) -> LessonDone:
    """How the lesson went."""
    tasks = [progress.task(name) for name in lesson.tasks]
    return LessonDone(
        sum(task.done for task in tasks),
        len(tasks),
        sum(task.attempts for task in tasks),
        sum(task.hints for task in tasks),
        sum(task.solution_shown for task in tasks),
        text,
    )
