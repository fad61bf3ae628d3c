"""Name members, list them and forget them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from orchestrator.errors import UsageInvalid, WirelabError, WorldError

if TYPE_CHECKING:
    from orchestrator.host.members.member import Member
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.members.examine import EngineIdentity

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")
# So many members are asked at a time.
AT_ONCE = 16


@dataclass(frozen=True)
class MemberState:
    """A member, and why its engine does not answer; nothing if it does."""

    member: Member
    trouble: WirelabError | None = None


def register_member(state: StateFolder, member: Member) -> Member:
    """Ask the engine who it is, and write the member down with the answer.

    Raises MemberUnreachable where it does not answer, UsageInvalid where it is a member already, and WorldError where
    it is the engine in use or has another architecture. Nothing is written then.
    """
    from orchestrator.host.members.reach import leave_member, naming_member, reach_member
    from orchestrator.host.members.registry import add_member, require_new
    from orchestrator.operations.members.examine import engine_identity, local_identity

    require_new(state, member)
    try:
        url = reach_member(state, member)
        with naming_member(member.name, url):
            identity = engine_identity(url)
        complete = replace(member, engine_id=identity.id, architecture=identity.architecture)
        if local := local_identity(state):
            _require_fit(local, complete)
        add_member(state, complete)
    except WirelabError:
        leave_member(state, member)
        raise
    return complete


def forget_member(state: StateFolder, name: str, *, labs: bool = False) -> Member:
    """End the connection to a member, and forget it; with `labs` also the labs that stand on it.

    Nothing is removed on its engine. Raises UsageInvalid where there is none of that name, or where labs stand on it.
    """
    from orchestrator.host.members.reach import leave_member
    from orchestrator.host.members.registry import member_named, remove_member
    from orchestrator.lab.lock import lab_lock
    from orchestrator.lab.member_pin import pinned_labs
    from orchestrator.lab.store import LabFolder

    member_named(state, name)
    standing = pinned_labs(state, name)
    if standing and not labs:
        what, why = f"labs stand on the member {name!r}", f"they are {', '.join(standing)}"
        hint = f"wirelab down {standing[0]}; if the machine is gone for good: wirelab members rm {name} --forget-labs"
        raise UsageInvalid(what, why=why, hint=hint)
    for lab_name in standing:
        with lab_lock(state, lab_name):
            LabFolder(state, lab_name).remove()
    member = remove_member(state, name)
    leave_member(state, member)
    return member


def member_states(state: StateFolder) -> tuple[MemberState, ...]:
    """All members, and which of them answer; they are asked side by side."""
    from orchestrator.host.members.reach import reach_member
    from orchestrator.host.members.registry import members

    def asked_state(member: Member) -> MemberState:
        try:
            reach_member(state, member)
        except WirelabError as error:
            return MemberState(member, error)
        return MemberState(member)

    return tuple(side_by_side(asked_state, members(state)))


def side_by_side(ask: Callable[[Thing], Answer], things: Iterable[Thing]) -> list[Answer]:
    """What `ask` says of each of them, in their order."""
    listed = list(things)
    if not listed:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(listed))) as pool:
        return list(pool.map(ask, listed))


def _require_fit(local: EngineIdentity, member: Member) -> None:
    """Raise WorldError where the member is the engine in use, or cannot run the images that are built there."""
    from orchestrator.host.members.member import LOCAL

    if member.engine_id and local.id == member.engine_id:
        raise WorldError(
            f"{member.address} is the engine in use", hint=f"the engine in use needs no member: it is called {LOCAL}"
        )
    if local.architecture != member.architecture:
        why = f"it has {member.architecture}, the engine in use {local.architecture}: the same images run on one only"
        hint = "add a machine of the same architecture"
        raise WorldError(f"the member {member.name!r} has another architecture", why=why, hint=hint)
