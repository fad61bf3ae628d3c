"""lesson prove: carry out the solutions and the wrong attempts of a lesson in a lab of its own."""

from __future__ import annotations

import secrets

import click

from orchestrator.cli.console import out, say
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import CHECK_FAILED, OK


@click.group("lesson")
def command() -> None:
    """Test a lesson that you write."""


@command.command("prove", short_help="Test the solutions and the wrong attempts of a lesson.")
@click.argument("name")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True, help="The number of seeds to try.")
@click.option("--seed", type=click.IntRange(0), help="The first seed. Default: a random one.")
def prove_command(name: str, seeds: int, seed: int | None) -> int:
    """Test the lesson of the scenario NAME: solutions must complete their tasks, wrong attempts must not.

    Exit code 0: all of it holds; 1: something does not.
    """
    from orchestrator.operations.lesson_files import load_lesson
    from orchestrator.operations.lesson_proof import prove_lesson
    from orchestrator.operations.scenario_library import load_scenario

    scenario = load_scenario(name)
    load_lesson(scenario)
    workspace = open_workspace()
    first = secrets.randbelow(1_000_000) if seed is None else seed
    mistakes: list[str] = []
    for number in range(first, first + seeds):
        say(f"seed {number}")
        mistakes += prove_lesson(workspace.without_watcher(), scenario, number, on_line=out)
    return CHECK_FAILED if mistakes else OK
