"""Place one lab while other commands place theirs, as the workers of a test suite do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import WorldError
from orchestrator.lab.member_pin import stands
from orchestrator.lab.reservations import Reservation, placing, recent_reservations, reserve
from orchestrator.planning.placement import LabWeight, MemberRoom, place_labs

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder

# MiB. Two measurements of one busy machine differ by less than this.
LEAST_DIFFERENCE = 512


def place_and_reserve(state: StateFolder, weight: LabWeight, rooms: Iterable[MemberRoom]) -> str:
    """The member on which the lab comes up, by what is free and what was placed there a moment ago.

    Raises WorldError if it fits on no member, even if the labs placed there need no more memory than they use now.
    """
    listed = _levelled(tuple(rooms))
    with placing(state):
        recent = [placed for placed in recent_reservations(state) if placed.lab != weight.lab]
        try:
            member = place_labs([weight], [_less(state, room, recent) for room in listed])[weight.lab]
        except WorldError:
            member = place_labs([weight], listed)[weight.lab]
        reserve(state, Reservation(weight.lab, member, weight.memory))
    return member


def _levelled(rooms: tuple[MemberRoom, ...]) -> tuple[MemberRoom, ...]:
    """The same rooms; those with about as much free memory as the one with most count as equal, so that labs decide."""
    most = max((room.free for room in rooms if room.free is not None), default=0)
    top = [room for room in rooms if room.free is not None and most - room.free < LEAST_DIFFERENCE]
    level = min((room.free for room in top if room.free is not None), default=0)
    return tuple(replace(room, free=level) if room in top else room for room in rooms)


def _less(state: StateFolder, room: MemberRoom, recent: Iterable[Reservation]) -> MemberRoom:
    """The room that is left of a member once these labs have settled; those that stand there are counted already."""
    there = [reservation for reservation in recent if reservation.member == room.member]
    coming = [reservation for reservation in there if not stands(state, reservation.lab)]
    free = None if room.free is None else max(0, room.free - sum(reservation.memory for reservation in there))
    return MemberRoom(room.member, free, room.labs + len(coming))
