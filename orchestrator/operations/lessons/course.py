"""The course: every lesson that can be found by name, in an order in which each builds on those before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import FileInvalid
from orchestrator.operations.lessons.files import ProgressStore, has_lesson, load_lesson
from orchestrator.operations.scenario_library import all_scenarios, find_scenario, load_scenario

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lessons.lesson import Lesson


def lessons(cwd: Path | None = None) -> dict[str, Lesson]:
    """The lessons of the scenarios that can be found by name, in their order; one that is wrong is left out."""
    cwd = cwd or Path.cwd()
    lessons: dict[str, Lesson] = {}
    for name, _ in all_scenarios(cwd):
        if has_lesson(find_scenario(name, cwd).parent):
            try:
                lessons[name] = load_lesson(load_scenario(name, cwd)).lesson
            except FileInvalid:
                continue
    return {name: lessons[name] for name in in_order({name: lesson.needs for name, lesson in lessons.items()})}


def in_order(needs: dict[str, tuple[str, ...]]) -> list[str]:
    """The names so that each stands after those that it needs; as they are where they need each other."""
    try:
        order = TopologicalSorter({name: sorted(set(before) & set(needs)) for name, before in needs.items()})
        return list(order.static_order())
    except CycleError:
        return list(needs)


def course(state: StateFolder, seat: str = "", cwd: Path | None = None) -> list[dict[str, str]]:
    """Name, title, minutes and progress of each lesson."""
    store, rows = ProgressStore(state), []
    for name, lesson in lessons(cwd).items():
        kept = store.load(name, seat)
        done, total = (kept.done_count(tuple(lesson.tasks)) if kept else 0), len(lesson.tasks)
        progress = "done" if done == total else f"{done} of {total} tasks done" if kept else "not begun"
        rows.append({"name": name, "title": lesson.title, "minutes": str(lesson.minutes), "progress": progress})
    return rows


def lesson_after(rows: Sequence[Mapping[str, str]], name: str) -> str | None:
    """The first lesson behind `name` in the course that is not done; None where there is none."""
    names = [row["name"] for row in rows]
    behind = rows[names.index(name) + 1 :] if name in names else ()
    return next((row["name"] for row in behind if row["progress"] != "done"), None)
