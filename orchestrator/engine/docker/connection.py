"""The connection to one engine that all its capabilities share."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from threading import Lock

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.http_api import HttpApi


class DockerConnection:
    """The API of the engine at `url`, which is that of a `member` if one is named. Raises EngineMissing."""

    def __init__(self, url: str, member: str = "") -> None:
        self._url = url
        self._member = member
        self._api = HttpApi(url)
        with self._errors(f"the engine at {url}"):
            self._api.open()
        # Held while an endpoint is removed and while networks are read (see `DockerNetworks`).
        self._endpoints = Lock()

    def _errors(self, what: str) -> AbstractContextManager[None]:
        """Raise what the API raises inside as an error of wirelab; `what` names what the engine was asked about."""
        return map_api_errors(what, self._member)

    @property
    def member(self) -> str:
        """The member whose engine it is; empty for the engine in use."""
        return self._member

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
