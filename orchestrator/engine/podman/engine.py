"""Podman, whole: its capabilities stand in the modules beside this one."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.engine.docker.engine import DockerEngine
from orchestrator.engine.docker.retry import retry_while
from orchestrator.engine.docker.volumes import TRIES, DockerVolumes
from orchestrator.engine.podman.containers import PodmanContainers
from orchestrator.engine.podman.programs import PodmanPrograms
from orchestrator.errors import NotFound, VolumeBusy


class PodmanVolumes(DockerVolumes):
    """The capability `Volumes`."""

    def remove_volume(self, volume: str) -> None:
        def remove() -> None:
            # Not by force: Podman then removes the containers that use it.
            with suppress(NotFound), self._errors(f"the volume {volume}"):
                self._api.delete(f"/volumes/{volume}")

        retry_while(VolumeBusy, remove, TRIES)


class PodmanEngine(PodmanContainers, PodmanVolumes, PodmanPrograms, DockerEngine):
    """One Podman at one address, such as unix:///run/podman/podman.sock. Safe to use from several threads."""

    def version(self) -> str:
        """What the engine calls itself, such as `Podman 5.4.2`."""
        with self._errors("the engine's version"):
            return f"Podman {self._api.get('/version')['Version']}"
