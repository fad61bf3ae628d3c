"""web: the live page of a lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.live_page import serve_lab
from orchestrator.cli.options import lab_option, member_options, scenario_argument
from orchestrator.cli.workspace import find_lab, open_placed

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.workspace import Workspace


@click.command()
@scenario_argument
@lab_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Serve on this port. Default: any free port.")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@member_options
@click.option("--yes", is_flag=True, help="Do not ask before installing or starting an engine.")
def command(name: str | None, lab: str | None, port: int, no_browser: bool, members: tuple[str, ...], yes: bool) -> int:
    """Serve the live page of a lab on this machine, and open it. Starts the lab if it is not up.

    Ctrl-C ends the page; the lab stays.
    """
    target = find_lab(name, lab)
    workspace = open_placed(target, members, yes=yes, watched=True)
    return bring_up_and_serve(workspace, target, port=port, browser=not no_browser)


def bring_up_and_serve(workspace: Workspace, target: LabTarget, *, port: int, browser: bool) -> int:
    """Bring the lab up, where it is not, and serve its page until Ctrl-C."""
    from orchestrator.cli.lab_commands import say_up
    from orchestrator.operations.lifecycle import UpOptions, bring_up

    say_up(bring_up(workspace, target.scenario, target.lab_name, UpOptions()))
    return serve_lab(workspace, target, port=port, browser=browser)
