"""Bring a lab up, run its checks and, if wanted, remove it again: what CI does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import LabBusy
from orchestrator.lab.interrupts import uninterrupted
from orchestrator.operations.checks import EXIT_CODES, CheckRun, CheckWatcher, run_checks
from orchestrator.operations.command_record import recorded
from orchestrator.operations.lifecycle import UpOptions, UpResult, bring_up, bring_up_in_run, remove_lab
from orchestrator.operations.reports import ReportFiles, junit_on_error

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace


def up_and_check(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    options: UpOptions,
    files: ReportFiles,
    watcher: CheckWatcher,
    on_result: Callable[[CheckRun], None],
    on_file: Callable[[Path], None],
    *,
    on_up: Callable[[UpResult], None],
) -> CheckRun:
    """Bring the lab up and run its checks. The lab stays."""
    name = lab_name or scenario.reading.scenario.name
    with junit_on_error(scenario, name, files):
        on_up(bring_up(workspace, scenario, name, options))
    return run_checks(workspace, scenario, name, files=files, watcher=watcher, on_result=on_result, on_file=on_file)


def up_check_and_remove(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    options: UpOptions,
    files: ReportFiles,
    watcher: CheckWatcher,
    on_result: Callable[[CheckRun], None],
    on_file: Callable[[Path], None],
) -> CheckRun:
    """Bring the lab up, run its checks and remove it, whatever came out."""
    name = lab_name or scenario.reading.scenario.name
    with workspace.guard() as run, recorded(workspace, name, run) as record:
        try:
            with junit_on_error(scenario, name, files):
                bring_up_in_run(workspace, scenario, name, options, run)
            result = run_checks(
                workspace, scenario, name, files=files, run=run, watcher=watcher, on_result=on_result, on_file=on_file
            )
        except LabBusy:
            raise  # another process works on it, and may have ended by now: its lab stays
        except BaseException:
            _remove(workspace, name, run)
            raise
        record.exit_code = EXIT_CODES[result.verdict]
        _remove(workspace, name, run)
        return result


def _remove(workspace: Workspace, name: str, run: str) -> None:
    with uninterrupted():
        remove_lab(workspace.without_watcher(), name, run)
