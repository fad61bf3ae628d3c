"""Run the checks of a lab, explain what does not hold, and write the reports about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.checks.findings import Finding
from orchestrator.checks.verdict import Verdict, worst
from orchestrator.errors import CHECK_FAILED, OK, WORLD, UsageInvalid
from orchestrator.operations.command_record import recorded
from orchestrator.operations.reports import NO_FILES, ReportFiles, junit_on_error, report_writer

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.model.checks import BaseCheck
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace


EXIT_CODES = {"pass": OK, "fail": CHECK_FAILED, "unknown": WORLD}


@dataclass(frozen=True)
class CheckRun:
    """One run of checks: a finding a check in the order of the file, and how long all of it took."""

    scenario: str
    lab: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        return worst(finding.verdict for finding in self.findings)


class CheckWatcher(Protocol):
    """Is told of checks while they run."""

    def begin(self, names: Sequence[str]) -> None:
        """These checks begin, in this order."""

    def finding(self, finding: Finding) -> None:
        """One of them is judged; its walk comes later."""

    def waiting(self, names: Sequence[str]) -> None:
        """These are still under way; called every second."""


def run_checks(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    *,
    only: Sequence[str] = (),
    files: ReportFiles = NO_FILES,
    run: str = "",
    watcher: CheckWatcher | None = None,
    on_result: Callable[[CheckRun], None] = lambda _run: None,
    on_file: Callable[[Path], None] = lambda _file: None,
) -> CheckRun:
    """Run the checks, of which `only` names some by a part of their names.

    `run` is the run whose guard is around this already, if there is one. `watcher` is told what goes on. `on_result` is
    called before the files are written, `on_file` with each file that was written.
    """
    checks = select_checks(scenario.reading.scenario, only)
    began = time.monotonic()
    # Under a watchdog: a node whose image lacks a tool is probed from a container beside it.
    with nullcontext(run) if run else workspace.guard() as guarded_run:
        settings: dict[str, object] = {"extra_images": files.images}
        if watcher:
            watcher.begin([check.name for check in checks])
            settings |= {"on_finding": watcher.finding, "on_waiting": watcher.waiting}
        lab = workspace.without_watcher().lab(scenario, lab_name, run=guarded_run, **settings)
        with report_writer(scenario, lab, files) as writer:
            with junit_on_error(scenario, lab.name, files):
                findings = _recorded_check(workspace, lab, checks, guarded_run, inside=bool(run))
            result = CheckRun(scenario.reading.scenario.name, lab.name, findings, time.monotonic() - began)
            on_result(result)
            for file in writer.write(checks, findings):
                on_file(file)
    return result


def _recorded_check(
    workspace: Workspace, lab: Lab, checks: Sequence[BaseCheck], run: str, *, inside: bool
) -> tuple[Finding, ...]:
    """Run the checks; that they began and how they ended is recorded, unless they are inside of another operation."""
    from orchestrator.lab.faults import check

    if inside:
        return check(lab, checks)
    with recorded(workspace.without_watcher(), lab.name, run) as record:
        findings = check(lab, checks)
        record.exit_code = EXIT_CODES[worst(finding.verdict for finding in findings)]
        return findings


def select_checks(scenario: Scenario, only: Sequence[str]) -> list[BaseCheck]:
    """The checks whose names hold one of these texts; all of them where there is none. Raises UsageInvalid."""
    checks: list[BaseCheck] = [
        check for check in scenario.checks if not only or any(text in check.name for text in only)
    ]
    if only and not checks:
        raise _no_such_check(only, [check.name for check in scenario.checks], f"wirelab check {scenario.name}")
    return checks


@dataclass(frozen=True)
class Explanation:
    """The walks through the layers of some checks; `skipped` checks put a fault in first, and were left out."""

    findings: tuple[Finding, ...]
    skipped: int

    @property
    def verdict(self) -> Verdict:
        return worst(finding.verdict for finding in self.findings)


def explain_checks(
    workspace: Callable[[], Workspace], scenario: LoadedScenario, lab_name: str | None, check_name: str | None
) -> Explanation:
    """Walk through the layers of the checks whose names hold `check_name`, of the lab as it is now.

    The workspace is opened once it is known that there is something to explain.
    """
    checks = scenario.reading.scenario.checks
    named = [check for check in checks if check_name is None or check_name in check.name]
    # A fault is put in only by `check`: `why` looks at the lab as it stands.
    wanted = [check for check in named if not check.fault_steps]
    if not wanted:
        raise _nothing_to_explain(check_name, [check.name for check in checks], bool(named), scenario)
    opened = workspace()
    with opened.guard() as run:
        lab = opened.lab(scenario, lab_name, run=run)
        with recorded(opened, lab.name, run) as record:
            findings = lab.judge(wanted, walks="all")
            record.exit_code = EXIT_CODES[worst(finding.verdict for finding in findings)]
    return Explanation(findings, len(named) - len(wanted))


def _nothing_to_explain(
    check_name: str | None, names: list[str], with_fault: bool, scenario: LoadedScenario
) -> UsageInvalid:
    name = scenario.reading.scenario.name
    if with_fault or not names:
        why = "each puts a fault in first" if names else "the file has no checks"
        return UsageInvalid("no check can be walked through", why=why, hint=f"wirelab check {name}")
    return _no_such_check((check_name or "",), names, f"wirelab why {name}")


def _no_such_check(texts: Sequence[str], names: Sequence[str], command: str) -> UsageInvalid:
    """The error for texts that are in no check's name; it names the nearest check, or a command for all checks."""
    from orchestrator.reading.spelling import near

    nearest = next(filter(None, (near(text, names) for text in texts)), None)
    hint = f"did you mean {nearest!r}?" if nearest else command
    why = "the checks are" + "".join(f"\n         {known}" for known in names)
    return UsageInvalid(
        f"no check has {' or '.join(repr(text[:80]) for text in texts)} in its name", why=why, hint=hint
    )
