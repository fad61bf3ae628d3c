"""How far a learner is: a frozen value that can be written as JSON and read again.

A learner is named by a seat; one person at a laptop is the seat "". The seed, and so the values of the variables, stays
the same until the lesson is begun anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class TaskProgress:
    """One task: whether it is begun and done, and how many attempts, hints and shown solutions it took.

    A task is skipped where the learner went on to a later one without it. It is marked where a teacher said that it is
    done. `evidence` is what completed it (lessons/evidence.py); times are seconds since 1970.
    """

    done: bool = False
    attempts: int = 0
    hints: int = 0
    solution_shown: bool = False
    begun: bool = False
    skipped: bool = False
    marked: bool = False
    begun_at: float | None = None
    done_at: float | None = None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Progress:
    """All tasks of one lesson for one learner; a task that is not in `tasks` was not begun.

    `questions` are those that were drawn from the lab, by the names of their tasks (lessons/kept_questions.py).
    """

    lesson: str
    seed: int
    seat: str = ""
    tasks: Mapping[str, TaskProgress] = field(default_factory=dict)
    questions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def task(self, name: str) -> TaskProgress:
        return self.tasks.get(name, TaskProgress())

    def with_task(self, name: str, task: TaskProgress) -> Progress:
        return replace(self, tasks={**self.tasks, name: task})

    def with_question(self, name: str, question: Mapping[str, Any]) -> Progress:
        """The same with the question of a task, as JSON."""
        return replace(self, questions={**self.questions, name: question})

    def reset(self) -> Progress:
        """The same learner, with the same seed, at the very beginning."""
        return replace(self, tasks={}, questions={})

    def begun_at(self, name: str, time: float) -> Progress:
        """The same with a task begun at this time."""
        return self.with_task(name, replace(self.task(name), begun=True, begun_at=time))

    def completed_at(
        self, name: str, time: float, nodes: Mapping[str, str], hosts: Mapping[str, Sequence[str]]
    ) -> Progress:
        """The same with the time at which a task was completed, and the addresses of nodes and hosts at that time."""
        task = self.task(name)
        addresses = {host: list(known) for host, known in hosts.items()}
        evidence = task.evidence and {**task.evidence, "nodes": dict(nodes), "hosts": addresses}
        return self.with_task(name, replace(task, done_at=time, evidence=evidence))

    def with_packets(self, name: str, done_at: float | None, packets: Mapping[str, Any]) -> Progress:
        """The same with the packets of the task that was completed then; they belong to no later attempt at it."""
        task = self.task(name)
        if not task.done or task.evidence is None or task.done_at != done_at:
            return self
        return self.with_task(name, replace(task, evidence={**task.evidence, "packets": dict(packets)}))

    def current(self, names: Sequence[str]) -> str | None:
        """The first of these tasks that is neither done nor skipped; None where there is none."""
        return next((name for name in names if not (self.task(name).done or self.task(name).skipped)), None)

    def at(self, name: str, names: Sequence[str], needed: Collection[str] = ()) -> Progress:
        """The same learner at the beginning of a task: what is left before it is skipped, what follows is open.

        Of the tasks before it, those that it needs are not skipped. Questions are kept of the tasks before it alone.
        """
        before = names[: names.index(name)]
        kept = {
            task: replace(self.task(task), skipped=not self.task(task).done and task not in needed) for task in before
        }
        return replace(
            self, tasks=kept, questions={task: self.questions[task] for task in before if task in self.questions}
        )

    def done_count(self, names: Sequence[str]) -> int:
        return sum(self.task(name).done for name in names)

    def document(self) -> dict[str, Any]:
        tasks = {name: asdict(task) for name, task in self.tasks.items()}
        questions = {name: dict(question) for name, question in self.questions.items()}
        return {
            "schema": SCHEMA,
            "lesson": self.lesson,
            "seed": self.seed,
            "seat": self.seat,
            "tasks": tasks,
            "questions": questions,
        }


def progress_of(document: Any) -> Progress | None:
    """The progress that a document holds; None where it is none, or of a later version."""
    try:
        if document["schema"] != SCHEMA:
            return None
        tasks = {str(name): TaskProgress(**task) for name, task in document["tasks"].items()}
        questions = {str(name): dict(question) for name, question in document.get("questions", {}).items()}
        return Progress(str(document["lesson"]), int(document["seed"]), str(document["seat"]), tasks, questions)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
