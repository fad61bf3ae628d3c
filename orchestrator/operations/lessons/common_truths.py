"""The right answers that new labs of one scenario have in common, so that only the first of them has to show each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.lessons.lesson import AddressOf
from orchestrator.model.values import is_address
from orchestrator.planning.plan import MakeNode

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AskTask
    from orchestrator.model.scenario import Scenario
    from orchestrator.planning.plan import Plan


class CommonTruths:
    """The right answers of questions, as new labs have shown them; safe to use from several threads.

    Nobody has worked in a lab that is new. So no learner can change the answer of another one's question.
    """

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}

    def get(self, task: AskTask) -> str | None:
        """The answer that another lab has shown; None where none has."""
        return self._answers.get(_key(task))

    def keep(self, task: AskTask, answer: str) -> None:
        """Take the answer of a new lab. An address is its own, and is not kept."""
        if not isinstance(task.truth, AddressOf) and not is_address(answer):
            self._answers[_key(task)] = answer


def _key(task: AskTask) -> str:
    """What differs where the seeds of two seats give the question other values, or another fault."""
    return json.dumps(task.as_written(), sort_keys=True, default=str)


def makes_all(plan: Plan, scenario: Scenario) -> bool:
    """Whether this plan makes each node of a lab: then all of the lab is new."""
    made = {step.action.node for step in plan.steps if isinstance(step.action, MakeNode)}
    return made >= set(scenario.nodes)
