"""`wirelab validate`: is the file right, and if not, what all is wrong with it."""

from __future__ import annotations

import click

from orchestrator.cli.console import out_json, out_text, say
from orchestrator.errors import INVALID, FileInvalid, Problem
from orchestrator.rendering.quantities import counted


@click.command("validate")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str | None, as_json: bool) -> int:
    """Report every mistake in the scenario NAME (a name or a path) and in its lesson.

    Starts nothing. Notes about a valid file name what its author may not have meant. Exit code 0: the file is valid; 2:
    it is not.
    """
    from orchestrator.operations.lessons.files import has_lesson, load_lesson
    from orchestrator.operations.scenario_library import load_scenario, scenario_notes

    try:
        loaded = load_scenario(name)
        tasks = len(load_lesson(loaded).lesson.tasks) if has_lesson(loaded.folder) else 0
    except FileInvalid as error:
        if not as_json:
            raise
        out_json({"schema": 1, "valid": False, "problems": [_as_json(problem) for problem in error.problems]})
        return INVALID
    scenario, notes = loaded.reading.scenario, scenario_notes(loaded)
    if as_json:
        counts = {"nodes": len(scenario.nodes), "checks": len(scenario.checks), "tasks": tasks}
        out_json(
            {
                "schema": 1,
                "valid": True,
                "scenario": scenario.name,
                "file": loaded.file,
                **counts,
                "problems": [],
                "notes": [_as_json(note) for note in notes],
            }
        )
    else:
        for note in notes:
            say(f"note: {note}")
        nodes, checks = counted(len(scenario.nodes), "node"), counted(len(scenario.checks), "check")
        lesson = f", a lesson of {counted(tasks, 'task')}" if tasks else ""
        out_text(f"{scenario.name}: valid: {nodes}, {checks}{lesson}")
    return 0


def _as_json(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
    }
