"""Whether there is memory for one more seat of a class: by what the others use, not by the limits of their nodes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError, WorldError
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.operations.classroom.folder import ClassSeat
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

# MiB: what stays free for the machine; what a node, and what reads the packets, may use before a seat was measured.
KEPT_FREE = 256
NODE, READER = 48, 64


class MemoryBudget:
    """How much memory the seats of a class use, and whether one more has room; safe to use from the seats' threads.

    `most` is what all seats may use together, in MiB; None for all that is free. `free` returns that, None if unknown.
    """

    def __init__(self, assumed: int, most: int | None, free: Callable[[], int | None]) -> None:
        self._assumed = assumed
        self._most = most
        self._free = free
        self._used: dict[str, int] = {}
        self._starting: set[str] = set()
        self._changed = threading.Condition()

    @property
    def each(self) -> int:
        """What a seat uses: as measured, or assumed until one was."""
        used = self._used
        return max(1, round(sum(used.values()) / len(used))) if used else self._assumed

    @contextmanager
    def starting(self, seat: str, *, is_up: bool = False) -> Iterator[Callable[[int], None]]:
        """Reserve memory for a seat that is started; the function takes what it uses. Raises WorldError without room.

        A seat whose lab `is_up` already has its memory. What comes after the end of the block is not taken.
        Nobody knows yet what a seat that is starting will use. So if there may be no room for a second seat, that one
        waits.
        """
        with self._changed:
            self._used.pop(seat, None)
            if not is_up:
                while (error := self._lacks_room()) and self._starting:
                    self._changed.wait()
                if error:
                    raise error
                self._starting.add(seat)

        runs = True

        def note(used: int) -> None:
            with self._changed:
                if runs:
                    self._used[seat] = used
                self._end_start(seat)

        try:
            yield note
        finally:
            runs = False
            with self._changed:
                self._end_start(seat)

    def _end_start(self, seat: str) -> None:
        self._starting.discard(seat)
        self._changed.notify_all()

    def _lacks_room(self) -> WorldError | None:
        each, begun = self.each, len(self._starting)
        how = "as measured" if self._used else "as calculated before one was measured"
        if self._most is not None:
            used = sum(self._used.values()) + begun * each
            if used + each > self._most:
                why = f"a seat uses {each} MiB ({how}), and the class uses {used} of {self._most} MiB (--memory)"
                return _no_room(why, "start the class with more --memory, or with fewer seats")
        free = self._free()
        if free is not None and free - begun * each - KEPT_FREE < each:
            why = (
                f"a seat uses {each} MiB ({how}), and the engine's machine has {free} MiB left, "
                f"of which {KEPT_FREE} MiB must stay free"
            )
            return _no_room(why, "end other programs, or take down other labs (wirelab ls)")
        return None


def _no_room(why: str, hint: str) -> WorldError:
    return WorldError("there is not enough memory for one more seat", why=why, hint=hint)


def budget_of(workspace: Workspace, scenario: LoadedScenario, most: int | None) -> MemoryBudget:
    """The budget of a class of this scenario, whose seats together may use `most` MiB, or what is free."""
    assumed = len(scenario.reading.scenario.nodes) * NODE + READER
    return MemoryBudget(assumed, most, workspace.free_memory)


@contextmanager
def room_for(budget: MemoryBudget, workspace: Workspace, seat: ClassSeat) -> Iterator[Callable[[], None]]:
    """Keep room while a seat starts; the function measures what its containers use. Raises WorldError without room.

    The program that reads the packets starts later, and is added. Where nothing can be measured, the seat counts as the
    others do.
    """
    lab = f"{labels.LAB}={seat.lab}"
    with budget.starting(seat.name, is_up=bool(workspace.engine.listed_containers(lab))) as note:

        def measure() -> None:
            used = 0
            with suppress(WirelabError):
                listed = workspace.engine.listed_containers(lab)
                used = sum(workspace.engine.memory_use(container.id) for container in listed) // 1024 // 1024
            # An engine that does not know says 0.
            note(used + READER if used else budget.each)

        yield measure
