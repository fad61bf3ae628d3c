"""roles: who was client of whom and who was server to whom, from what was captured."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.capture import say_filter
from orchestrator.cli.console import out_json, out_text, say, terminal_width
from orchestrator.cli.options import json_option, lab_option, scenario_argument
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK


@click.command()
@scenario_argument
@lab_option
@json_option
def command(name: str | None, lab: str | None, as_json: bool) -> int:
    """Show for each node of which nodes it was a client and to which a server, from a running capture.

    Compares the traffic with `uses`: lists what was seen but not declared, and what was declared but never seen.
    """
    from orchestrator.operations.roles import observe_roles
    from orchestrator.rendering.roles import roles_document, roles_text

    target = find_lab(name, lab)
    observed = observe_roles(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name)
    say_filter(observed.filter)
    if observed.warning:
        say(observed.warning)
    if as_json:
        out_json(
            roles_document(
                observed.lab,
                observed.nodes,
                observed.roles,
                observed.comparison,
                observed.losses,
            )
        )
    else:
        out_text(
            roles_text(observed.nodes, observed.roles, observed.comparison, observed.losses, terminal_width(sys.stdout))
        )
    return OK
