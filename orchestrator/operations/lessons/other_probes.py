"""The programs that checks of other processes run in a lab's nodes, as the lab's journal reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.events import ProbeRunEvent
from orchestrator.lab.journal_reader import NewEntries
from orchestrator.lab.probe_log import announced_program

if TYPE_CHECKING:
    from orchestrator.checks.probes import RunProgram
    from orchestrator.host.state_folder import StateFolder


class OtherProbes:
    """What the journal says of programs without a mark. For one thread."""

    def __init__(self, state: StateFolder, lab: str) -> None:
        self._entries = NewEntries(state, lab, ProbeRunEvent.kind)

    def take(self) -> Iterator[tuple[float, RunProgram, bool]]:
        """When one began (True) or ended (False), since the last call."""
        for entry in self._entries.take():
            if isinstance(entry.event, ProbeRunEvent):
                yield entry.time, announced_program(entry.event), entry.event.state == "started"

    def close(self) -> None:
        """Read no more."""
        self._entries.close()
