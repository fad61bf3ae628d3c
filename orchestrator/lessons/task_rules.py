"""What a task of a lesson may say beside what its form allows: edits that can be made, solutions that are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import FileInvalid
from orchestrator.lessons.comparison import is_loopback
from orchestrator.lessons.setup import Edit, edit_mistakes, edited
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.scenario import read_scenario
from orchestrator.reading.spelling import did_you_mean


@dataclass(frozen=True)
class ScenarioSource:
    """The text of the scenario file, and the texts of the files beside it."""

    text: str
    read_companion: Callable[[str], str | None]


def tasks_of(values: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task that is a mapping, of front matter that may be wrong."""
    tasks = values.get("tasks") if isinstance(values, dict) else None
    for name, task in tasks.items() if isinstance(tasks, dict) else ():
        if isinstance(task, dict):
            yield name, task


def task_violations(values: Any, source: ScenarioSource | None) -> Iterator[Violation]:
    """What is wrong with the setup of the tasks and with what they allow."""
    earlier: list[str] = []
    for name, task in tasks_of(values):
        edits = _edits(task)
        if source:
            yield from _edit_violations(name, edits, source)
        yield from _needs_violations(name, task, earlier)
        yield from _solution_violations(name, task, edits)
        yield from _datagram_violations(name, task)
        earlier.append(name)


def _needs_violations(name: str, task: dict[str, Any], earlier: list[str]) -> Iterator[Violation]:
    """A task needs tasks that stand before it."""
    needs = task.get("needs")
    for index, needed in enumerate(needs if isinstance(needs, list) else ()):
        if isinstance(needed, str) and needed not in earlier:
            hint = did_you_mean(needed, earlier) or ";"
            message = f"no task {needed!r} stands before this one{hint} {_those_before(earlier)}"
            yield Violation(("tasks", name, "needs", index), message)


def _those_before(earlier: list[str]) -> str:
    return f"before it stand {listed(earlier)}" if earlier else "it is the first one"


def _datagram_violations(name: str, task: dict[str, Any]) -> Iterator[Violation]:
    """Only what stays inside of a node is told at the first reply."""
    for key in ("observe", "after"):
        observation = task.get(key)
        target = observation.get("udp") if isinstance(observation, dict) else None
        if isinstance(target, str) and not is_loopback(target.rpartition(":")[0]):
            message = "a datagram is observed on loopback addresses alone, such as 127.0.0.1:9000"
            yield Violation(("tasks", name, key, "udp"), message)


def _edits(task: dict[str, Any]) -> list[Edit]:
    """The edits of a task; those that have no right form are told by the form."""
    setup = task.get("setup")
    edits = setup.get("edits") if isinstance(setup, dict) else None
    texts = [
        (edit.get("replace"), edit.get("by")) if isinstance(edit, dict) else (None, None)
        for edit in (edits if isinstance(edits, list) else ())
    ]
    if not all(isinstance(replace, str) and replace and isinstance(by, str) for replace, by in texts):
        return []
    return [Edit(replace=replace, by=by) for replace, by in texts]


def _edit_violations(name: str, edits: list[Edit], source: ScenarioSource) -> Iterator[Violation]:
    """An edit changes one place of the scenario file, and the file with all edits is a scenario."""
    path = ("tasks", name, "setup", "edits")
    mistakes = list(edit_mistakes(source.text, edits))
    for index, key, message in mistakes:
        yield Violation((*path, index, key), message)
    if not edits or mistakes:
        return
    try:
        read_scenario(edited(source.text, edits), file="scenario.yaml", read_companion=source.read_companion)
    except FileInvalid as error:
        message = f"with these edits the scenario file is wrong: {error.problems[0]}"
        yield Violation(path, message, at_key=True)


def _solution_violations(name: str, task: dict[str, Any], edits: list[Edit]) -> Iterator[Violation]:
    """A solution is something that the learner may do."""
    solve, allow = task.get("solve"), task.get("allow")
    permissions = allow.get("do", []) if isinstance(allow, dict) else None
    if solve == "edit" and not edits:
        yield Violation(("tasks", name, "solve"), "there are no edits to undo; write them below setup: edits")
    if solve in ("heal", "edit") and isinstance(permissions, list) and solve not in permissions:
        message = f"the solution {solve!r} is not allowed; write it below allow: do, or leave out allow"
        yield Violation(("tasks", name, "solve"), message)
    if solve == "heal" and edits:
        message = "heal takes back faults, and no edits of the file; the solution is edit"
        yield Violation(("tasks", name, "solve"), message)
