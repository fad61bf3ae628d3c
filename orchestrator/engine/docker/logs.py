"""What the containers of a Docker engine wrote, what they write, and the wait for a line of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.exec_stream import whole_frames
from orchestrator.engine.docker.http_api import CALL_SECONDS, NoAnswer, Silence
from orchestrator.engine.logs import LineTest, StopTest
from orchestrator.engine.timestamps import unix_seconds

# How long a silent log is listened to before we look whether anybody still wants it.
SILENCE_SECONDS = 0.5


class DockerLogs(DockerConnection):
    """The capability `Logs`."""

    def now(self) -> float:
        with map_api_errors("the engine's time"):
            return unix_seconds(self._api.get("/info")["SystemTime"])

    def log(self, container: str, since: float = 0.0) -> str:
        with map_api_errors(_log_of(container)):
            return b"".join(self._written(container, since, CALL_SECONDS)).decode("utf-8", "replace")

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        with map_api_errors(_log_of(container)):
            yield from lines(self._written(container, since, None, follow=True))

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            with map_api_errors(_log_of(container)):
                try:
                    # The log has an end only when the container has one.
                    written = self._written(container, since, SILENCE_SECONDS, follow=True)
                    return next(filter(wanted, lines(written)), None)
                except Silence:
                    self._api.ping()
                except NoAnswer:
                    # Busy, or gone: asked with more patience than the log, the engine answers or is missing.
                    self._api.get(f"/containers/{container}/json")
        return None

    def _written(self, container: str, since: float, seconds: float | None, *, follow: bool = False) -> Iterator[bytes]:
        """Both streams of the log in the order in which they were written; raises Silence after so many seconds."""
        pieces = self._api.stream(
            f"/containers/{container}/logs",
            seconds=seconds,
            stdout=1,
            stderr=1,
            follow=int(follow),
            since=f"{since:.9f}" if since else "0",
        )
        rest = b""
        for piece in pieces:
            frames, rest = whole_frames(rest + piece)
            yield from (text for _, text in frames)


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def _log_of(container: str) -> str:
    return f"the log of the container {container[:12]}"
