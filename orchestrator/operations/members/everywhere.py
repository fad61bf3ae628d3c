"""What covers the engine in use and all members: list labs, sweep, and find a lab that nobody remembers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, Leftovers, MemberUnreachable, WirelabError
from orchestrator.host.members.member import LOCAL
from orchestrator.host.members.names import is_split, parts
from orchestrator.host.members.registry import members
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.member_pin import member_of, pinned_labs
from orchestrator.lab.store import LabFolder
from orchestrator.operations.members.home import Home
from orchestrator.operations.members.registration import side_by_side
from orchestrator.operations.workspace import Workspace, member_workspace

if TYPE_CHECKING:
    from orchestrator.host.members.member import Member
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.sweep import SweepResult
    from orchestrator.planning.plan import Plan

OpenLocal = Callable[[], Workspace]


@dataclass(frozen=True)
class ReachedEngines:
    """A workspace for each engine that answers, that of the engine in use first, and the members that do not answer."""

    workspaces: tuple[Workspace, ...]
    unreachable: tuple[MemberUnreachable, ...] = ()
    has_members: bool = False


@contextmanager
def reached_engines(state: StateFolder, open_local: OpenLocal) -> Iterator[ReachedEngines]:
    """Reach all engines; closed at the end.

    `open_local` gives the workspace of the engine in use. Where members are named, none need be in use; one that is
    named and does not answer is then among those that are not reached.
    """
    listed = members(state)
    with ExitStack() as stack:
        local, others = None, list[Workspace]()
        unreachable = list[MemberUnreachable]()
        try:
            local = None if listed and not _has_local(state) else stack.enter_context(closing(open_local()))
        except EngineMissing as error:
            if not listed:
                raise
            unreachable.append(MemberUnreachable(LOCAL, why=error.why or error.what, hint=error.hint))
        for answer in side_by_side(lambda member: _reached(state, member), listed):
            if isinstance(answer, MemberUnreachable):
                unreachable.append(answer)
            elif local is None or answer.url != local.url:
                others.append(_acting_as(stack.enter_context(closing(answer)), local))
        silent = {error.member for error in unreachable}
        for name in _split_homes(state):
            if not silent & set(parts(name)):
                others.append(_acting_as(stack.enter_context(closing(_of_several(state, name))), local))
        yield ReachedEngines((*((local,) if local else ()), *others), tuple(unreachable), bool(listed))


def _has_local(state: StateFolder) -> bool:
    from orchestrator.host.find import running_engine

    return running_engine(os.environ, state) is not None


def _reached(state: StateFolder, member: Member) -> Workspace | MemberUnreachable:
    from orchestrator.host.members.reach import reach_member

    try:
        home = Home(member.name, reach_member(state, member), is_new=False)
        return member_workspace(state, home, notify=lambda _text: None)
    except MemberUnreachable as error:
        return error
    except WirelabError as error:
        return MemberUnreachable(member.name, why=f"{error.what}: {error.why}" if error.why else error.what)


def _split_homes(state: StateFolder) -> list[str]:
    """The members, in one word, of each set on which split labs stand, or on which dead runs made some."""
    from orchestrator.lab.run_registry import dead_runs, run_member
    from orchestrator.lab.source import lab_names
    from orchestrator.lab.store import labs_with_begun_removal

    labs = {*lab_names(state), *labs_with_begun_removal(state)}
    homes = {member_of(state, lab) for lab in labs} | {run_member(state, run) for run in dead_runs(state)}
    return sorted(home for home in homes if is_split(home))


def _of_several(state: StateFolder, name: str) -> Workspace:
    from orchestrator.host.members.reach import reach_home

    return member_workspace(state, Home(name, reach_home(state, name), is_new=False), notify=lambda _text: None)


def _acting_as(workspace: Workspace, local: Workspace | None) -> Workspace:
    """The workspace of a member, for the same person who uses the engine in use."""
    if local is None:
        return workspace
    return replace(workspace, actor=local.actor, notify=local.notify, on_event=local.on_event)


def sweep_everywhere(reached: ReachedEngines, state: StateFolder, *, all_labs: bool) -> SweepResult:
    """Sweep each engine that answers. A member that does not is among the failures; what is there waits for it."""
    from orchestrator.operations.sweep import SweepResult, sweep

    results = [sweep(workspace, all_labs=all_labs) for workspace in reached.workspaces]
    failures: list[WirelabError] = [failure for result in results for failure in result.failures]
    failures += [_unswept(state, error) for error in reached.unreachable]
    return SweepResult(
        sum(result.removed for result in results),
        sum(result.healed for result in results),
        tuple(failures),
        tuple(left for result in results for left in result.left),
    )


def labs_of_unreachable(state: StateFolder, error: MemberUnreachable) -> MemberUnreachable:
    """The same error, with the labs that stand on the member."""
    labs = pinned_labs(state, error.member)
    why = f"{error.why}; its labs are {', '.join(labs)}" if labs else error.why
    return MemberUnreachable(error.member, why=why, hint=error.hint)


def _unswept(state: StateFolder, error: MemberUnreachable) -> Leftovers:
    why = labs_of_unreachable(state, error).why
    what = f"the member {error.member!r} does not answer, and is not swept"
    return Leftovers(what, why=why, hint="when it is back: wirelab sweep")


def postpone_removal(state: StateFolder, lab_name: str, error: MemberUnreachable) -> Leftovers:
    """Write down that a lab is to be removed once its member is back; the error that says so."""
    with lab_lock(state, lab_name):
        LabFolder(state, lab_name).begin_removal()
    what = f"the lab {lab_name!r} is not removed yet: {error.what}"
    return Leftovers(what, why=error.why, hint="when it is back, this removes the lab: wirelab sweep")


def find_and_remove(reached: ReachedEngines, lab_name: str) -> Plan | None:
    """Remove a lab of which only an engine knows; the plan of what was removed, None where it is on no engine.

    Raises MemberUnreachable where it is on no engine that answers, and another one does not.
    """
    from orchestrator.operations.lifecycle import bring_down
    from orchestrator.planning import labels

    label, holders = f"{labels.LAB}={lab_name}", list[Workspace]()
    for workspace in reached.workspaces:
        networks = [network for network in workspace.engine.networks() if network.labels.get(labels.LAB) == lab_name]
        if networks or workspace.engine.containers(label) or workspace.engine.volumes(label):
            holders.append(workspace)
    plans: list[Plan] = []
    for workspace in holders[:-1]:
        # A network that spans stays until the last member has no node of it.
        with suppress(Leftovers):
            plans.append(bring_down(workspace, lab_name))
    plans += [bring_down(workspace, lab_name) for workspace in reversed(holders)]
    if plans:
        return next(filter(None, plans), plans[-1])
    for workspace in reached.workspaces[:1]:
        bring_down(workspace, lab_name)  # its files here, if there are any
    if reached.unreachable:
        raise reached.unreachable[0]
    return None
