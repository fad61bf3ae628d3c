"""Programs inside the containers of a Docker engine: run to their end, spoken with, or read as they write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from math import inf
from typing import Any

import docker

from orchestrator.engine.attached import Heard, Wrote, attend, frames, read_ahead
from orchestrator.engine.protocol import Argv, Env, Output
from orchestrator.engine.sdk_errors import translated
from orchestrator.errors import TookTooLong

# What a program may write before it counts as one that does not end; an answer of ours has a few megabytes at most.
MOST_BYTES = 64 * 1024 * 1024


class DockerPrograms:
    """What `DockerEngine` does with programs. `client(timeout=seconds)` is one more client of the same engine."""

    def __init__(self, api: docker.APIClient, client: Callable[..., docker.APIClient]) -> None:
        self._api = api
        self._client = client

    def run(self, container: str, argv: Argv, *, seconds: float, user: str, env: Env) -> Output:
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            made = self._api.exec_create(container, list(argv), user=user, environment=env)["Id"]
            with _begun(self._api, made) as (link, early):
                out, err = read_streams(frames(link, early, time.monotonic() + seconds))
            code = self._api.exec_inspect(made)["ExitCode"]
        return Output(-1 if code is None else code, out, err)

    def attached(self, container: str, argv: Argv, wrote: Wrote, source: int | None, env: Env) -> int:
        heard = Heard(wrote)
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            made = self._api.exec_create(container, list(argv), stdin=source is not None, environment=env)["Id"]
            with _begun(self._api, made) as (link, early):
                attend(link, early, heard, source)
            code = self._api.exec_inspect(made)["ExitCode"]
        heard.end(argv[0], code)
        return -1 if code is None else int(code)

    def stream(self, container: str, argv: Argv, said: list[str]) -> Iterator[bytes]:
        running = translated(f"running {argv[0]!r} in the container {container[:12]}")
        with running, closing(self._client(timeout=None)) as api:
            made = api.exec_create(container, list(argv))["Id"]
            with _begun(api, made) as (link, early):
                for stream, piece in frames(link, early, inf):
                    if stream == 1:
                        yield piece
                    else:
                        said.append(piece.decode("utf-8", "replace"))
            with suppress(docker.errors.NotFound):
                # An engine that goes away looks like the program's end; it is missing when it is asked again.
                self._api.exec_inspect(made)


@contextmanager
def _begun(api: docker.APIClient, made: str) -> Iterator[tuple[Any, bytes]]:
    """Start the program: the connection to it, and what has been read from that already."""
    sock = api.exec_start(made, socket=True)
    try:
        yield getattr(sock, "_sock", sock), read_ahead(sock)
    finally:
        sock.close()


def read_streams(pieces: Iterator[tuple[int, bytes]]) -> tuple[str, str]:
    """Standard output and error, both to the end. TookTooLong where more comes than memory is for."""
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    left = MOST_BYTES
    for stream, piece in pieces:
        left -= len(piece)
        if left < 0:
            why = f"it had written more than {MOST_BYTES // 1024 // 1024} MiB"
            raise TookTooLong("the program does not end", why=why)
        parts.setdefault(stream, []).append(piece)
    return b"".join(parts[1]).decode("utf-8", "replace"), b"".join(parts[2]).decode("utf-8", "replace")
