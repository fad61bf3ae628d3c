"""Clean up after a command that died: remove what it made, and heal the faults that its checks put in.

As a program it is what a watchdog turns into: `python -m orchestrator.operations.dead_command URL STATE RUN`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, LabBusy
from orchestrator.events import Actor
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.workspace import Workspace

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario

# How long an engine that does not answer, or a command that works on the lab, is waited for.
PATIENCE_SECONDS = 30.0


def clean_up(workspace: Workspace, run: str) -> None:
    """Remove what a run made that has died, and heal the faults of its checks; nothing where it ended well.

    What cannot be removed or healed stays a dead run's, which `wirelab sweep` finds.
    """
    from orchestrator.lab.removal import sweep_until_quiet
    from orchestrator.lab.run_registry import ended_well, forget_run

    if ended_well(workspace.state, run):
        return
    # First, for a helper that the command left may still put a cut in.
    is_quiet = sweep_until_quiet(workspace.engine, workspace.state, run)
    for lab_name in labs_with_ended_faults(workspace.state, run):
        heal_ended_faults(workspace, lab_name)
    if is_quiet:
        forget_run(workspace.state, run)


def labs_with_ended_faults(state: StateFolder, *runs: str) -> list[str]:
    """The labs with faults of checks whose run, one of these if any are given, has ended without healing them."""
    from orchestrator.lab.source import lab_names
    from orchestrator.lab.store import LabFolder

    ended = {lab_name: LabFolder(state, lab_name).faults.ended() for lab_name in lab_names(state)}
    return [name for name, faults in ended.items() if any(not runs or fault.run in runs for fault in faults)]


def heal_ended_faults(workspace: Workspace, lab_name: str) -> int:
    """Heal the faults of checks whose run has ended without healing them; return how many those were.

    The lab is taken for what its last `up` made of it, also if its file has changed. Raises what `heal` raises.
    """
    from orchestrator.lab.faults import heal_ended

    scenario = _scenario_of(workspace.state, lab_name)
    if scenario is None:
        return 0
    return len(heal_ended(workspace.without_watcher().lab(scenario, lab_name)).faults)


def _scenario_of(state: StateFolder, lab_name: str) -> LoadedScenario | None:
    """The scenario of a lab, from the lab's own copy of its file; None where there is none."""
    from orchestrator.lab.source import source_of
    from orchestrator.operations.compiled_scenarios import CompiledScenarios
    from orchestrator.operations.scenario_library import LoadedScenario

    source = source_of(state, lab_name)
    if source is None:
        return None
    file = Path(source.file)
    reading = CompiledScenarios(state).reading(source.text, source.beside.get)
    if reading is None:
        from orchestrator.reading.scenario import read_scenario

        reading = read_scenario(source.text, file=file.name, read_companion=source.beside.get)
    return LoadedScenario(file.parent, file.name, reading, source.text, lab_name)


def _workspace(state: StateFolder, url: str, run: str) -> Workspace:
    """The engine on which the run made things, and the member whose it is."""
    from orchestrator.lab.run_registry import run_member
    from orchestrator.operations.members.home import Home
    from orchestrator.operations.workspace import member_workspace

    home = Home(run_member(state, run), url, is_new=False)
    return member_workspace(state, home, notify=lambda _text: None, actor=Actor(run, "watchdog"))


def main(arguments: Sequence[str]) -> None:
    """The engine's address, the state folder and the run.

    An engine that restarts meanwhile is waited for, and a command that works on the lab.
    """
    from orchestrator.host.members.reach import reach_url

    url, root, run = arguments
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            reach_url(StateFolder(Path(root)), url)
            with closing(_workspace(StateFolder(Path(root)), url, run)) as workspace:
                return clean_up(workspace, run)
        except (EngineMissing, LabBusy):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
