"""Open the workspace of a command: progress goes to standard error, questions are asked on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from orchestrator.cli.console import say
from orchestrator.cli.progress import print_step
from orchestrator.errors import MemberUnreachable
from orchestrator.events import Actor

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.members.everywhere import ReachedEngines
    from orchestrator.operations.workspace import Workspace


def open_workspace(
    lab_name: str = "",
    *,
    start: bool = True,
    yes: bool = False,
    read_only: bool = False,
    members: Sequence[str] = (),
    nodes: int = 1,
) -> Workspace:
    """The engine of the lab and the state folder: that of its member, or the engine in use. Raises EngineMissing.

    A lab of so many `nodes` that does not stand yet comes up on one of these members.
    """
    from orchestrator.operations import workspace

    return workspace.open_workspace(
        start=start,
        read_only=read_only,
        notify=say,
        confirm=confirmer(yes),
        on_event=print_step,
        actor=actor(),
        lab_name=lab_name,
        members=members,
        nodes=nodes,
    )


def reached_engines(*, read_only: bool = False) -> AbstractContextManager[ReachedEngines]:
    """The engine in use and those of all members; none is started."""
    from functools import partial

    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.members import everywhere

    open_local = partial(open_workspace, start=False, read_only=read_only)
    return everywhere.reached_engines(StateFolder.of(os.environ), open_local)


def may_stand_anywhere(lab_name: str) -> bool:
    """Whether there are members, and nothing is known here of the lab: it may stand on one of them."""
    from orchestrator.host.members.registry import members
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.member_pin import stands

    state = StateFolder.of(os.environ)
    return bool(members(state)) and not stands(state, lab_name)


def open_workspace_or_postpone(lab_name: str) -> Workspace:
    """The engine of a lab that is to be removed. Where its member does not answer, it is swept later: Leftovers."""
    from orchestrator.host.state_folder import StateFolder

    try:
        return open_workspace(lab_name, start=False)
    except MemberUnreachable as error:
        from orchestrator.operations.members.everywhere import postpone_removal

        raise postpone_removal(StateFolder.of(os.environ), lab_name, error) from error


def open_placed(target: LabTarget, members: Sequence[str], *, yes: bool, watched: bool = False) -> Workspace:
    """The engine on which the lab comes up: where it stands, or one of these members, or the engine in use.

    Raises UsageInvalid where a live page is to show the packets of a lab in which nothing could hear them (`watched`).
    """
    nodes = len(target.scenario.reading.scenario.nodes)
    workspace = open_workspace(target.lab_name, yes=yes, members=members, nodes=nodes)
    if watched:
        workspace.require_recordable(target.lab_name)
    return workspace


def find_lab(name: str | None, lab: str | None, *, file_needed: bool = False) -> LabTarget:
    """The lab that a command line means. Tells a person which of two things NAME was taken for."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabFinder

    target = LabFinder(StateFolder.of(os.environ), Path.cwd()).find(name, lab, file_needed=file_needed)
    if target.note:
        say(f"note: {target.note}")
    return target


def find_lab_name(name: str | None, lab: str | None) -> str:
    """The name of the lab that a command line means, where nothing is read of its scenario."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabFinder

    return LabFinder(StateFolder.of(os.environ), Path.cwd()).name(name, lab)


def actor() -> Actor:
    """Who causes events here: this command line, and its seat in a class."""
    return Actor(token_hex(6), "command line", ("wirelab", *sys.argv[1:]), os.environ.get("WIRELAB_SEAT", ""))


def confirmer(yes: bool) -> Callable[[str], bool]:
    """Ask on a terminal; where nobody can answer, go on."""

    def confirm(question: str) -> bool:
        if yes or os.environ.get("CI") or not sys.stdin.isatty():
            return True
        import click

        return click.confirm(question, default=True, err=True)

    return confirm
