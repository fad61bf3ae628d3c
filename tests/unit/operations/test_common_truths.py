"""New labs of a class share the right answers of questions; a lab in which somebody may have worked shares none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from observed_labs import BASIC, nothing, planned, standing

from orchestrator.lessons.lesson import AskTask
from orchestrator.operations.lessons.common_truths import CommonTruths, makes_all
from orchestrator.operations.lessons.truth import ask_lab

TOPOLOGY, PLAN = planned(BASIC, nothing())


def asks(truth: dict[str, Any], title: str = "Which layer?", ask: str = "layers") -> AskTask:
    return AskTask.model_validate({"ask": ask, "title": title, "truth": truth, "because": "So it is."})


class BrokenLab:
    """A lab in which a layer is broken; counts how often it was asked."""

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.count = 0

    def check(self, _name: str) -> list[Any]:
        self.count += 1
        return [SimpleNamespace(why=SimpleNamespace(broken=SimpleNamespace(title=self.layer)))]


def answer(lab: Any, task: AskTask, truths: CommonTruths | None) -> str:
    return ask_lab(lab, TOPOLOGY, task, 7, truths=truths).right


def test_the_second_new_lab_is_not_asked() -> None:
    first, second, truths = BrokenLab("DNS answer"), BrokenLab("DNS answer"), CommonTruths()
    task = asks({"broken_layer": "A check"})
    assert [answer(lab, task, truths) for lab in (first, second)] == ["DNS answer"] * 2
    assert (first.count, second.count) == (1, 0)


def test_a_lab_that_is_not_new_is_asked_and_changes_no_answer_of_another_one() -> None:
    truths, task = CommonTruths(), asks({"broken_layer": "A check"})
    assert answer(BrokenLab("TCP connect"), task, None) == "TCP connect"
    assert truths.get(task) is None
    assert answer(BrokenLab("DNS answer"), task, truths) == "DNS answer"


def test_another_question_is_asked_anew() -> None:
    """As one whose values another seed has chosen."""
    truths = CommonTruths()
    answer(BrokenLab("DNS answer"), asks({"broken_layer": "A check"}), truths)
    other = BrokenLab("TCP connect")
    assert answer(other, asks({"broken_layer": "Another check"}), truths) == "TCP connect"
    assert other.count == 1


@pytest.mark.parametrize("address", ["10.77.0.3", "fd00::3"])
def test_an_address_is_each_labs_own(address: str) -> None:
    truths, of_node = CommonTruths(), asks({"address_of": "app"}, ask="address")
    truths.keep(of_node, "app")
    broken = asks({"broken_layer": "A check"})
    truths.keep(broken, address)
    assert (truths.get(of_node), truths.get(broken)) == (None, None)


def test_a_plan_that_makes_each_node_makes_a_new_lab() -> None:
    assert makes_all(PLAN, TOPOLOGY.scenario)
    assert not makes_all(planned(BASIC, standing(BASIC))[1], TOPOLOGY.scenario)
