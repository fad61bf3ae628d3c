"""up, down, plan, check and run: the commands that make a lab, prove it and remove it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.check_progress import CheckProgress
from orchestrator.cli.console import out_json, out_text, say, terminal_width, verdict_marks
from orchestrator.cli.options import (
    capture_option,
    close_host_option,
    for_option,
    json_option,
    lab_option,
    place_options,
    report_options,
    scenario_argument,
    split_option,
    timeout_option,
    trusted_option,
    untrusted_option,
    verbose_option,
)
from orchestrator.cli.own_command import own_command
from orchestrator.cli.scenario_address import AddressOptions, address_options, find_at_address, is_url
from orchestrator.cli.workspace import (
    find_lab,
    find_lab_name,
    may_stand_anywhere,
    open_placed,
    open_workspace,
    open_workspace_or_postpone,
    reached_engines,
)
from orchestrator.errors import OK, UsageInvalid
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.rendering.quantities import counted, duration_text

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.checks import CheckRun
    from orchestrator.operations.lifecycle import UpResult
    from orchestrator.operations.reports import ReportFiles
    from orchestrator.planning.obstacles import Obstacle
    from orchestrator.planning.plan import Plan


@click.command()
@scenario_argument
@lab_option
@json_option
@capture_option
@close_host_option
@untrusted_option
@trusted_option
@click.option("--keep", is_flag=True, help="If a step fails, keep what is already there, so that you can look at it.")
@timeout_option
@for_option
@place_options
@click.option("--web", is_flag=True, help="Then show the live page of the lab, as `wirelab web` does.")
@address_options
@click.option("--yes", is_flag=True, help="Do not ask before starting an engine, or a scenario from an address.")
def up_command(
    name: str | None,
    lab: str | None,
    as_json: bool,
    capture: bool,
    close_host: bool,
    untrusted: bool,
    trusted: bool,
    keep: bool,
    timeout: float,
    ends_after: float | None,
    members: tuple[str, ...],
    web: bool,
    address: AddressOptions,
    yes: bool,
) -> int:
    """Start a lab. If it is up, repair it, and apply the changes of its file.

    NAME may also be the address of an archive (https://…, file://…) or of a git repository (URL#COMMIT). wirelab then
    shows what the scenario would run, and asks.
    """
    from orchestrator.operations.lifecycle import UpOptions, bring_up

    if is_url(name):
        target = find_at_address(name, lab, address, trusted=trusted, yes=yes)
        untrusted = untrusted or not trusted
    else:
        address.require_none()
        target = find_lab(name, lab, file_needed=True)
    bounds = bounds_of(target.scenario.reading.scenario, close_host, untrusted, trusted)
    options = UpOptions(keep, timeout, capture, ends_after, look=True, **bounds)
    workspace = open_placed(target, members, yes=yes, watched=web)
    result = bring_up(workspace, target.scenario, target.lab_name, options)
    say_up(result)
    if as_json:
        out_json(steps_document(result.plan, result.obstacles))
    if web:
        from orchestrator.cli.live_page import serve_lab

        return serve_lab(workspace, target)
    return OK


@click.command()
@scenario_argument
@lab_option
@json_option
@trusted_option
@timeout_option
@for_option
def reset_command(
    name: str | None, lab: str | None, as_json: bool, trusted: bool, timeout: float, ends_after: float | None
) -> int:
    """Remove a lab with all its data and start it again, without any fault.

    The lab keeps its name and the time of --for. A running capture starts again.
    """
    from orchestrator.operations.lifecycle import UpOptions, reset_lab

    target = find_lab(name, lab, file_needed=True)
    options = UpOptions(ready_seconds=timeout, ends_after=ends_after, trusted=trusted)
    result = reset_lab(open_workspace(target.lab_name, start=False), target.scenario, target.lab_name, options)
    say_up(result)
    if as_json:
        out_json(steps_document(result.plan))
    return OK


def bounds_of(scenario: Scenario, close_host: bool, untrusted: bool, trusted: bool) -> dict[str, Any]:
    """The limits of the lab by these options, for `UpOptions`. Raises UsageInvalid if the file exceeds them."""
    from orchestrator.operations.untrusted import require_bounded

    if untrusted and trusted:
        raise UsageInvalid("--untrusted and --trusted are opposites", hint="give one of them")
    if untrusted:
        require_bounded(scenario)
    return {"close_host": close_host or untrusted, "trusted": trusted or (False if untrusted else None)}


def say_up(result: UpResult) -> None:
    """Tell how `up` ended."""
    if result.plan:
        steps = counted(len(result.plan.steps), "step")
        say(f"the lab {result.lab!r} is up: {steps} in {result.seconds:.1f} s")
    elif result.obstacles:
        say(f"the lab {result.lab!r} is up already")
    else:
        say(f"the lab {result.lab!r} is up already: nothing to do")
    if result.ends:
        say(f"it ends in {duration_text(round(result.ends - time.time()))}")
    if result.host_open:
        from orchestrator.rendering.host_access import host_open_text

        say(host_open_text(result.plan, result.host_open, result.named))
    if result.unlimited:
        from orchestrator.rendering.limits import unlimited_text

        say(unlimited_text(result.unlimited, result.member))
    if result.faults:
        from orchestrator.rendering.faults import kept_faults_text

        say(kept_faults_text(result.faults, result.named))
    if result.obstacles:
        from orchestrator.rendering.obstacles import obstacles_text

        say(obstacles_text(result.obstacles, result.named))


def steps_document(plan: Plan, obstacles: Sequence[Obstacle] = ()) -> dict[str, Any]:
    """What was done, and what stands in the way all the same."""
    steps = [{"id": step.id, "why": step.why} for step in plan.steps]
    seen = [{"node": obstacle.node, "text": obstacle.text} for obstacle in obstacles]
    return {"schema": 1, "lab": plan.lab, "steps": steps, **({"obstacles": seen} if seen else {})}


@click.command()
@scenario_argument
@lab_option
def down_command(name: str | None, lab: str | None) -> int:
    """Remove a lab: its containers, networks, volumes and files. A lab that is not up is no error.

    If its member does not answer, the exit code is 6, and `wirelab sweep` removes the lab when the member is back.
    """
    from orchestrator.operations.lifecycle import bring_down

    lab_name = find_lab_name(name, lab)
    if may_stand_anywhere(lab_name):
        from orchestrator.operations.members.everywhere import find_and_remove

        with reached_engines() as reached:
            plan = find_and_remove(reached, lab_name)
    else:
        plan = bring_down(open_workspace_or_postpone(lab_name), lab_name)
    say(f"the lab {lab_name!r} is down" if plan else f"the lab {lab_name!r} was not up")
    return OK


@click.command()
@scenario_argument
@lab_option
@split_option
@json_option
def plan_command(name: str | None, lab: str | None, split: str, as_json: bool) -> int:
    """Print what `up` would do, and change nothing."""
    from orchestrator.operations.lifecycle import plan_up
    from orchestrator.rendering.plans import WIDTH, plan_text

    target = find_lab(name, lab, file_needed=True)
    workspace = open_workspace(target.lab_name, read_only=True, members=(split,) if split else ())
    plan = plan_up(workspace, target.scenario, target.lab_name)
    if as_json:
        steps = [{"id": step.id, "why": step.why, "needs": list(step.needs)} for step in plan.steps]
        out_json({"schema": 1, "lab": plan.lab, "steps": steps})
    else:
        out_text(plan_text(plan, terminal_width(sys.stdout) or WIDTH))
    return OK


@click.command()
@scenario_argument
@lab_option
@json_option
@verbose_option
@click.option(
    "--only", multiple=True, metavar="TEXT", help="Run only the checks whose name contains TEXT. Can be repeated."
)
@report_options
def check_command(
    name: str | None, lab: str | None, as_json: bool, verbose: bool, only: tuple[str, ...], files: ReportFiles
) -> int:
    """Run the checks of a lab that is up. Exit code 0: all hold; 1: a check failed; 3: a check is unknown."""
    from orchestrator.operations.checks import EXIT_CODES, run_checks

    target = find_lab(name, lab, file_needed=True)
    scenario, lab = target.scenario, target.lab_name
    workspace = open_workspace(target.lab_name, read_only=True)
    printer = ResultPrinter(as_json, verbose)
    result = run_checks(
        workspace,
        scenario,
        lab,
        only=only,
        files=files,
        watcher=printer.progress,
        on_result=printer.result,
        on_file=say_file,
    )
    return EXIT_CODES[result.verdict]


class ResultPrinter:
    """Prints the findings of a run of checks: as text, each when it is known, or as one JSON document at the end.

    What proves a check that holds is part of the text only where it is `verbose`.
    """

    def __init__(self, as_json: bool, verbose: bool) -> None:
        self._as_json = as_json
        self._verbose = verbose
        self._marks = verdict_marks(sys.stdout, os.environ)
        self.progress = CheckProgress(None if as_json else self._finding)

    def _finding(self, finding: Finding) -> None:
        from orchestrator.rendering.findings import finding_text, verdict_line

        whole = self._verbose and finding.verdict == "pass"
        out_text(finding_text(finding, marks=self._marks) if whole else verdict_line(finding, self._marks))

    def result(self, run: CheckRun) -> None:
        """Print what is known at the end: why checks do not hold, and how many do."""
        from orchestrator.rendering.findings import findings_document, reasons_text, summary_text

        self.progress.end()
        if self._as_json:
            out_json(findings_document(run.scenario, run.lab, run.findings))
            return
        if failed := [finding for finding in run.findings if finding.verdict != "pass"]:
            out_text("\n" + reasons_text(failed, briefly=not self._verbose, marks=self._marks))
        out_text(summary_text(run.findings, run.seconds))


def say_file(file: Path) -> None:
    """Tell where something was written."""
    say(f"written: {file}")


@click.command()
@scenario_argument
@lab_option
@json_option
@verbose_option
@capture_option
@close_host_option
@untrusted_option
@trusted_option
@click.option("--rm", "remove", is_flag=True, help="Remove the lab afterwards, whatever the result.")
@timeout_option
@for_option
@place_options
@click.option("--yes", is_flag=True, help="Do not ask before installing or starting an engine.")
@report_options
def run_command(
    name: str | None,
    lab: str | None,
    as_json: bool,
    verbose: bool,
    capture: bool,
    close_host: bool,
    untrusted: bool,
    trusted: bool,
    remove: bool,
    timeout: float,
    ends_after: float | None,
    members: tuple[str, ...],
    yes: bool,
    files: ReportFiles,
) -> int:
    """Run `up` and `check`; with --rm also `down`.

    Exit code 0: all checks hold; 1: a check failed; 3: the lab is not up, or a check is unknown.
    """
    from orchestrator.operations.checks import EXIT_CODES
    from orchestrator.operations.lifecycle import UpOptions
    from orchestrator.operations.run import up_and_check, up_check_and_remove

    if remove and ends_after:
        raise UsageInvalid("--rm removes the lab at once, and --for later", hint="give one of them")
    target = find_lab(name, lab, file_needed=True)
    scenario, lab_name = target.scenario, target.lab_name
    bounds = bounds_of(scenario.reading.scenario, close_host, untrusted, trusted)
    workspace = open_placed(target, members, yes=yes)
    options = UpOptions(ready_seconds=timeout, capture=capture, ends_after=ends_after, **bounds)
    printer = ResultPrinter(as_json, verbose)
    printed = printer.progress, printer.result, say_file
    if remove:
        result = up_check_and_remove(workspace, scenario, lab_name, options, files, *printed)
        say(f"the lab {result.lab!r} is down")
        return EXIT_CODES[result.verdict]
    result = up_and_check(workspace, scenario, lab_name, options, files, *printed, on_up=say_up)
    if not as_json:
        say(next_steps(name or lab or ".", scenario.reading.scenario, lab if name else None))
    return EXIT_CODES[result.verdict]


def next_steps(name: str, scenario: Scenario, lab: str | None) -> str:
    """What to try now, in words that can be typed."""
    command, more = own_command(), f" --lab {lab}" if lab else ""
    name = quote(name)
    clients = [node for node, role in scenario.roles.items() if role.default_client]
    # Of an image of the author's nobody knows which tools it holds.
    equipped = [node for node in clients if not scenario.nodes[node].image]
    client = next(iter((*equipped, *clients, *scenario.nodes)))
    dns_servers = scenario.servers_of(ApplicationProtocol.DNS)
    apps = [node for node, role in scenario.roles.items() if role.identity_path]
    names = [f"{node}.{scenario.domain}" for node in scenario.nodes if node in (*apps, *dns_servers)]
    lines = ["", "The lab is still running. Look around:"]
    lines.append(f"  {command} shell {name} {client}{more}")
    if equipped and names:
        lines.append(f"  {command} exec {name} {client}{more} -- dig {names[-1]}")
    if equipped and apps:
        url = f"http://{apps[0]}.{scenario.domain}{scenario.roles[apps[0]].identity_path}"
        lines.append(f"  {command} exec {name} {client}{more} -- curl -s {url}")
    lines.append(f"  {command} ps {name}{more}")
    lines.append(f"  {command} down {name}{more}      when you are done")
    return "\n".join(lines)
