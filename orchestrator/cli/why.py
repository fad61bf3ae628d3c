"""why: at which layer a connection breaks, and what to try next."""

from __future__ import annotations

import os
import sys

import click

from orchestrator.cli.console import out_json, out_text, say, verdict_marks
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import find_lab, open_workspace


@click.command()
@click.argument("name")
@click.argument("check", required=False)
@lab_option
@json_option
def why_command(name: str, check: str | None, lab: str | None, as_json: bool) -> int:
    """Test the connections of the checks layer by layer, and name the first layer that is broken.

    CHECK is a part of the name of a check: print only its layers, even if the check holds. Exit codes as for `check`.
    """
    from orchestrator.operations.checks import EXIT_CODES, explain_checks
    from orchestrator.rendering.findings import findings_document, findings_text

    target = find_lab(name, lab, file_needed=True)
    explained = explain_checks(
        lambda: open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name, check
    )
    if as_json:
        scenario = target.scenario.reading.scenario.name
        out_json(findings_document(scenario, target.lab_name, explained.findings))
    else:
        out_text(findings_text(explained.findings, briefly=check is None, marks=verdict_marks(sys.stdout, os.environ)))
        if explained.skipped:
            say(f"{explained.skipped} more checks put a fault in first: wirelab check judges and explains them")
    return EXIT_CODES[explained.verdict]
