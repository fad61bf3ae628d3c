"""Open the workspace of a command: progress goes to standard error, questions are asked on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from orchestrator.cli.console import say
from orchestrator.cli.progress import print_step
from orchestrator.events import Actor

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.workspace import Workspace


def open_workspace(*, start: bool = True, yes: bool = False, read_only: bool = False) -> Workspace:
    """The engine in use and the state folder. Raises EngineMissing."""
    from orchestrator.operations import workspace

    return workspace.open_workspace(
        start=start, read_only=read_only, notify=say, confirm=confirmer(yes), on_event=print_step, actor=actor()
    )


def find_lab(name: str | None, lab: str | None, *, file_needed: bool = False) -> LabTarget:
    """The lab that a command line means. Tells a person which of two things NAME was taken for."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabFinder

    target = LabFinder(StateFolder.of(os.environ), Path.cwd()).find(name, lab, file_needed=file_needed)
    if target.note:
        say(f"note: {target.note}")
    return target


def find_lab_name(name: str | None, lab: str | None) -> str:
    """The name of the lab that a command line means, where nothing is read of its scenario."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabFinder

    return LabFinder(StateFolder.of(os.environ), Path.cwd()).name(name, lab)


def actor() -> Actor:
    """Who causes events here: this command line, and its seat in a class."""
    return Actor(token_hex(6), "command line", ("wirelab", *sys.argv[1:]), os.environ.get("WIRELAB_SEAT", ""))


def confirmer(yes: bool) -> Callable[[str], bool]:
    """Ask on a terminal; where nobody can answer, go on."""

    def confirm(question: str) -> bool:
        if yes or os.environ.get("CI") or not sys.stdin.isatty():
            return True
        import click

        return click.confirm(question, default=True, err=True)

    return confirm
