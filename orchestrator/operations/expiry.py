"""Remove labs whose time is over: at their end, and where nobody has done so, later.

As a program it is what waits for the end of one lab turns into: `python -m orchestrator.operations.expiry STATE LAB`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, LabBusy, Leftovers
from orchestrator.events import Actor, LabEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.expiry import LabEnd, end_of, ended_labs, has_timer, set_end, start_timer
from orchestrator.operations.command_record import recorded
from orchestrator.operations.workspace import Workspace, new_run_id

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long an engine that does not answer, or a command that works on the lab, is waited for.
PATIENCE_SECONDS = 600.0


def keep_end(workspace: Workspace, lab_name: str, end: LabEnd | None) -> None:
    """Let the lab end at that time, or at the one that it has; a timer that is gone is started again.

    The caller holds the lab's lock.
    """
    if end:
        set_end(workspace.state, lab_name, end)
    if end_of(workspace.state, lab_name) and not has_timer(workspace.state, lab_name):
        start_timer(workspace.state, lab_name, os.environ)


def end_lab(workspace: Workspace, lab_name: str) -> int:
    """Remove the lab if its end has passed; return how many things that were. Raises LabBusy or Leftovers."""
    from orchestrator.lab.lock import lab_lock
    from orchestrator.lab.take_down import remove_locked_lab

    quiet = workspace.without_watcher()
    publish = quiet.publisher(quiet.journal(lab_name))
    with lab_lock(quiet.state, lab_name):
        end = end_of(quiet.state, lab_name)
        if end is None or end.at > time.time():
            return 0
        with recorded(quiet, lab_name):
            plan = remove_locked_lab(quiet.engine, quiet.state, lab_name, publish)
            publish(LabEvent("down", len(plan.steps)))
    return len(plan.steps)


def remove_ended_labs(workspace: Workspace) -> None:
    """Remove the labs on this engine that nobody has removed at their end. Tells of each, and raises nothing."""
    for lab_name in ended_labs(workspace.state, workspace.url, time.time()):
        try:
            end_lab(workspace, lab_name)
            workspace.notify(f"the time of the lab {lab_name!r} was over: removed")
        except (LabBusy, Leftovers) as error:
            workspace.notify(f"the time of the lab {lab_name!r} is over, and it cannot be removed: {error.why}")


def end_when_possible(state: StateFolder, lab_name: str) -> None:
    """Remove the lab, whose end has come; a busy lab and an engine that restarts are waited for.

    Where the end was put off meanwhile, the timer goes on.
    """
    from orchestrator.host.members.reach import reach_url
    from orchestrator.lab.member_pin import member_of
    from orchestrator.operations.members.home import Home
    from orchestrator.operations.workspace import member_workspace

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (end := end_of(state, lab_name)) and time.monotonic() < deadline:
        if end.at > time.time():
            start_timer(state, lab_name, os.environ)
            return
        actor = Actor(new_run_id(), "timer", ("wirelab", "down", "--lab", lab_name))
        try:
            reach_url(state, end.url)
            home = Home(member_of(state, lab_name), end.url, is_new=False)
            workspace = member_workspace(state, home, notify=lambda _text: None, actor=actor)
            end_lab(workspace, lab_name)
            workspace.close()
        except (EngineMissing, LabBusy):
            time.sleep(1)


def main(arguments: Sequence[str]) -> None:
    """The state folder and the lab's name."""
    root, lab_name = arguments
    end_when_possible(StateFolder(Path(root)), lab_name)


if __name__ == "__main__":
    main(sys.argv[1:])
