"""Programs inside the containers of a Docker engine: run to their end, spoken with, or read as they write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from math import inf

import docker

from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.exec_stream import frames, relay
from orchestrator.engine.docker.private_api import exec_connection
from orchestrator.engine.docker.sdk_errors import map_sdk_errors
from orchestrator.engine.programs import Argv, Env, Output, OutputSink
from orchestrator.errors import NotStarted, TookTooLong

# What a program may write before it counts as one that does not end; an answer of ours has a few megabytes at most.
MOST_BYTES = 64 * 1024 * 1024
# What the engine hands on as if a program had written it that could not be started, and the exit codes with it.
RUNTIME_SAYS = b"OCI runtime exec failed"
NO_PROGRAM = (126, 127)


class DockerPrograms(DockerConnection):
    """The capability `Programs`."""

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        with map_sdk_errors(_running(argv, container)):
            program = self._api.exec_create(container, list(argv), user=user, environment=env)["Id"]
            with exec_connection(self._api, program) as (link, early):
                out, err = read_streams(frames(link, early, time.monotonic() + seconds))
            code = self._api.exec_inspect(program)["ExitCode"]
        return Output(-1 if code is None else code, out, err)

    def attached(self, container: str, argv: Argv, sink: OutputSink, source: int | None = None, env: Env = None) -> int:
        output = RuntimeMessageFilter(sink)
        with map_sdk_errors(_running(argv, container)):
            program = self._api.exec_create(container, list(argv), stdin=source is not None, environment=env)["Id"]
            with exec_connection(self._api, program) as (link, early):
                relay(link, early, output, source)
            code = self._api.exec_inspect(program)["ExitCode"]
        output.end(argv[0], code)
        return -1 if code is None else int(code)

    def stream(self, container: str, argv: Argv, errors: list[str]) -> Iterator[bytes]:
        with map_sdk_errors(_running(argv, container)), closing(self._client(None)) as api:
            program = api.exec_create(container, list(argv))["Id"]
            with exec_connection(api, program) as (link, early):
                yield from standard_output(frames(link, early, inf), errors)
            with suppress(docker.errors.NotFound):
                # An engine that goes away looks like the program's end; it is missing when it is asked again.
                self._api.exec_inspect(program)


def standard_output(pieces: Iterator[tuple[int, bytes]], errors: list[str]) -> Iterator[bytes]:
    """What a program writes to standard output; what it writes to standard error goes to `errors`."""
    for stream, piece in pieces:
        if stream == 1:
            yield piece
        else:
            errors.append(piece.decode("utf-8", "replace"))


class RuntimeMessageFilter:
    """Passes on what a program writes, but not what the runtime says in its place: a person cannot read that."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._held: tuple[int, bytes] | None = None

    def __call__(self, stream: int, piece: bytes) -> None:
        if piece.startswith(RUNTIME_SAYS) and self._held is None:
            self._held = (stream, piece)
        else:
            self._sink(stream, piece)

    def end(self, program: str, code: int | None) -> None:
        """The program has ended. Raises NotStarted if it never began."""
        if self._held is None:
            return
        stream, piece = self._held
        if code not in NO_PROGRAM:
            self._sink(stream, piece)  # a program that speaks of runtimes
            return
        raise not_started(program, piece.decode("utf-8", "replace"))


def not_started(program: str, message: str) -> NotStarted:
    """From the runtime's words, such as `...: exec: "x": executable file not found in $PATH: unknown`."""
    why = message.strip().removesuffix(": unknown").rpartition('": ')[2]
    return NotStarted(program, why, missing="not found" in why or "no such file" in why)


def read_streams(pieces: Iterator[tuple[int, bytes]]) -> tuple[str, str]:
    """Standard output and error, both to the end. Raises TookTooLong where more comes than memory is for."""
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    remaining = MOST_BYTES
    for stream, piece in pieces:
        remaining -= len(piece)
        if remaining < 0:
            why = f"it had written more than {MOST_BYTES // 1024 // 1024} MiB"
            raise TookTooLong("the program does not end", why=why)
        parts.setdefault(stream, []).append(piece)
    return b"".join(parts[1]).decode("utf-8", "replace"), b"".join(parts[2]).decode("utf-8", "replace")


def _running(argv: Argv, container: str) -> str:
    return f"running {argv[0]!r} in the container {container[:12]}"
