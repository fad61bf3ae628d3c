"""lesson prove: carry out the solutions and the wrong attempts of a lesson in a lab of its own."""

from __future__ import annotations

import secrets
from pathlib import Path

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
@click.option(
    "--sentences", type=click.Path(dir_okay=False), help="Write the messages for wrong attempts to this file."
)
def prove_command(name: str, seeds: int, seed: int | None, sentences: str | None) -> int:
    """Test the lesson of the scenario NAME: solutions must complete their tasks, wrong attempts must not.

    Exit code 0: all of it holds; 1: something does not.
    """
    from orchestrator.operations.lessons.files import load_lesson
    from orchestrator.operations.lessons.proof import prove_lesson
    from orchestrator.operations.output_file import replace_file
    from orchestrator.operations.scenario_library import load_scenario

    scenario = load_scenario(name)
    load_lesson(scenario)
    workspace = open_workspace()
    first = secrets.randbelow(1_000_000) if seed is None else seed
    mistakes: list[str] = []
    for number in range(first, first + seeds):
        say(f"seed {number}")
        result = prove_lesson(workspace.without_watcher(), scenario, number, on_line=out)
        mistakes += result.mistakes
        if sentences:
            replace_file(Path(sentences), [f"{sentence}\n".encode() for sentence in result.sentences])
    return CHECK_FAILED if mistakes else OK
