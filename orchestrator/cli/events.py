"""events: what happened in a lab, who did it, and when."""

from __future__ import annotations

from contextlib import nullcontext

import click

from orchestrator.cli.closed_output import ends_with_its_reader
from orchestrator.cli.console import out, out_text
from orchestrator.cli.options import lab_option, scenario_argument
from orchestrator.cli.workspace import find_lab_name
from orchestrator.errors import OK


@click.command()
@scenario_argument
@lab_option
@click.option("-f", "--follow", is_flag=True, help="Keep printing new events until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line.")
def command(name: str | None, lab: str | None, follow: bool, as_json: bool) -> int:
    """Print what happened in a lab: commands, steps, states of nodes, findings, faults, captures and programs.

    Events are kept for 7 days after the lab was removed.
    """
    from orchestrator.operations.journal import lab_entries
    from orchestrator.rendering.events import entry_text

    lab_name = find_lab_name(name, lab)
    with ends_with_its_reader() if follow else nullcontext():
        for entry in lab_entries(lab_name, follow=follow):
            if as_json:
                out(entry.to_json())
            else:
                out_text(entry_text(entry, None))
    return OK
