"""why: at which layer a connection breaks, and what to try next."""

from __future__ import annotations

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.lab_commands import EXIT
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import UsageInvalid


@click.command()
@click.argument("name")
@click.argument("check", required=False)
@lab_option
@json_option
def why_command(name: str, check: str | None, lab: str | None, as_json: bool) -> int:
    """Walk through the layers of the checks of a lab, and name the first layer that is broken.

    CHECK is a part of a check's name; its walk is printed also where the check holds. Exit codes as for `check`.
    """
    from orchestrator.checks.findings import worst
    from orchestrator.operations.scenario_library import load_scenario
    from orchestrator.rendering.findings import findings_document, findings_text

    loaded = load_scenario(name)
    scenario = loaded.reading.scenario
    named = [one for one in scenario.checks if check is None or check in one.name]
    # A fault is put in only by `check`: `why` looks at the lab as it stands.
    wanted = [one for one in named if one.fault is None]
    if not wanted:
        raise _nothing_to_walk(check, [one.name for one in scenario.checks], bool(named), name)
    workspace = open_workspace(read_only=True)
    with workspace.guard() as run:
        findings = workspace.lab(loaded, lab, run=run).judge(wanted, explain_all=True)
    if as_json:
        out_json(findings_document(scenario.name, lab or scenario.name, findings))
    else:
        out(findings_text(findings, briefly=check is None))
        if len(named) > len(wanted):
            say(f"{len(named) - len(wanted)} more checks put a fault in first: wirelab check judges and explains them")
    return EXIT[worst(finding.verdict for finding in findings)]


def _nothing_to_walk(check: str | None, names: list[str], breaking: bool, name: str) -> UsageInvalid:
    from orchestrator.reading.spelling import near

    if breaking or not names:
        why = "each puts a fault in first" if names else "the file has no checks"
        return UsageInvalid("no check can be walked through", why=why, hint=f"wirelab check {name}")
    meant = near(check or "", names)
    hint = f"did you mean {meant!r}?" if meant else f"wirelab why {name}, which looks at each of them"
    why = "the checks are" + "".join(f"\n         {one}" for one in names)
    return UsageInvalid(f"no check has {(check or '')[:80]!r} in its name", why=why, hint=hint)
