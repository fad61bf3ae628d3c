"""On which member each lab comes up: by the memory that it will use and that the members have free. Pure.

A lab is never split, and one that stands stays where it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.quick_dataclass import dataclass

# MiB. What a node of wirelab's own images uses at rest, with its share of the engine, and what the recorder of a lab
# uses: the limits of nodes are several times as high (docs/teaching.md has the measured values).
NODE, RECORDER = 48, 64
KEPT_FREE = 256


@dataclass(frozen=True)
class LabWeight:
    """A lab to place: the memory that it will use, in MiB, and the member on which it stands, if it does."""

    lab: str
    memory: int
    pinned: str = ""


@dataclass(frozen=True)
class MemberRoom:
    """A member that answers: its free memory in MiB, None where nobody could measure it, and its labs."""

    member: str
    free: int | None
    labs: int = 0


def lab_weight(lab: str, nodes: int, *, records: bool = False, pinned: str = "") -> LabWeight:
    """The weight of a lab with so many nodes."""
    return LabWeight(lab, nodes * NODE + (RECORDER if records else 0), pinned)


def place_labs(labs: Iterable[LabWeight], rooms: Iterable[MemberRoom]) -> dict[str, str]:
    """Lab -> member. The heaviest lab comes first, and each goes where most memory is left after those before it.

    Of members with the same room, the one with fewer labs is taken, then the first of them. A member whose memory
    nobody knows counts as if it had none to spare, and is taken only where no other one has room. Raises WorldError
    where a lab fits nowhere, UsageInvalid where it stands on a member that is not among them.
    """
    listed, places = tuple(rooms), {}
    open_rooms = [_Room(room.free, room.labs, order, room.member) for order, room in enumerate(listed)]
    by_name = {room.member: room for room in open_rooms}
    waiting = []
    for weight in labs:
        if not weight.pinned:
            waiting.append(weight)
            continue
        if weight.pinned not in by_name:
            raise _elsewhere(weight, by_name)
        places[weight.lab] = weight.pinned
    measured = [room for room in open_rooms if room.free is not None]
    unknown = [room for room in open_rooms if room.free is None]
    for heap in (measured, unknown):
        heapq.heapify(heap)
    for weight in sorted(waiting, key=lambda weight: (-weight.memory, weight.lab)):
        places[weight.lab] = _take(weight, measured, unknown)
    return places


class _Room:
    """What is left of a member while labs are placed."""

    def __init__(self, free: int | None, labs: int, order: int, member: str) -> None:
        self.free = free
        self.labs = labs
        self.order = order
        self.member = member

    def __lt__(self, other: _Room) -> bool:
        return (-(self.free or 0), self.labs, self.order) < (-(other.free or 0), other.labs, other.order)


def _take(weight: LabWeight, measured: list[_Room], unknown: list[_Room]) -> str:
    heap = measured if measured and (measured[0].free or 0) - KEPT_FREE >= weight.memory else unknown
    if not heap:
        raise _no_room(weight, measured)
    room = heap[0]
    room.labs += 1
    if room.free is not None:
        room.free -= weight.memory
    heapq.heapreplace(heap, room)
    return room.member


def _no_room(weight: LabWeight, rooms: list[_Room]) -> WorldError:
    hint = "take down labs (wirelab ls), or add a member: wirelab members add NAME ssh://USER@HOST"
    if not rooms:
        return WorldError(f"no member is there for the lab {weight.lab!r}", why="none was named", hint=hint)
    most = rooms[0]
    why = (
        f"it will use about {weight.memory} MiB, {KEPT_FREE} MiB of a machine stay free, and {most.member!r} has the "
        f"most free memory: {most.free} MiB"
    )
    return WorldError(f"no member has room for the lab {weight.lab!r}", why=why, hint=hint)


def _elsewhere(weight: LabWeight, rooms: Mapping[str, _Room]) -> UsageInvalid:
    why = f"the members to choose from are {', '.join(rooms)}, and a lab stays where it came up first"
    hint = f"name {weight.pinned!r} too, or remove the lab first: wirelab down {weight.lab}"
    return UsageInvalid(f"the lab {weight.lab!r} stands on the member {weight.pinned!r}", why=why, hint=hint)
