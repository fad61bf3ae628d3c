"""up, down, plan, check and run: the commands that make a lab, prove it and remove it."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.options import capture_option, json_option, lab_option, scenario_argument, timeout_option
from orchestrator.cli.reports import Wanted, failure_told, report_options, reporting
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import CHECK_FAILED, OK, WORLD, LabBusy
from orchestrator.lab.interrupts import uninterrupted
from orchestrator.operations.workspace import lab_name_of
from orchestrator.rendering.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.checks.findings import Finding
    from orchestrator.model.checks import BaseCheck
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.plan import Plan

EXIT = {"pass": OK, "fail": CHECK_FAILED, "unknown": WORLD}


@click.command()
@scenario_argument
@lab_option
@json_option
@capture_option
@click.option("--keep", is_flag=True, help="If something fails, leave what was made for a look.")
@timeout_option
@click.option("--yes", is_flag=True, help="Do not ask before installing or starting an engine.")
def up_command(
    name: str | None, lab: str | None, as_json: bool, capture: bool, keep: bool, timeout: float, yes: bool
) -> int:
    """Bring a lab up, or repair it, or bring it in line with its changed file."""
    from orchestrator.operations.scenario_library import load_scenario

    loaded = load_scenario(name)
    workspace = open_workspace(yes=yes)
    plan = bring_up(workspace, loaded, lab, keep=keep, timeout=timeout, capture=capture)
    if as_json:
        out_json(steps_document(plan))
    return OK


def steps_document(plan: Plan) -> dict[str, Any]:
    """What was done."""
    return {"schema": 1, "lab": plan.lab, "steps": [{"id": step.id, "why": step.why} for step in plan.steps]}


def bring_up(
    workspace: Workspace, loaded: LoadedScenario, lab: str | None, *, keep: bool, timeout: float, capture: bool = False
) -> Plan:
    """`up` under the watchdog, told step by step; an empty plan costs no watchdog."""
    from orchestrator.cli.progress import tell

    began = time.monotonic()
    label = lab or loaded.reading.scenario.name
    with (guard := workspace.guard(keep=keep)) as run:
        made = workspace.lab(
            loaded, lab, notify=tell, run=run, keep=keep, ready_seconds=timeout, capture=capture, whole=guard.release
        )
        plan = made.up()
    if plan:
        say(f"the lab {label!r} is up: {counted(len(plan.steps), 'step')} in {time.monotonic() - began:.1f} s")
    else:
        say(f"the lab {label!r} is up already: nothing to do")
    return plan


@click.command()
@scenario_argument
@lab_option
def down_command(name: str | None, lab: str | None) -> int:
    """Remove a lab: its containers, networks, volumes and files. Nothing there is fine."""
    from orchestrator.cli.progress import tell
    from orchestrator.lab.take_down import take_down
    from orchestrator.operations.scenario_library import scenario_name

    wanted = lab_name_of(name, lab) if name else (lab or scenario_name(None))
    workspace = open_workspace(start=False)
    plan = take_down(workspace.engine, workspace.state, wanted, tell)
    say(f"the lab {wanted!r} is down" if plan else f"the lab {wanted!r} was not up")
    return OK


@click.command()
@scenario_argument
@lab_option
@json_option
def plan_command(name: str | None, lab: str | None, as_json: bool) -> int:
    """Print what `up` would do, and do nothing."""
    from orchestrator.operations.scenario_library import load_scenario
    from orchestrator.rendering.plans import plan_text

    loaded = load_scenario(name)
    workspace = open_workspace(read_only=True)
    plan = workspace.lab(loaded, lab).plan()
    if as_json:
        steps = [{"id": s.id, "why": s.why, "needs": list(s.needs)} for s in plan.steps]
        out_json({"schema": 1, "lab": plan.lab, "steps": steps})
    else:
        out(plan_text(plan))
    return OK


@click.command()
@scenario_argument
@lab_option
@json_option
@click.option("--only", multiple=True, metavar="TEXT", help="Only the checks whose name holds TEXT; may be repeated.")
@report_options
def check_command(name: str | None, lab: str | None, as_json: bool, only: tuple[str, ...], wanted: Wanted) -> int:
    """Run the checks of a lab that is up. Exit 0: all held; 1: one failed; 3: one is unknown."""
    from orchestrator.operations.scenario_library import load_scenario

    loaded = load_scenario(name)
    workspace = open_workspace(read_only=True)
    return prove(workspace, loaded, lab, as_json=as_json, only=only, wanted=wanted)


def prove(
    workspace: Workspace,
    loaded: LoadedScenario,
    lab: str | None,
    *,
    as_json: bool,
    only: tuple[str, ...] = (),
    wanted: Wanted = Wanted(),  # noqa: B008 (a frozen value)
    run: str = "",
) -> int:
    """Put the checks, print the findings, write the files that are wanted, give the exit code.

    `run` is the run whose guard is around this already, if there is one.
    """
    from orchestrator.checks.findings import worst
    from orchestrator.lab.faults import check

    checks = _named(loaded.reading.scenario, only)
    began = time.monotonic()
    # Under a watchdog: a node whose image lacks a tool is asked from a container beside it.
    with nullcontext(run) if run else workspace.guard() as guarded_run:
        made = workspace.lab(loaded, lab, run=guarded_run, images_too=wanted.images)
        with reporting(loaded, made, wanted) as report:
            with failure_told(loaded, made.name, wanted):
                findings = check(made, checks)
            _print(loaded, made.name, findings, as_json=as_json, seconds=time.monotonic() - began)
            report.write(checks, findings)
    return EXIT[worst(finding.verdict for finding in findings)]


def _named(scenario: Scenario, only: tuple[str, ...]) -> list[BaseCheck]:
    """The checks whose name holds one of these texts; all of them if there is none."""
    from orchestrator.errors import UsageInvalid

    checks: list[BaseCheck] = [c for c in scenario.checks if not only or any(text in c.name for text in only)]
    if only and not checks:
        raise UsageInvalid("no check has such a name", why=f"the file has {len(scenario.checks)} checks")
    return checks


def _print(loaded: LoadedScenario, lab: str, findings: Sequence[Finding], *, as_json: bool, seconds: float) -> None:
    from orchestrator.rendering.findings import findings_document, findings_text, summary_text

    if as_json:
        out_json(findings_document(loaded.reading.scenario.name, lab, findings))
    else:
        out(findings_text(findings))
        say(summary_text(findings, seconds))


@click.command()
@scenario_argument
@lab_option
@json_option
@capture_option
@click.option("--rm", "remove", is_flag=True, help="Remove the lab afterwards, whatever came out.")
@timeout_option
@click.option("--yes", is_flag=True, help="Do not ask before installing or starting an engine.")
@report_options
def run_command(
    name: str | None,
    lab: str | None,
    as_json: bool,
    capture: bool,
    remove: bool,
    timeout: float,
    yes: bool,
    wanted: Wanted,
) -> int:
    """up and check, and with --rm down. Exit 1: the lab stands and a check failed; 3: it does not stand."""
    from orchestrator.operations.scenario_library import load_scenario

    loaded = load_scenario(name)
    workspace = open_workspace(yes=yes)
    label = lab or loaded.reading.scenario.name
    if remove:
        return _run_and_remove(
            workspace, loaded, label, as_json=as_json, wanted=wanted, capture=capture, ready_seconds=timeout
        )
    with failure_told(loaded, label, wanted):
        bring_up(workspace, loaded, label, keep=False, timeout=timeout, capture=capture)
    code = prove(workspace, loaded, label, as_json=as_json, wanted=wanted)
    if not as_json:
        say(next_steps(name or ".", loaded.reading.scenario, lab))
    return code


def _run_and_remove(
    workspace: Workspace, loaded: LoadedScenario, label: str, *, as_json: bool, wanted: Wanted, **settings: object
) -> int:
    from orchestrator.cli.progress import tell
    from orchestrator.lab.take_down import take_down

    with workspace.guard() as run:
        ours = True
        try:
            with failure_told(loaded, label, wanted):
                workspace.lab(loaded, label, notify=tell, run=run, **settings).up()
            code = prove(workspace, loaded, label, as_json=as_json, wanted=wanted, run=run)
        except LabBusy:
            ours = False  # another process works on it, and may have ended by now: its lab stays
            raise
        finally:
            if ours:
                with uninterrupted():
                    take_down(workspace.engine, workspace.state, label, lambda _event: None)
    say(f"the lab {label!r} is down")
    return code


def next_steps(name: str, scenario: Scenario, lab: str | None) -> str:
    """What to try now, in words that can be typed."""
    command, more = _own_command(), f" --lab {lab}" if lab else ""
    name = quote(name)
    clients = [node for node, one in scenario.nodes.items() if one.role == "client"]
    # Of an image of the author's nobody knows which tools it holds.
    equipped = [node for node in clients if not scenario.nodes[node].image]
    client = next(iter((*equipped, *clients, *scenario.nodes)))
    names = [f"{node}.{scenario.domain}" for node, one in scenario.nodes.items() if one.role in ("app", "dns")]
    lines = ["", "The lab is still running. Look around:"]
    lines.append(f"  {command} shell {name} {client}{more}")
    if equipped and names:
        lines.append(f"  {command} exec {name} {client}{more} -- dig {names[-1]}")
    apps = [node for node, one in scenario.nodes.items() if one.role == "app"]
    if equipped and apps:
        lines.append(f"  {command} exec {name} {client}{more} -- curl -s http://{apps[0]}.{scenario.domain}/whoami")
    lines.append(f"  {command} ps {name}{more}")
    lines.append(f"  {command} down {name}{more}      when you are done")
    return "\n".join(lines)


def _own_command() -> str:
    """How this program is called from here: the virtual environment that `make` has made is in nobody's PATH."""
    own = Path(sys.prefix) / "bin" / "wirelab"
    if not sys.prefix.endswith(".venv") or shutil.which("wirelab") == str(own):
        return "wirelab"
    return quote(str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own))
