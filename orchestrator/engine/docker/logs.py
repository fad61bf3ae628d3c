"""What the containers of a Docker engine wrote, what they write, and the wait for a line of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.exec_stream import whole_frames
from orchestrator.engine.docker.http_api import CALL_SECONDS, NoAnswer, Silence
from orchestrator.engine.logs import LineTest, StopTest
from orchestrator.engine.timestamps import unix_seconds

# How long a silent log is listened to before we look whether anybody still wants it.
SILENCE_SECONDS = 0.5


class DockerLogs(DockerConnection):
    """The capability `Logs`."""

    def now(self, _container: str = "", /) -> float:
        with self._errors("the engine's time"):
            return unix_seconds(self._api.get("/info")["SystemTime"])

    def log(self, container: str, since: float = 0.0) -> str:
        with self._errors(_log_of(container)):
            return b"".join(self._written(container, since, CALL_SECONDS)).decode("utf-8", "replace")

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        with self._errors(_log_of(container)):
            yield from map(_text, self._written(container, since, None, follow=True))

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            with self._errors(_log_of(container)):
                try:
                    # The log has an end only when the container has one.
                    written = self._written(container, since, SILENCE_SECONDS, follow=True)
                    return next(filter(wanted, map(_text, written)), None)
                except Silence:
                    self._api.ping()
                except NoAnswer:
                    # Busy, or gone: asked with more patience than the log, the engine answers or is missing.
                    self._api.get(f"/containers/{container}/json")
        return None

    def _written(self, container: str, since: float, seconds: float | None, *, follow: bool = False) -> Iterator[bytes]:
        """The lines of both streams, in the order in which they ended; raises Silence after so many seconds."""
        pieces = self._api.stream(
            f"/containers/{container}/logs",
            seconds=seconds,
            stdout=1,
            stderr=1,
            follow=int(follow),
            since=f"{since:.9f}" if since else "0",
        )
        yield from lines(_frames(pieces))


def lines(frames: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Lines with their ends, from (stream, piece). Pieces end anywhere, and those of the other stream come between."""
    begun: dict[int, bytes] = {}
    for stream, piece in frames:
        *whole, begun[stream] = (begun.get(stream, b"") + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    yield from filter(None, begun.values())


def _frames(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    rest = b""
    for piece in pieces:
        frames, rest = whole_frames(rest + piece)
        yield from frames


def _text(line: bytes) -> str:
    return line.removesuffix(b"\n").rstrip(b"\r").decode("utf-8", "replace")


def _log_of(container: str) -> str:
    return f"the log of the container {container[:12]}"
