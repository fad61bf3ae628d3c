"""The connection to one engine that all its capabilities share."""

from __future__ import annotations

from threading import Lock

import docker

from orchestrator.engine.docker.sdk_errors import map_sdk_errors

CALL_SECONDS = 60
# How long a silent log is listened to before we look whether anybody still wants it.
SILENCE_SECONDS = 0.5


class DockerConnection:
    """The SDK's clients of the engine at `url`. Raises EngineMissing if none answers there."""

    def __init__(self, url: str) -> None:
        self._url = url
        with map_sdk_errors(f"the engine at {url}"):
            self._api = docker.APIClient(base_url=url, version="auto", timeout=CALL_SECONDS)
        self._listening = self._client(SILENCE_SECONDS)
        # Held while an endpoint is removed and while networks are read (see `DockerNetworks`).
        self._endpoints = Lock()

    @property
    def url(self) -> str:
        return self._url

    def close(self) -> None:
        self._api.close()
        self._listening.close()

    def _client(self, seconds: float | None) -> docker.APIClient:
        """One more client of the same engine, with a time limit of its own for each answer."""
        return docker.APIClient(base_url=self._url, version=self._api.api_version, timeout=seconds)
