"""What the containers of a Docker engine wrote, what they write, and the wait for a line of it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import docker
import requests
from urllib3.exceptions import ReadTimeoutError

from orchestrator.engine.protocol import Stop, Wanted
from orchestrator.engine.sdk_errors import translated

# How long a silent log is listened to before we look whether anybody still wants it.
SILENCE_SECONDS = 0.5


class DockerLogs:
    """What `DockerEngine` does about logs. `client(timeout=seconds)` is one more client of the same engine."""

    def __init__(self, api: docker.APIClient, client: Callable[..., docker.APIClient]) -> None:
        self._api = api
        self._client = client
        self._listening = client(timeout=SILENCE_SECONDS)

    def close(self) -> None:
        self._listening.close()

    def log(self, container: str, since: float) -> str:
        with translated(f"the log of the container {container[:12]}"):
            raw: bytes = self._api.logs(container, since=since or None)
        return raw.decode("utf-8", "replace")

    def follow(self, container: str, since: float) -> Iterator[str]:
        with translated(f"the log of the container {container[:12]}"), closing(self._client(timeout=None)) as api:
            yield from lines(api.logs(container, stream=True, follow=True, since=since or None))

    def await_line(self, container: str, wanted: Wanted, *, since: float, seconds: float, stop: Stop) -> str | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            try:
                with translated(f"the log of the container {container[:12]}", patient=True):
                    # The log has an end only when the container has one.
                    return next(filter(wanted, lines(self._listen(container, since))), None)
            except (requests.exceptions.Timeout, ReadTimeoutError):
                continue
            except requests.exceptions.ConnectionError:
                # Busy, or gone: asked with more patience than the log, the engine answers or is missing.
                with translated(f"the container {container[:12]}"):
                    self._api.inspect_container(container)
        return None

    def _listen(self, container: str, since: float) -> Iterator[bytes]:
        """The log as it is written; ends with a time-out when nothing comes, which the SDK's own reading forbids."""
        url = self._listening._url("/containers/{0}/logs", container)
        params = {"stdout": 1, "stderr": 1, "follow": 1, "since": f"{since:.9f}" if since else "0"}
        with self._listening._get(url, params=params, stream=True) as response:
            self._listening._raise_for_status(response)
            while len(header := response.raw.read(8)) == 8:
                yield response.raw.read(struct.unpack(">BxxxL", header)[1])


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
