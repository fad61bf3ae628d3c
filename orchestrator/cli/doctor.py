"""`wirelab doctor`: what this machine can do, and a hint for each thing that is missing."""

from __future__ import annotations

import sys

import click

from orchestrator.cli.console import out_json, out_text, terminal_width
from orchestrator.errors import WORLD


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(as_json: bool) -> int:
    """Show what this machine can do, with a hint for each thing that is missing. Starts and installs nothing.

    Exit code 0 if a lab can run here, 3 if something that every lab needs is missing.
    """
    from orchestrator.diagnosis.doctor import MISSING, verdict
    from orchestrator.operations.doctor import examine_machine
    from orchestrator.rendering.doctor import doctor_document, doctor_text

    rows = examine_machine()
    if as_json:
        out_json(doctor_document(rows))
    else:
        # A terminal's lines are wrapped where they are printed.
        out_text(doctor_text(rows) if terminal_width(sys.stdout) is None else doctor_text(rows, sys.maxsize))
    return WORLD if verdict(rows) == MISSING else 0
