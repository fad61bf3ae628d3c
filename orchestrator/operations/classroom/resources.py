"""Find out which seats of a class have used up what their nodes may have: memory, processes, disk, descriptors."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.lab.journal import journal_file
from orchestrator.reading.message_parts import listed

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.classroom.seats import RunningSeat
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

STOPPED = ("stopped", "missing")
ROUND_SECONDS = 15.0  # each look starts a program in a node


def used_up(workspace: Workspace, scenario: LoadedScenario, lab_name: str, node_names: Collection[str] = ()) -> str:
    """Which of these nodes, or of all, have no more of a resource, in words; empty where none, or nobody can tell."""
    from orchestrator.operations.exhaustion import read_exhaustion
    from orchestrator.operations.inspection import observe_lab

    with suppress(WirelabError):
        observed_lab = observe_lab(workspace, scenario, lab_name)
        resources = read_exhaustion(workspace, scenario, lab_name, observed_lab, node_names).resources
        return "; ".join(item.sentence(node) for node, items in resources.items() for item in items)
    return ""


def stopped_nodes(lab_name: str, states: Mapping[str, str], faulty: Collection[str]) -> str:
    """Which nodes do not run though no fault stops them, and how to bring them back; empty where all run.

    Of a lab with a fault that the learner is to find, the states are not known. A lab without any node is taken down,
    and comes back by itself.
    """
    stopped = [node for node, state in states.items() if state in STOPPED and node not in faulty]
    if not stopped or set(states.values()) == {"missing"}:
        return ""
    is_single = len(stopped) == 1
    names, them = (f"The node {stopped[0]} does", "it") if is_single else (f"The nodes {listed(stopped)} do", "them")
    return f"{names} not run, though no fault stops {them}: wirelab heal {lab_name}"


class ResourceWatch:
    """A thread that looks at the seats in which somebody works, one after the other.

    Somebody works where a terminal is open, or where the lab's journal has grown. A seat that lacks something is looked
    at until it does not. While seats start, what the start of a lab wrote to its journal is no work.
    """

    def __init__(
        self, state: StateFolder, seats: Collection[RunningSeat], round_seconds: float = ROUND_SECONDS
    ) -> None:
        self._state = state
        self._seats = seats
        self._round_seconds = round_seconds
        self._sizes: dict[str, int] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="resources of seats")

    def start(self) -> None:
        """Begin to look, again and again."""
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(self._round_seconds):
            self.look()

    def look(self) -> None:
        """Look once at each seat in which somebody works."""
        is_start = any(seat.live is None and seat.state in ("waiting", "starting") for seat in self._seats)
        for seat in self._seats:
            if self._ending.is_set():
                return
            if self._is_active(seat, is_start=is_start):
                seat.look_at_resources()

    def _is_active(self, seat: RunningSeat, *, is_start: bool) -> bool:
        live = seat.live
        if live is None:
            return False
        if is_start:
            return bool(seat.used_up) or live.terminals.has_open
        size = _size(journal_file(self._state, live.name))
        has_grown = self._sizes.get(seat.name, 0) != size
        self._sizes[seat.name] = size
        return has_grown or bool(seat.used_up) or live.terminals.has_open


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
