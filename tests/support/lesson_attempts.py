"""What learners try at the tasks of a lesson beside what its author wrote down, and what the lesson answers.

A file of attempts has an entry for each, with an empty line between two: the task, what is typed, and the answer. What
is typed is `node$ command` in the shell of a node, `host$ command` in a terminal of the learner's machine, or `> words`
in the lesson itself, such as the answer to a question. The answer is `done` where the attempt completes the task, or
else the whole sentence that is told; where any of several may come first, such as those of equal servers, a line for
each. `${NODE}` stands for an address, `${lab}` for the name of the lab, `${file}` for its copy of the scenario file.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lab_bench import CHECKOUT, DEADLINE

from orchestrator.lessons.lesson import QuestionTask
from orchestrator.lessons.messages import Message, NotDone
from orchestrator.operations.lessons.learn import OpenLesson
from orchestrator.operations.lessons.proof import carry_out, placeholders_of, with_placeholders

DONE = "done"
HOST, LESSON = "host$", ">"
ENTRY = re.compile(r"(?P<task>\S+)\n  (?P<prompt>[a-z0-9-]+\$|>) (?P<line>.+)\n(?P<told>(?:  .+\n)+)")
# Longer than a lesson waits for what may follow, or for an answer that does not come.
QUIET_SECONDS = 2.0
# For the first sentence, also where other tests take the processors; no test measures time.
PATIENT_SECONDS = 20.0
RUN_SECONDS = 20.0
# The checkout's own wirelab, whether or not one is installed.
WIRELAB = f'wirelab() {{ {sys.executable} -m orchestrator "$@"; }}; '
# Said of an exchange that is not over; on a busy machine also of one that is answered later.
SO_FAR = " so far. Expected: "
# Said of a first attempt at a repair whose check takes long; the cause follows.
NOT_YET = ". It is not known yet whether this check holds: "


@dataclass(frozen=True)
class Tried:
    """A line that is typed behind a prompt, and what may be answered."""

    task: str
    prompt: str
    line: str
    told: tuple[str, ...]
    seconds: float = 0.0

    def __str__(self) -> str:
        return "\n  ".join((self.task, f"{self.prompt} {self.line}", *self.told)) + "\n"


def read_attempts(text: str) -> list[Tried]:
    """The entries of a file, which must be entries to its end."""
    entries = text.removesuffix("\n").split("\n\n")
    matches = [ENTRY.fullmatch(f"{entry}\n") for entry in entries]
    assert all(matches), f"no attempt: {entries[matches.index(None)]!r}"
    return [
        Tried(match["task"], match["prompt"], match["line"], tuple(line.strip() for line in match["told"].splitlines()))
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
    values = {
        **placeholders_of(lesson),
        lesson.run.lab.name: "${lab}",
        str(lesson.run.lesson_lab.copy): "${file}",
    }
    line = attempt.line
    for value, placeholder in values.items():
        line = line.replace(placeholder, value)
    known, began = len(messages), time.monotonic()

    def told() -> list[str]:
        answers = [message for message in messages[known:] if isinstance(message, NotDone)]
        cause_follows = any(NOT_YET in answer.sentence for answer in answers)
        said = [answer.sentence for answer in answers if cause_follows or not answer.is_cause]
        return [with_placeholders(sentence, values) for sentence in said]

    if attempt.prompt == LESSON:
        lesson.turn(line)
        first = 0.0
    else:
        first = _run(lesson, messages, attempt, line, told)
    done = (DONE,) if lesson.run.task_name != attempt.task else ()
    return replace(attempt, told=(*done, *told()), seconds=(first or time.monotonic()) - began)


def _run(
    lesson: OpenLesson, messages: Sequence[Message], attempt: Tried, line: str, told: Callable[[], list[str]]
) -> float:
    """Run a line, and let the lesson go on until it has said all; when it told something first, 0 for nothing."""
    program = threading.Thread(target=_program(lesson, attempt.prompt, line))
    program.start()
    quiet_since, first = time.monotonic(), 0.0
    while lesson.run.task_name == attempt.task:
        if time.monotonic() >= quiet_since + (QUIET_SECONDS if first else PATIENT_SECONDS):
            break
        count = len(messages)
        lesson.turn()
        if not first and told():
            first = time.monotonic()
        if program.is_alive() or lesson.run.owes_cause or len(messages) != count:
            quiet_since = time.monotonic()
    while program.is_alive():
        lesson.turn()
    return first


def _program(lesson: OpenLesson, prompt: str, line: str) -> Callable[[], object]:
    """What runs the line, to its end."""
    if prompt == HOST:
        argv = ("bash", "-c", f"{WIRELAB}{line}")
        return partial(subprocess.run, argv, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    name = prompt.removesuffix("$")
    node = lesson.run.lab.node(name)
    # A learner works in the shells of the lesson, and in other nodes by commands, which the journal tells of.
    run = node.run_unrecorded if name in lesson.run.text.lesson.shell else node.run
    return partial(run, "bash", "-c", line, seconds=RUN_SECONDS)


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
    first = [sentence for sentence in told if sentence in wanted or not (SO_FAR in sentence or NOT_YET in sentence)]
    return bool(first) and first[0] in wanted
