"""Two hundred seeds give lessons of the same difficulty: values and orders differ, what is broken does not."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from doc_pages import ROOT

from orchestrator.lessons.lesson import AskTask, HoldsTask, Lesson, ObserveTask, PredictTask
from orchestrator.lessons.questions import NUMBERS, order_question, shown_order
from orchestrator.lessons.reading import LessonText
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.scenario import Scenario
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.scenario_library import load_scenario

SEEDS = range(200)
TARGET = re.compile(r"\$\{([a-z0-9-]+)\}")
LESSONS = sorted(file.parent.name for file in (ROOT / "scenarios").glob("*/lesson.md"))
NODES = """
name: shop
title: Shop
domain: shop.lab
nodes:
  dns: {role: dns}
  app-1: {role: app}
  app-2: {role: app}
  client: {role: client, uses: [app-1, app-2]}
"""
REPAIR = """---
title: Repair
minutes: 5
shell: [client]
vars:
  astray: {pick: [PICK]}
tasks:
  repair:
    title: Something is broken.
    fault: {record: {server: dns, name: app-1.shop.lab, value: "${astray}"}}
    holds: {name: It answers, from: client, http: "http://app-1.shop.lab/whoami"}
    solve: heal
---
::task{repair}
"""


def shape(lesson: Lesson, scenario: Scenario) -> str:
    """What of a lesson makes it hard: its tasks, and what is broken in each, with roles in the place of nodes.

    A fault of the same kind at a node of the same role lies as many layers away from who looks for it.
    """
    tasks = [
        (
            name,
            type(task).__name__,
            len(task.hints),
            [words_of(fault, scenario) for fault in task.faults],
            repr(task.setup),
            observed(task),
        )
        for name, task in lesson.tasks.items()
    ]
    return json.dumps(tasks)


def words_of(fault: BaseFault, scenario: Scenario) -> list[str]:
    """A fault with what matters of its nodes: the role, or of the target of a name whether it serves HTTP there."""
    return [
        f"<a machine, HTTP: {serves_http(scenario, target[1])}>"
        if (target := TARGET.fullmatch(word))
        else f"<{scenario.nodes[word].role}>"
        if word in scenario.nodes
        else word
        for word in fault.words
    ]


def serves_http(scenario: Scenario, node: str) -> bool:
    listeners = scenario.roles[node].listeners_of(scenario.nodes[node])
    return any(listener.port == 80 for listener in listeners)


def observed(task: object) -> str:
    """The kind of what completes a task."""
    match task:
        case ObserveTask():
            return type(task.observe).__name__
        case HoldsTask():
            return type(task.holds).__name__
    return ""


def lessons(name: str) -> tuple[list[LessonText], Scenario]:
    """The lesson for each seed; one without variables is the same for all."""
    scenario = load_scenario(name)
    first = load_lesson(scenario, 0)
    seeds = SEEDS if first.lesson.vars else SEEDS[:1]
    return [load_lesson(scenario, seed) for seed in seeds], scenario.reading.scenario


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_each_seed_gives_a_lesson_of_the_same_difficulty(name: str) -> None:
    texts, scenario = lessons(name)
    assert len({shape(text.lesson, scenario) for text in texts}) == 1
    for variable, declared in texts[0].lesson.vars.items():
        assert {text.values[variable] for text in texts} == set(declared.pick)


@pytest.mark.parametrize(("pick", "shapes"), [('"${client}", "${dns}"', 1), ('"${app-2}", "${dns}"', 2)])
def test_a_name_that_leads_to_a_machine_of_another_kind_is_noticed(tmp_path: Path, pick: str, shapes: int) -> None:
    (tmp_path / "scenario.yaml").write_text(NODES, "utf-8")
    (tmp_path / "lesson.md").write_text(REPAIR.replace("PICK", pick), "utf-8")
    scenario = load_scenario(str(tmp_path))
    texts = [load_lesson(scenario, seed) for seed in SEEDS[:20]]
    assert len({shape(text.lesson, scenario.reading.scenario) for text in texts}) == shapes


@pytest.mark.parametrize("name", LESSONS)
def test_a_number_that_is_copied_from_another_seat_is_wrong_in_most_seats(name: str) -> None:
    """The choices of a question, and the steps of an order, stand elsewhere for each seed.

    Of n choices, one seat in n has the right one at the same place; of n steps, one in n! has all at the same places.
    Choices that are numbers stand in their order.
    """
    for task in load_lesson(load_scenario(name), 0).lesson.tasks.values():
        if isinstance(task, PredictTask):
            steps = [f"step {number}" for number in range(6)]
            rights = Counter(order_question(task, steps, seed).right for seed in SEEDS)
            assert max(rights.values()) <= 5, task.title
        elif isinstance(task, AskTask) and task.choices and not set(task.choices) <= set(NUMBERS):
            places = Counter(shown_order(task.choices, seed, task.title).index(task.choices[0]) for seed in SEEDS)
            assert max(places.values()) <= len(SEEDS) * 1.5 / len(task.choices), task.title
