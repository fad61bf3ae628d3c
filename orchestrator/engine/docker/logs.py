"""What the containers of a Docker engine wrote, what they write, and the wait for a line of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import requests
from urllib3.exceptions import ReadTimeoutError

from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.private_api import follow_log
from orchestrator.engine.docker.sdk_errors import map_sdk_errors
from orchestrator.engine.logs import LineTest, StopTest
from orchestrator.engine.timestamps import unix_seconds


class DockerLogs(DockerConnection):
    """The capability `Logs`."""

    def now(self) -> float:
        with map_sdk_errors("the engine's time"):
            return unix_seconds(self._api.info()["SystemTime"])

    def log(self, container: str, since: float = 0.0) -> str:
        with map_sdk_errors(f"the log of the container {container[:12]}"):
            raw: bytes = self._api.logs(container, since=since or None)
        return raw.decode("utf-8", "replace")

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        with map_sdk_errors(f"the log of the container {container[:12]}"), closing(self._client(None)) as api:
            yield from lines(api.logs(container, stream=True, follow=True, since=since or None))

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            try:
                with map_sdk_errors(f"the log of the container {container[:12]}", patient=True):
                    # The log has an end only when the container has one.
                    return next(filter(wanted, lines(follow_log(self._listening, container, since))), None)
            except (requests.exceptions.Timeout, ReadTimeoutError):
                continue
            except requests.exceptions.ConnectionError:
                # Busy, or gone: asked with more patience than the log, the engine answers or is missing.
                with map_sdk_errors(f"the container {container[:12]}"):
                    self._api.inspect_container(container)
        return None


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
