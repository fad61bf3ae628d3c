"""Volumes of a Docker engine."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.engine.docker.connection import DockerConnection, with_label
from orchestrator.engine.docker.retry import retry_while
from orchestrator.errors import NotFound, VolumeBusy
from orchestrator.planning.snapshot import ObservedVolume

# "volume is in use" can persist for a moment after forced removals (Engine 20.10); and somebody else's container may
# really use it. 1 s in all.
TRIES = 7


class DockerVolumes(DockerConnection):
    """The capability `Volumes`."""

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        with self._errors("the volumes"):
            answer = self._api.get("/volumes", filters=with_label(label)).get("Volumes") or []
        volumes = (ObservedVolume(volume["Name"], volume.get("Labels") or {}) for volume in answer)
        return tuple(sorted(volumes, key=lambda volume: volume.name))

    def volume_folder(self, volume: str) -> str:
        """Where the volume is on the engine's own machine. Raises NotFound."""
        with self._errors(f"the volume {volume}"):
            return str(self._api.get(f"/volumes/{volume}")["Mountpoint"])

    def remove_volume(self, volume: str) -> None:
        def remove() -> None:
            with suppress(NotFound), self._errors(f"the volume {volume}"):
                self._api.delete(f"/volumes/{volume}", force=1)

        retry_while(VolumeBusy, remove, TRIES)
