"""The capability of an engine to list and remove volumes; they are made with their containers."""

from __future__ import annotations

from typing import Protocol

from orchestrator.planning.snapshot import ObservedVolume


class Volumes(Protocol):
    """Volumes by their names."""

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        """The volumes that have `label` (a key, or key=value), in the order of their names."""
        ...

    def remove_volume(self, volume: str) -> None:
        """Remove a volume. Does nothing if it is gone. Raises VolumeBusy if a container uses it."""
        ...
