"""The commands that change a lab, such as `up`, `heal` and `inject`, as its journal reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.events import FaultEvent, LabEvent
from orchestrator.lab.journal_reader import NewEntries

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder


class LabCommands:
    """What the journal says of such commands, also of one that had nothing to change. For one thread."""

    def __init__(self, state: StateFolder, lab: str) -> None:
        self._entries = [NewEntries(state, lab, kind) for kind in (LabEvent.kind, FaultEvent.kind)]

    def take(self) -> bool:
        """Whether there was one since the last call."""
        events = [entry.event for entries in self._entries for entry in entries.take()]
        return any(
            isinstance(event, FaultEvent) or (isinstance(event, LabEvent) and event.state == "up") for event in events
        )

    def close(self) -> None:
        """Read no more."""
        for entries in self._entries:
            entries.close()
