"""`lesson.md` -> Lesson with its texts, or every mistake of it at once, each with line and column.

The file begins with front matter between two lines `---`; the rest is Markdown. `::task{NAME}` on a line of its own is
the place of a task; what stands before it is read first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import FileInvalid, Problem
from orchestrator.lessons.lesson import Lesson
from orchestrator.lessons.secure_request_rules import secure_request_violations
from orchestrator.lessons.task_rules import ScenarioSource, task_violations, tasks_of
from orchestrator.lessons.variables import LAB_VARIABLE, chosen_values, substituted, unknown_variables
from orchestrator.model.scenario import Scenario
from orchestrator.model.values import Reference
from orchestrator.reading.document import Document, Violation, read_document
from orchestrator.reading.message_parts import listed, path_text
from orchestrator.reading.raw_scenario import walk
from orchestrator.reading.schema_forms import form_of_model
from orchestrator.reading.spelling import Hints, did_you_mean
from orchestrator.reading.violations import FormValidator

FENCE = "---"
PLACE = re.compile(r"^::task\{([^}]*)\}\s*$", re.MULTILINE)


@dataclass(frozen=True)
class LessonText:
    """A lesson with the learner's values filled in; `before` has the text before each task, `after` what follows."""

    lesson: Lesson
    values: Mapping[str, str]
    before: Mapping[str, str]
    after: str


def read_lesson(
    text: str,
    *,
    file: str,
    scenario: Scenario,
    source: ScenarioSource | None = None,
    seed: int = 1,
    addresses: Mapping[str, str] | None = None,
    lab_name: str = "",
) -> LessonText:
    """The lesson for the learner with this seed; `addresses` are filled in for nodes, where the lab is up.

    `lab_name` is the lab of the learner, by default the one that bears the scenario's name.

    With `source`, edits of the scenario file are judged, too. Raises FileInvalid with all mistakes, in the order of the
    file.
    """
    front, body, body_line = _split(text, file)
    document = read_document(front)
    if document.fatal:
        raise _invalid(document, document.violations, file)
    violations = [*document.violations, *_violations(document.value, scenario)]
    values = chosen_values(document.value, seed)
    known = {LAB_VARIABLE: lab_name or scenario.name, **values}
    violations += unknown_variables(document.value, known, frozenset(scenario.nodes))
    violations += task_violations(document.value, source)
    violations += secure_request_violations(document.value, scenario)
    try:
        filled_in = {**known, **(addresses or {})}
        lesson = Lesson.model_validate(substituted(document.value, filled_in))
    except ValidationError as error:
        first = error.errors()[0]
        violations = violations or [Violation(tuple(first["loc"]), str(first["msg"]))]
        raise _invalid(document, violations, file) from None
    problems = [*_problems(document, violations, file), *_place_problems(lesson, body, body_line, file)]
    if problems:
        raise FileInvalid(tuple(sorted(set(problems))))
    before, after = _texts(substituted(body, filled_in))
    return LessonText(lesson, values, before, after)


def _split(text: str, file: str) -> tuple[str, str, int]:
    """The front matter, on the lines where it stands in the file; the body; and the line on which the body begins."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != FENCE:
        message = "a lesson begins with a line '---', its front matter, and a second line '---'"
        raise FileInvalid((Problem(file, 1, 1, "", message),))
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise FileInvalid((Problem(file, 1, 1, "", "the front matter has no end; write a second line '---'"),))
    return "\n".join(["#", *lines[1:end], ""]), "\n".join(lines[end + 1 :]), end + 2


def _violations(values: Any, scenario: Scenario) -> Iterator[Violation]:
    """What the model says, and names of nodes that the scenario has not."""
    form = form_of_model(Lesson)
    yield from FormValidator().violations(form, values, ())
    known = (*scenario.nodes, *scenario.groups)
    hints = Hints(known)
    for raw in walk(form, values, ()):
        reference = raw.form.metadata_of(Reference)
        if reference and reference.to == "node" and isinstance(raw.value, str) and raw.value not in known:
            message = f"there is no node {raw.value!r}{hints.of(raw.value)} the nodes are {listed(known)}"
            yield Violation(raw.path, message, at_key=raw.at_key)
    yield from _question_violations(values)
    yield from _check_name_violations(values, scenario)


def _question_violations(values: Any) -> Iterator[Violation]:
    """A question with choices of its own has the right one among them, and only such a question has them."""
    for name, task in tasks_of(values):
        truth, choices = task.get("truth"), task.get("choices")
        given = choices if isinstance(choices, list) else []
        if task.get("ask") == "choices":
            value = truth.get("value") if isinstance(truth, dict) else None
            if any(isinstance(choice, str) and choice.isdigit() for choice in given):
                message = "a choice is no number, for the learner types the number of a choice; write it in words"
                yield Violation(("tasks", name, "choices"), message)
            if len(given) < 2:
                yield Violation(("tasks", name), "ask: choices needs two choices or more")
            elif isinstance(value, str) and value not in given:
                yield Violation(("tasks", name, "truth", "value"), f"{value!r} is none of the choices: {listed(given)}")
        elif choices is not None:
            yield Violation(("tasks", name, "choices"), "choices stand only with ask: choices", at_key=True)


def _check_name_violations(values: Any, scenario: Scenario) -> Iterator[Violation]:
    for name, task in tasks_of(values):
        truth = task.get("truth")
        part = truth.get("broken_layer") if isinstance(truth, dict) else None
        if isinstance(part, str) and not any(part in check.name for check in scenario.checks):
            message = f"no check of {scenario.name} has {part!r} in its name"
            yield Violation(("tasks", name, "truth", "broken_layer"), message)


def _place_problems(lesson: Lesson, body: str, body_line: int, file: str) -> Iterator[Problem]:
    """Every task has one place in the text, in the order of the front matter."""
    places = [(match[1], body_line + body.count("\n", 0, match.start())) for match in PLACE.finditer(body)]
    names = [name for name, _ in places]
    for name, line in places:
        if name not in lesson.tasks:
            hint = did_you_mean(name, lesson.tasks) or ";"
            yield Problem(file, line, 1, "", f"there is no task {name!r}{hint} the tasks are {listed(lesson.tasks)}")
    for name in lesson.tasks:
        if names.count(name) != 1:
            count = "no place" if name not in names else "more than one place"
            yield Problem(
                file, body_line, 1, "", f"the task {name!r} has {count} in the text; write ::task{{{name}}} once"
            )
    known = [name for name in names if name in lesson.tasks]
    if known != list(lesson.tasks) and sorted(known) == sorted(lesson.tasks):
        message = f"the tasks stand in another order than in the front matter, which is {listed(lesson.tasks)}"
        yield Problem(file, body_line, 1, "", message)


def _texts(body: str) -> tuple[dict[str, str], str]:
    """The text before each task, and what stands after the last one."""
    parts = PLACE.split(body)
    return {name: before.strip() for before, name in zip(parts[::2], parts[1::2], strict=False)}, parts[-1].strip()


def _problems(document: Document, violations: Any, file: str) -> Iterator[Problem]:
    for violation in violations:
        position = document.position_of(violation)
        yield Problem(file, position.line, position.column, path_text(violation.path), violation.message)


def _invalid(document: Document, violations: Any, file: str) -> FileInvalid:
    return FileInvalid(tuple(sorted(set(_problems(document, violations, file)))))
