"""Choose the engine of a lab: the member on which it stands, the one that the user named, or the best of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.host.members.names import is_split, parts
from orchestrator.lab.member_pin import copies_files, member_of, pinned_labs, require_home, stands
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.host.members.member import Member
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.planning.placement import MemberRoom

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Home:
    """The member of a lab, and the address at which its engine answers. `is_new`: nothing of the lab stands there.

    `copies` says that a lab which stands there mounts copies of its files. A split lab has several members, in one
    word (`host/members/names.py`); `copies_on` are those of them that have copies.
    """

    member: str
    url: str
    is_new: bool
    copies: bool = False
    copies_on: tuple[str, ...] = ()


def find_home(
    state: StateFolder,
    lab_name: str,
    names: Sequence[str] = (),
    *,
    nodes: int = 1,
    notify: Notify,
    warn: Notify | None = None,
) -> Home | None:
    """The member on whose engine the lab stands, or is to come up; None for the engine in use.

    `names` are the members to choose from. A lab that stands stays: UsageInvalid if it is on none of them. `warn` takes
    a line for each that is passed over, because it does not answer; without it `notify` does. Raises UsageInvalid for
    an unknown member, MemberUnreachable for one that does not answer.
    """
    if not names and not member_of(state, lab_name):
        return None
    from orchestrator.host.members.member import LOCAL
    from orchestrator.host.members.reach import reach_home, reach_member
    from orchestrator.host.members.registry import chosen_members

    chosen = chosen_members(state, [part for name in names for part in parts(name)])
    if names:
        require_home(state, lab_name, tuple("" if name == LOCAL else name for name in names))
    if stands(state, lab_name):
        pinned = member_of(state, lab_name)
        if not pinned:
            return None
        copies_on = tuple(name for name in parts(pinned) if copies_files(state, lab_name, name))
        url, copies = reach_home(state, pinned), copies_files(state, lab_name)
        return Home(pinned, url, is_new=False, copies=copies, copies_on=copies_on)
    if any(map(is_split, names)):
        return Home(names[0], reach_home(state, names[0]), is_new=True)
    if len(chosen) == 1:
        (member,) = chosen
        return Home(member.name, reach_member(state, member), is_new=True) if member else None
    return _best(state, lab_name, chosen, nodes, notify, warn or notify)


def _best(
    state: StateFolder, lab_name: str, chosen: Sequence[Member | None], nodes: int, notify: Notify, warn: Notify
) -> Home | None:
    """The member with the most free memory. Skips members that do not answer, if another one does."""
    from orchestrator.host.members.member import LOCAL
    from orchestrator.operations.members.place import place_and_reserve
    from orchestrator.planning.placement import lab_weight

    rooms, troubles = _rooms(state, chosen)
    for trouble in troubles:
        warn(f"{trouble.what}: passed over")
    placed = place_and_reserve(state, lab_weight(lab_name, nodes), [room for room, _ in rooms])
    notify(f"the lab {lab_name!r} comes up on {'the engine in use' if placed == LOCAL else f'the member {placed!r}'}")
    url = next(url for room, url in rooms if room.member == placed)
    return None if placed == LOCAL else Home(placed, url, is_new=True)


def measured_rooms(state: StateFolder, names: Sequence[str]) -> tuple[list[tuple[MemberRoom, str]], list[WirelabError]]:
    """How much room each of these members has, with its address; and why others do not answer.

    Raises UsageInvalid for an unknown member, and the first trouble where none answers.
    """
    from orchestrator.host.members.registry import chosen_members

    return _rooms(state, chosen_members(state, names))


def _rooms(
    state: StateFolder, chosen: Sequence[Member | None]
) -> tuple[list[tuple[MemberRoom, str]], list[WirelabError]]:
    from orchestrator.operations.members.registration import side_by_side

    answers = side_by_side(lambda member: _room(state, member), chosen)
    troubles = [answer for answer in answers if isinstance(answer, WirelabError)]
    rooms = [answer for answer in answers if not isinstance(answer, WirelabError)]
    if not rooms:
        raise troubles[0]
    return rooms, troubles


def _room(state: StateFolder, member: Member | None) -> tuple[MemberRoom, str] | WirelabError:
    """How much room a member has, and its address; or why nobody can tell."""
    from orchestrator.engine.opening import open_engine
    from orchestrator.host.find import find_engine
    from orchestrator.host.members.member import LOCAL
    from orchestrator.host.members.reach import naming_member, reach_member
    from orchestrator.operations.members.examine import free_memory_of
    from orchestrator.planning.placement import MemberRoom

    def quiet(_text: str) -> None:
        return

    try:
        if member:
            url = reach_member(state, member)
        else:
            url = find_engine(os.environ, state, private=False, notify=quiet, confirm=lambda _question: False).url
        with naming_member(member.name if member else "", url), closing(open_engine(url)) as engine:
            free = free_memory_of(engine, url)
    except WirelabError as error:
        return error
    name = member.name if member else LOCAL
    return MemberRoom(name, free, len(pinned_labs(state, member.name) if member else _labs_here(state))), url


def _labs_here(state: StateFolder) -> list[str]:
    """The labs that stand on the engine in use."""
    from orchestrator.lab.source import lab_names

    return [lab for lab in lab_names(state) if not member_of(state, lab)]
