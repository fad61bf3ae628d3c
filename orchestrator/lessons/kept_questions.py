"""A question as it is kept with the progress, so that it stays the same when the learner comes back.

A lab may show something else the next time: a connection that is still open from an earlier request is not opened
again. So a question is drawn from the lab once. Of the right answer a digest is kept, salted with what the question was
drawn from: it is found again by trying the possible answers, and is not read by who opens the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from orchestrator.lessons.lesson import AddressOf, AskTask, Fact, QuestionTask
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.questions import Question, choices_of
from orchestrator.model.topology import Topology


def basis_of(task: QuestionTask, topology: Topology, seed: int) -> str:
    """What a question is drawn from, as a hash: what the lesson asks, the seed, and what it takes from the topology.

    The hash changes if the lesson is edited, or if the lab is made anew with other addresses that the question names.
    """
    written = task.as_written()
    parts: list[Any] = [seed, task.title, written.get("ask"), written.get("truth"), written.get("predict")]
    if isinstance(task, AskTask):
        parts.append(choices_of(task, topology))
        if isinstance(task.truth, AddressOf):
            parts.append(list(map(str, topology.addresses(task.truth.address_of))))
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def with_question(progress: Progress, name: str, question: Question, basis: str) -> Progress:
    """The progress with the question of a task. Who opens the file does not read the right answer in it."""
    document = {
        "basis": basis,
        "choices": list(question.choices),
        "right": [_digest(basis, place, part) for place, part in enumerate(_parts(question))],
        "in_order": question.in_order,
    }
    return progress.with_question(name, document)


def _parts(question: Question) -> tuple[str, ...]:
    """The right answer: the steps in their order, or one text."""
    if question.in_order:
        return tuple(question.choices[int(number) - 1] for number in question.right.split())
    return (question.right,)


def _digest(basis: str, place: int, part: str) -> str:
    return sha256(f"{basis} {place} {part}".encode()).hexdigest()[:16]


def kept_question(progress: Progress, name: str, basis: str, answers: Iterable[str] = ()) -> Question | None:
    """The question of a task that was kept; None where there is none, or it was drawn from something else.

    `answers` are those that can be right where the answer is typed.
    """
    document = progress.questions.get(name)
    return _question(document, basis, answers) if document and document.get("basis") == basis else None


def _question(document: Mapping[str, Any], basis: str, answers: Iterable[str]) -> Question | None:
    """The question, with the right answer: the one whose digest was kept."""
    match document:
        case {"choices": [*choices], "right": [*digests], "in_order": bool(in_order)}:
            texts = tuple(map(str, choices))
            known = texts or tuple(answers)
            right = [_with_digest(known, basis, place, digest) for place, digest in enumerate(digests)]
            if right and None not in right and (in_order or len(right) == 1):
                parts = [str(known.index(part) + 1) if in_order else part for part in right if part is not None]
                return Question(texts, " ".join(parts), in_order)
    return None


def _with_digest(texts: Iterable[str], basis: str, place: int, digest: Any) -> str | None:
    return next((text for text in texts if _digest(basis, place, text) == digest), None)


def typed_answers(task: QuestionTask, topology: Topology) -> tuple[str, ...]:
    """What can be right where the answer is typed: a fact, or an address."""
    truth = task.truth if isinstance(task, AskTask) else None
    if isinstance(truth, AddressOf):
        return tuple(map(str, topology.addresses_of(truth.address_of)))
    return (truth.value,) if isinstance(truth, Fact) else ()
