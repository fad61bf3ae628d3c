"""The connection to one engine that all its capabilities share."""

from __future__ import annotations

import json
from threading import Lock

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.http_api import HttpApi


class DockerConnection:
    """The API of the engine at `url`. Raises EngineMissing if none answers there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._api = HttpApi(url)
        with map_api_errors(f"the engine at {url}"):
            self._api.open()
        # Held while an endpoint is removed and while networks are read (see `DockerNetworks`).
        self._endpoints = Lock()

    @property
    def url(self) -> str:
        return self._url

    @property
    def speaks_libpod(self) -> bool:
        """Whether it is a Podman, which has an API of its own beside Docker's."""
        return self._api.speaks_libpod

    def close(self) -> None:
        self._api.close()


def with_label(label: str) -> str:
    """The filter of a list for what has `label` (a key, or key=value)."""
    return json.dumps({"label": [label]})
