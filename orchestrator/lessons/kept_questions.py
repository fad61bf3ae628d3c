"""A question as it is kept with the progress, so that it stays the same when the learner comes back.

A lab may show something else the next time: a connection that is still open from an earlier request is not opened
again. So a question is drawn from the lab once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from orchestrator.lessons.lesson import AddressOf, AskTask, QuestionTask
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
    """The progress with the question of a task."""
    document = {
        "basis": basis,
        "choices": list(question.choices),
        "right": question.right,
        "in_order": question.in_order,
    }
    return progress.with_question(name, document)


def kept_question(progress: Progress, name: str, basis: str) -> Question | None:
    """The question of a task that was kept; None where there is none, or it was drawn from something else."""
    document = progress.questions.get(name)
    return _question(document) if document and document.get("basis") == basis else None


def _question(document: Mapping[str, Any]) -> Question | None:
    match document:
        case {"choices": [*choices], "right": str(right), "in_order": bool(in_order)}:
            return Question(tuple(map(str, choices)), right, in_order)
    return None
