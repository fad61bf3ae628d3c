"""A Docker engine, whole: its capabilities stand in the modules beside this one."""

from __future__ import annotations

from orchestrator.engine.docker.containers import DockerContainers
from orchestrator.engine.docker.http_api import CALL_SECONDS
from orchestrator.engine.docker.logs import DockerLogs
from orchestrator.engine.docker.terminals import DockerTerminals
from orchestrator.engine.docker.volumes import DockerVolumes


class DockerEngine(DockerContainers, DockerVolumes, DockerTerminals, DockerLogs):
    """One engine at one address, such as unix:///var/run/docker.sock. Safe to use from several threads."""

    def version(self) -> str:
        """What the engine calls itself, such as `Docker Engine 20.10.24`."""
        with self._errors("the engine's version"):
            answer = self._api.get("/version")
        return f"{(answer.get('Platform') or {}).get('Name') or 'Docker Engine'} {answer['Version']}"

    def ping(self) -> None:
        """Return as soon as the engine answers. To tell its version it starts two programs (moby, info_unix.go)."""
        with self._errors("a ping"):
            b"".join(self._api.stream("/_ping", seconds=CALL_SECONDS))
