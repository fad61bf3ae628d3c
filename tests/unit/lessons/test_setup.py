"""What a task changes in the lab's own copy of the file, what a learner may do, and how mistakes in both are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.errors import FileInvalid
from orchestrator.lessons.lesson import HoldsTask, Run
from orchestrator.lessons.reactions import solution_text
from orchestrator.lessons.reading import LessonText, read_lesson
from orchestrator.lessons.setup import Allow, Edit, edit_mistakes, edited, permission_texts
from orchestrator.lessons.task_rules import ScenarioSource
from orchestrator.planning.lab_ref import LabRef
from orchestrator.reading.scenario import read_scenario

SCENARIO = """\
name: shop
title: A shop
domain: shop.lab
nodes:
  dns: {role: dns}
  web:
    role: service
    command: [python3, -m, http.server, "8080", --bind, 0.0.0.0]
    listens: [{port: 8080}]
  client: {role: client, uses: [web]}
"""
LESSON = """---
title: Repair
minutes: 10
shell: [client]
tasks:
  repair:
    title: Repair it.
    setup:
      edits: [{replace: "--bind, 0.0.0.0", by: "--bind, 127.0.0.1"}]
    allow: {do: [edit], shell: [web]}
    holds: {name: It answers, from: client, http: "http://web.shop.lab:8080/"}
    solve: edit
---
::task{repair}
"""


def read(text: str) -> LessonText:
    scenario = read_scenario(SCENARIO, file="scenario.yaml", read_companion=lambda _name: None).scenario
    source = ScenarioSource(SCENARIO, lambda _name: None)
    return read_lesson(text, file="lesson.md", scenario=scenario, source=source)


def repair(text: str = LESSON) -> HoldsTask:
    task = read(text).lesson.tasks["repair"]
    assert isinstance(task, HoldsTask)
    return task


def test_an_edit_changes_one_place_and_the_solution_undoes_it() -> None:
    task = repair()
    changed = edited(SCENARIO, task.edits)
    assert changed == SCENARIO.replace("0.0.0.0", "127.0.0.1")
    assert task.uses_copy
    assert solution_text(task, LabRef("shop")) == (
        "in the lab's own copy of the scenario file, in place of '--bind, 127.0.0.1' write '--bind, 0.0.0.0'; "
        "then: wirelab up shop"
    )


def test_a_solution_can_be_copied_into_a_shell_as_it_stands() -> None:
    """Words with blanks or quotes keep them, and a lab with a name of its own is the one that is healed."""
    task = repair()
    run = Run(node="client", run=("curl", "--json", '{"a": 1}', "http://web/"))
    assert solution_text(task.model_copy(update={"solve": run}), LabRef("shop")) == (
        """client$ curl --json '{"a": 1}' http://web/"""
    )
    assert solution_text(task.model_copy(update={"solve": "heal"}), LabRef("mine")) == "wirelab heal mine"


def test_what_a_learner_may_do_is_told_with_its_command() -> None:
    allow = Allow(do=("heal", "edit", "record"), shell=("web",))
    assert permission_texts(allow, LabRef("shop", "mine"), "/state/scenario.yaml") == (
        "Work in a shell of web: wirelab shell shop web --lab mine",
        "Take back what was broken: wirelab heal shop --lab mine",
        "Edit the lab's own copy of the scenario file, /state/scenario.yaml, and then: wirelab up shop --lab mine",
        "Change a record of a DNS server: wirelab inject shop --lab mine record SERVER NAME A ADDRESS",
    )


def test_without_allow_a_learner_may_do_what_the_solution_does() -> None:
    fault = LESSON.replace("    allow: {do: [edit], shell: [web]}\n", "").replace("solve: edit", "solve: heal")
    begin, end = fault.index("    setup:"), fault.index("    holds:")
    healed = repair(fault[:begin] + "    setup: {faults: [{stop: web}]}\n" + fault[end:])
    assert healed.allowed == Allow(do=("heal",))
    assert [fault.words for fault in healed.faults] == [("stop", "web")]
    assert not healed.uses_copy


def test_an_edit_that_cannot_be_made_is_told() -> None:
    twice, nowhere = Edit(replace="client", by="x"), Edit(replace="0.0.0.1", by="x")
    fits = Edit(replace="8080", by="8081")
    mistakes = list(edit_mistakes("client and client 8080", [fits, twice, nowhere]))
    assert [(index, key) for index, key, _ in mistakes] == [(1, "replace"), (2, "replace")]


def test_an_edit_whose_text_stands_elsewhere_too_is_told() -> None:
    """A learner who undoes it could not tell which of both is the mistake."""
    [(index, key, message)] = edit_mistakes("port 80, port 8081", [Edit(replace="port 80,", by="port 8081")])
    assert (index, key) == (0, "by")
    assert "'port 8081' then stands 2 times in the scenario file, so a learner cannot tell which" in message
    assert list(edit_mistakes("port 80, port 8081", [Edit(replace="port 80,", by="")])) == []


Change = Callable[[str], str]
MISTAKES: dict[str, tuple[Change, str]] = {
    "a text that the file has not": (
        lambda text: text.replace('"--bind, 0.0.0.0"', '"--bind, 0.0.0.1"'),
        "lesson.md:9:25: tasks.repair.setup.edits[0].replace: '--bind, 0.0.0.1' stands nowhere in the scenario file; "
        "it must stand there just once",
    ),
    "a text that the file has twice": (
        lambda text: text.replace('"--bind, 0.0.0.0"', '"8080"'),
        "'8080' stands 2 times in the scenario file; it must stand there just once",
    ),
    "a file that is no scenario any more": (
        lambda text: text.replace('"--bind, 127.0.0.1"', '"--bind, 127.0.0.1], colour: [red"'),
        "with these edits the scenario file is wrong: scenario.yaml:",
    ),
    "a solution that is not allowed": (
        lambda text: text.replace("{do: [edit],", "{do: [heal],"),
        "lesson.md:12:12: tasks.repair.solve: the solution 'edit' is not allowed; write it below allow: do, or leave "
        "out allow",
    ),
    "nothing to undo": (
        lambda text: text.replace('edits: [{replace: "--bind, 0.0.0.0", by: "--bind, 127.0.0.1"}]', "faults: []"),
        "tasks.repair.solve: there are no edits to undo; write them below setup: edits",
    ),
    "an edit that heal is to undo": (
        lambda text: text.replace("do: [edit]", "do: [heal]").replace("solve: edit", "solve: heal"),
        "tasks.repair.solve: heal takes back faults, and no edits of the file; the solution is edit",
    ),
    "a misspelled permission": (
        lambda text: text.replace("do: [edit]", "do: [edti, edit]"),
        "lesson.md:10:18: tasks.repair.allow.do[0]: ",
    ),
    "a node that is not there": (
        lambda text: text.replace("shell: [web]", "shell: [wep]"),
        "tasks.repair.allow.shell[0]: there is no node 'wep'; did you mean 'web'?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_setup_is_told_with_its_place(mistake: str) -> None:
    change, message = MISTAKES[mistake]
    with pytest.raises(FileInvalid) as caught:
        read(change(LESSON))
    problems = [str(problem) for problem in caught.value.problems]
    assert any(message in problem for problem in problems), problems
