"""Programs inside the containers of a Docker engine: run to their end, spoken with, or read as they write."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import docker

from orchestrator.engines.attached import Heard, Wrote, attend
from orchestrator.engines.protocol import Argv, Env, Output
from orchestrator.engines.translated import translated
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
            sock = self._api.exec_start(made, socket=True)
            try:
                out, err = read_streams(getattr(sock, "_sock", sock), time.monotonic() + seconds)
            finally:
                sock.close()
            code = self._api.exec_inspect(made)["ExitCode"]
        return Output(-1 if code is None else code, out, err)

    def attached(self, container: str, argv: Argv, wrote: Wrote, source: int | None, env: Env) -> int:
        heard = Heard(wrote)
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            made = self._api.exec_create(container, list(argv), stdin=source is not None, environment=env)["Id"]
            sock = self._api.exec_start(made, socket=True)
            try:
                attend(getattr(sock, "_sock", sock), heard, source)
            finally:
                sock.close()
            code = self._api.exec_inspect(made)["ExitCode"]
        heard.end(argv[0], code)
        return -1 if code is None else int(code)

    def stream(self, container: str, argv: Argv, said: list[str]) -> Iterator[bytes]:
        running = translated(f"running {argv[0]!r} in the container {container[:12]}")
        with running, closing(self._client(timeout=None)) as api:
            made = api.exec_create(container, list(argv))["Id"]
            for out, err in api.exec_start(made, stream=True, demux=True):
                if err:
                    said.append(err.decode("utf-8", "replace"))
                if out:
                    yield out
            with suppress(docker.errors.NotFound):
                # An engine that goes away looks like the program's end; it is missing when it is asked again.
                self._api.exec_inspect(made)


def read_streams(sock: Any, deadline: float) -> tuple[str, str]:
    """Standard output and error from the engine's multiplexed stream (Engine API, "attach"); both to the end.

    TookTooLong where more comes than memory is for.
    """
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    left = MOST_BYTES
    while header := _read(sock, 8, deadline):
        stream, size = struct.unpack(">BxxxL", header)
        left -= size
        if left < 0:
            why = f"it had written more than {MOST_BYTES // 1024 // 1024} MiB"
            raise TookTooLong("the program does not end", why=why)
        parts.setdefault(stream, []).append(_read(sock, size, deadline))
    return b"".join(parts[1]).decode("utf-8", "replace"), b"".join(parts[2]).decode("utf-8", "replace")


def _read(sock: Any, size: int, deadline: float) -> bytes:
    found = b""
    while len(found) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        more = sock.recv(size - len(found))
        if not more:
            return b""
        found += more
    return found
