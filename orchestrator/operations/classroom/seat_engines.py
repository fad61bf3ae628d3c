"""The engines on which the seats of a class stand: the engine in use, and members among which new seats are spread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.errors import MemberUnreachable
from orchestrator.lab.member_pin import member_of, stands
from orchestrator.operations.classroom.memory import MemoryBudget, budget_of
from orchestrator.operations.live.lab_changes import LabChanges
from orchestrator.operations.workspace import Workspace, member_workspace

if TYPE_CHECKING:
    from orchestrator.events import Actor
    from orchestrator.operations.classroom.folder import Classroom
    from orchestrator.operations.scenario_library import LoadedScenario


@dataclass(frozen=True)
class SeatEngine:
    """One engine with seats: how to work on it, who tells of changes there, and how much memory its seats may use."""

    workspace: Workspace
    changes: LabChanges
    budget: MemoryBudget


class SeatEngines:
    """A context that opens each engine when its first seat starts, and closes all at its end.

    `homes` has the member of each lab that does not stand yet; a lab that is not among them comes up on the engine in
    use, whose workspace is `local`. The seats of each engine may use `most` MiB together. Safe to use from threads.
    """

    def __init__(
        self, local: Workspace, scenario: LoadedScenario, most: int | None, homes: Mapping[str, str] | None = None
    ) -> None:
        self._local = local
        self._scenario = scenario
        self._most = most
        self._homes = homes or {}
        self._engines: dict[str, SeatEngine] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def __enter__(self) -> SeatEngines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def of(self, lab_name: str) -> SeatEngine:
        """The engine on which a lab stands, or is to come up. Raises MemberUnreachable."""
        state = self._local.state
        member = member_of(state, lab_name) if stands(state, lab_name) else self._homes.get(lab_name, "")
        with self._lock:
            # Asked each time: a connection that was lost is made anew.
            workspace = self._opened(member) if member else self._local
            if member not in self._engines:
                changes = self._stack.enter_context(LabChanges(workspace.engine, state))
                self._engines[member] = SeatEngine(workspace, changes, budget_of(workspace, self._scenario, self._most))
            return self._engines[member]

    def _opened(self, name: str) -> Workspace:
        from orchestrator.host.members.reach import reach_member
        from orchestrator.host.members.registry import member_named
        from orchestrator.operations.members.home import Home

        local = self._local
        url = reach_member(local.state, member_named(local.state, name))
        if name in self._engines:
            return self._engines[name].workspace
        home = Home(name, url, is_new=True)
        opened = member_workspace(local.state, home, notify=local.notify, on_event=local.on_event, actor=local.actor)
        self._stack.callback(opened.close)
        return opened


class SeatDesk:
    """The engine of one seat, for its own actor. Opened when it is needed, for its member may be away."""

    def __init__(self, engines: SeatEngines, lab_name: str, actor: Actor) -> None:
        self._engines = engines
        self._lab_name = lab_name
        self._actor = actor
        self._own: SeatEngine | None = None

    def open(self) -> SeatEngine:
        """Raises MemberUnreachable."""
        engine = self._engines.of(self._lab_name)
        if self._own is None or self._own.changes is not engine.changes:
            self._own = replace(engine, workspace=engine.workspace.acting_as(self._actor))
        return self._own


def spread_seats(
    local: Workspace, scenario: LoadedScenario, classroom: Classroom, names: Sequence[str]
) -> dict[str, str]:
    """Lab -> member, of the seats whose labs do not stand yet: whole labs, where most memory is free.

    A member that does not answer gets none, and is named. Raises MemberUnreachable where none answers.
    """
    from orchestrator.host.members.member import LOCAL
    from orchestrator.operations.members.home import measured_rooms
    from orchestrator.planning.placement import lab_weight, place_labs

    if not names:
        return {}
    rooms, troubles = measured_rooms(local.state, names)
    for trouble in troubles:
        local.notify(f"{trouble.what}: no seat is placed there")
    new = [seat.lab for seat in classroom.seats if not stands(local.state, seat.lab)]
    nodes = len(scenario.reading.scenario.nodes)
    places = place_labs([lab_weight(lab, nodes, records=True) for lab in new], [room for room, _ in rooms])
    return {lab: "" if member == LOCAL else member for lab, member in places.items()}


def removal_workspace(local: Workspace, lab_name: str) -> Workspace:
    """How to remove the lab of a seat where it stands. Leftovers if its member does not answer: it is swept later."""
    from orchestrator.host.members.reach import reach_member
    from orchestrator.host.members.registry import member_named
    from orchestrator.operations.members.everywhere import postpone_removal
    from orchestrator.operations.members.home import Home

    name = member_of(local.state, lab_name)
    if not name:
        return local
    try:
        home = Home(name, reach_member(local.state, member_named(local.state, name)), is_new=False)
    except MemberUnreachable as error:
        raise postpone_removal(local.state, lab_name, error) from error
    return member_workspace(local.state, home, notify=local.notify, on_event=local.on_event, actor=local.actor)
