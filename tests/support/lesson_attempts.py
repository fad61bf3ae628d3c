"""What learners try at the tasks of a lesson beside what its author wrote down, and what the lesson answers.

A file of attempts has an entry for each, with an empty line between two: the task, `node$ command` as typed in a
shell, and the answer. The answer is `done` where the attempt completes the task, or else the whole sentence that is
told; where any of equal servers may answer, a line for each. `${NODE}` stands for an address.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab_bench import DEADLINE

from orchestrator.lessons.lesson import QuestionTask
from orchestrator.lessons.messages import Message, NotDone
from orchestrator.operations.lessons.learn import OpenLesson
from orchestrator.operations.lessons.proof import carry_out, placeholders_of, with_placeholders

DONE = "done"
ENTRY = re.compile(r"(?P<task>\S+)\n  (?P<node>[a-z0-9-]+)\$ (?P<line>.+)\n(?P<told>(?:  .+\n)+)")
# Longer than a lesson waits for what may follow, or for an answer that does not come.
QUIET_SECONDS = 2.0
RUN_SECONDS = 20.0
# Said of an exchange that is not over; on a busy machine also of one that is answered later.
SO_FAR = " so far. Expected: "


@dataclass(frozen=True)
class Tried:
    """A line that is typed in the shell of a node, and what may be answered."""

    task: str
    node: str
    line: str
    told: tuple[str, ...]
    seconds: float = 0.0

    def __str__(self) -> str:
        return "\n  ".join((self.task, f"{self.node}$ {self.line}", *self.told)) + "\n"


def read_attempts(text: str) -> list[Tried]:
    """The entries of a file, which must be entries to its end."""
    entries = text.removesuffix("\n").split("\n\n")
    matches = [ENTRY.fullmatch(f"{entry}\n") for entry in entries]
    assert all(matches), f"no attempt: {entries[matches.index(None)]!r}"
    return [
        Tried(match["task"], match["node"], match["line"], tuple(line.strip() for line in match["told"].splitlines()))
        for match in matches
        if match
    ]


def try_all(lesson: OpenLesson, messages: Sequence[Message], attempts: Sequence[Tried]) -> Iterator[Tried]:
    """Carry out one attempt after the other, each in its task; what each is told, the first sentence first."""
    for attempt in attempts:
        _go_to(lesson, attempt.task)
        yield _try(lesson, messages, attempt)


def _go_to(lesson: OpenLesson, task: str) -> None:
    """Begin the task, or one that it needs, and do what is needed."""
    run, until = lesson.run, time.monotonic() + DEADLINE
    if run.task_name != task:
        lesson.turn(f"restore {task}")
    while (name := run.task_name) != task:
        assert name is not None
        assert time.monotonic() < until, f"{name} is not done"
        needed = run.text.lesson.tasks[name]
        if isinstance(needed, QuestionTask):
            assert run.question
            lesson.turn(run.question.right)
        else:
            carry_out(lesson, needed.solve)
            while run.task_name == name and time.monotonic() < until:
                lesson.turn()


def _try(lesson: OpenLesson, messages: Sequence[Message], attempt: Tried) -> Tried:
    values = placeholders_of(lesson)
    line = attempt.line
    for value, placeholder in values.items():
        line = line.replace(placeholder, value)
    known, began, first = len(messages), time.monotonic(), 0.0
    node = lesson.run.lab.node(attempt.node)
    # A learner works in the shells of the lesson, and in other nodes by commands, which the journal tells of.
    run = node.run_unrecorded if attempt.node in lesson.run.text.lesson.shell else node.run
    program = threading.Thread(target=run, args=("bash", "-c", line), kwargs={"seconds": RUN_SECONDS})
    program.start()

    def told() -> list[str]:
        said = [
            message.sentence for message in messages[known:] if isinstance(message, NotDone) and not message.is_cause
        ]
        return [with_placeholders(sentence, values) for sentence in said]

    quiet_since = began
    while lesson.run.task_name == attempt.task and time.monotonic() < quiet_since + QUIET_SECONDS:
        count = len(messages)
        lesson.turn()
        if not first and told():
            first = time.monotonic() - began
        if program.is_alive() or lesson.run.owes_cause or len(messages) != count:
            quiet_since = time.monotonic()
    done = (DONE,) if lesson.run.task_name != attempt.task else ()
    first = first or time.monotonic() - began
    while program.is_alive():
        lesson.turn()
    return replace(attempt, told=(*done, *told()), seconds=first)


def mistakes(attempts: Sequence[Tried], came: Sequence[Tried]) -> list[str]:
    """Where the answer is another one: the task is completed, or not, or the sentence differs, or nothing is said."""
    return [
        f"{got}instead of {' or '.join(wanted.told)!r}"
        for wanted, got in zip(attempts, came, strict=True)
        if not _is_right(wanted.told, got.told)
    ]


def _is_right(wanted: Sequence[str], told: Sequence[str]) -> bool:
    if wanted[0] == DONE or DONE in told:
        return wanted[0] == DONE and told[:1] == (DONE,)
    first = [sentence for sentence in told if sentence in wanted or SO_FAR not in sentence]
    return bool(first) and first[0] in wanted
