"""`lesson.md` -> Lesson, or each mistake with its line and column."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.errors import FileInvalid
from orchestrator.lessons.reading import LessonText, read_lesson
from orchestrator.model.scenario import Scenario

LESSON = """---
title: DNS comes first
minutes: 10
shell: [client]
vars:
  item: {pick: [lamp, kettle, ladder]}
tasks:
  look:
    title: Ask for the address of the app, ${item}.
    observe: {from: client, resolves: app.shop.lab, to: app}
    solve: {from: client, run: [dig, app.shop.lab]}
  where:
    ask: address
    title: Which address is it?
    truth: {address_of: app}
    because: The zone says so.
---
Before the first, with ${item}.

::task{look}

Before the second.

::task{where}

The end.
"""


@pytest.fixture
def scenario() -> Scenario:
    nodes = {
        "dns": {"role": "dns"},
        "app": {"role": "app", "uses": []},
        "client": {"role": "client", "uses": ["app"]},
    }
    return Scenario.model_validate({"name": "shop", "title": "A shop", "domain": "shop.lab", "nodes": nodes})


def read(text: str, scenario: Scenario, seed: int = 1) -> LessonText:
    return read_lesson(text, file="lesson.md", scenario=scenario, seed=seed)


def test_a_task_needs_what_the_tasks_that_it_needs_do(scenario: Scenario) -> None:
    third = "  last: {ask: address, title: And now?, truth: {address_of: app}, because: So., needs: [where]}\n---\nBe"
    text = LESSON.replace("    ask: address\n", "    needs: [look]\n    ask: address\n").replace("---\nBe", third)
    lesson = read(text.replace("The end.", "::task{last}"), scenario).lesson
    assert [lesson.needed_by(name) for name in lesson.tasks] == [(), ("look",), ("look", "where")]


def test_a_lesson_has_its_tasks_in_order_and_the_text_before_each(scenario: Scenario) -> None:
    lesson = read(LESSON, scenario)
    item = lesson.values["item"]
    assert list(lesson.lesson.tasks) == ["look", "where"]
    assert lesson.before == {"look": f"Before the first, with {item}.", "where": "Before the second."}
    assert lesson.after == "The end."
    assert lesson.lesson.tasks["look"].title == f"Ask for the address of the app, {item}."


@pytest.mark.slow
def test_a_seed_gives_the_same_values_again_and_seeds_differ(scenario: Scenario) -> None:
    first = [read(LESSON, scenario, seed).values["item"] for seed in range(20)]
    assert first == [read(LESSON, scenario, seed).values["item"] for seed in range(20)]
    assert set(first) == {"lamp", "kettle", "ladder"}


Change = Callable[[str], str]
MISTAKES: dict[str, tuple[Change, str]] = {
    "no front matter": (
        lambda text: text.removeprefix("---\n"),
        "lesson.md:1:1: a lesson begins with a line '---', its front matter, and a second line '---'",
    ),
    "front matter without an end": (
        lambda text: text.replace("\n---\nBefore", "\nBefore"),
        "lesson.md:1:1: the front matter has no end; write a second line '---'",
    ),
    "a misspelled key": (
        lambda text: text.replace("minutes: 10", "minuts: 10"),
        "lesson.md:3:1: minuts: unknown key 'minuts'; did you mean 'minutes'?",
    ),
    "a node that is not there": (
        lambda text: text.replace("{from: client, run", "{from: clint, run"),
        "lesson.md:11:19: tasks.look.solve.from: there is no node 'clint'; did you mean 'client'?",
    ),
    "a task without a place": (
        lambda text: text.replace("::task{where}\n", ""),
        "lesson.md:18:1: the task 'where' has no place in the text; write ::task{where} once",
    ),
    "a place without a task": (
        lambda text: text.replace("::task{where}", "::task{were}"),
        "lesson.md:24:1: there is no task 'were'; did you mean 'where'? the tasks are look, where",
    ),
    "another order": (
        lambda text: text.replace("{look}", "{x}").replace("{where}", "{look}").replace("{x}", "{where}"),
        "lesson.md:18:1: the tasks stand in another order than in the front matter, which is look, where",
    ),
    "an unknown variable": (
        lambda text: text.replace("app, ${item}.", "app, ${itm}."),
        "lesson.md:9:12: tasks.look.title: there is no variable and no node 'itm'; they are app, client, dns, item, "
        "lab",
    ),
    "a task that is needed and does not stand before": (
        lambda text: text.replace("    ask: address\n", "    needs: [lock]\n    ask: address\n"),
        "lesson.md:13:13: tasks.where.needs[0]: no task 'lock' stands before this one; did you mean 'look'? before it "
        "stand look",
    ),
    "a first task that needs another": (
        lambda text: text.replace("  look:\n", "  look:\n    needs: [where]\n"),
        "lesson.md:9:13: tasks.look.needs[0]: no task 'where' stands before this one; it is the first one",
    ),
    "an earlier exchange by a node that is not there": (
        lambda text: text.replace("to: app}\n", "to: app}\n    after: {from: clint, resolves: db.shop.lab}\n"),
        "lesson.md:11:19: tasks.look.after.from: there is no node 'clint'; did you mean 'client'?",
    ),
    "a datagram that crosses a network": (
        lambda text: text.replace("resolves: app.shop.lab, to: app}\n", 'udp: "app.shop.lab:9000"}\n'),
        "lesson.md:10:34: tasks.look.observe.udp: a datagram is observed on loopback addresses alone, such as "
        "127.0.0.1:9000",
    ),
    "an earlier exchange of no kind": (
        lambda text: text.replace("to: app}\n", "to: app}\n    after: {from: client}\n"),
        "lesson.md:11:12: tasks.look.after: ",
    ),
    "a task of no kind": (
        lambda text: text.replace("    ask: address\n", ""),
        "lesson.md:13:5: tasks.where: it is not said what completes it; one of these keys is needed: "
        "observe, holds, ask",
    ),
    "the right answer is no choice": (
        lambda text: text.replace("ask: address", "ask: choices\n    choices: [one, two]").replace(
            "{address_of: app}", "{value: three, source: a book}"
        ),
        "tasks.where.truth.value: 'three' is none of the choices: one, two",
    ),
    "a choice that is a number": (
        lambda text: text.replace("ask: address", 'ask: choices\n    choices: ["1", "2"]').replace(
            "{address_of: app}", "{value: '2', source: a book}"
        ),
        "tasks.where.choices: a choice is no number, for the learner types the number of a choice; write it in words",
    ),
    "choices of a question that has its own": (
        lambda text: text.replace("ask: address", "ask: address\n    choices: [one, two]"),
        "tasks.where.choices: choices stand only with ask: choices",
    ),
    "a check that the scenario has not": (
        lambda text: text.replace("{address_of: app}", "{broken_layer: The moon}"),
        "tasks.where.truth.broken_layer: no check of shop has 'The moon' in its name",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake: str, scenario: Scenario) -> None:
    change, message = MISTAKES[mistake]
    with pytest.raises(FileInvalid) as caught:
        read(change(LESSON), scenario)
    problems = [str(problem) for problem in caught.value.problems]
    assert any(message in problem for problem in problems), problems
