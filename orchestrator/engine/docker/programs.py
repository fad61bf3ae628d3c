"""Programs inside the containers of a Docker engine: run to their end, spoken with, or read as they write."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from math import inf
from socket import socket
from typing import Any

from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.exec_stream import frames, relay
from orchestrator.engine.programs import Argv, Env, Output, OutputSink
from orchestrator.errors import NotFound, NotStarted, TookTooLong

# What a program may write before it counts as one that does not end; an answer of ours has a few megabytes at most.
MOST_BYTES = 64 * 1024 * 1024
# What the engine hands on as if a program had written it that could not be started, and the exit codes with it.
RUNTIME_SAYS = re.compile(rb"OCI runtime exec failed|Error: (runc|crun|youki|runsc): ")
# What Podman adds to that: it had waited for the program's output.
PODMAN_ADDS = b"Error: read unixpacket "
PODMAN_REMARK = re.compile(r": OCI (runtime attempted|permission denied)[^:]*$")
NO_PROGRAM = (126, 127, 254, 255)


class DockerPrograms(DockerConnection):
    """The capability `Programs`."""

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        with self._errors(_running(argv, container)):
            program = self._program(container, argv, env, user=user)
            with self._started(program) as (link, early):
                out, err = read_streams(frames(link, early, time.monotonic() + seconds, self._api.ping))
            code = self._exit_code(program)
        return Output(-1 if code is None else code, out, err)

    def attached(self, container: str, argv: Argv, sink: OutputSink, source: int | None = None, env: Env = None) -> int:
        output = RuntimeMessageFilter(sink)
        with self._errors(_running(argv, container)):
            program = self._program(container, argv, env, reads=source is not None)
            with self._started(program) as (link, early):
                relay(link, early, output, self._api.ping, source)
            code = self._exit_code(program)
        output.end(argv[0], code)
        return -1 if code is None else code

    def stream(self, container: str, argv: Argv, errors: list[str], *, seconds: float = inf) -> Iterator[bytes]:
        with self._errors(_running(argv, container)):
            program = self._program(container, argv)
            with self._started(program) as (link, early):
                yield from standard_output(frames(link, early, time.monotonic() + seconds, self._api.ping), errors)
        with suppress(NotFound), self._errors(_running(argv, container)):
            # An engine that goes away looks like the program's end; it is missing when it is asked again.
            self._exit_code(program)

    def _program(
        self, container: str, argv: Argv, env: Env = None, *, user: str = "", reads: bool = False, tty: bool = False
    ) -> str:
        """The id of a program that the engine is ready to start."""
        body = {
            "Cmd": list(argv),
            "User": user,
            "Env": [f"{name}={value}" for name, value in (env or {}).items()],
            "AttachStdin": reads,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": tty,
        }
        program: str = self._api.post(f"/containers/{container}/exec", body)["Id"]
        return program

    def _started(self, program: str, *, tty: bool = False) -> AbstractContextManager[tuple[socket, bytes]]:
        return self._api.upgraded(f"/exec/{program}/start", {"Detach": False, "Tty": tty})

    def _exit_code(self, program: str) -> int | None:
        return exit_code(self._api.get(f"/exec/{program}/json"))


def exit_code(document: Mapping[str, Any]) -> int | None:
    """From GET /exec/{id}/json; None while the program runs. Podman calls the code 0 then."""
    code: int | None = document["ExitCode"]
    return None if document.get("Running") else code


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
        if RUNTIME_SAYS.match(piece) and self._held is None:
            self._held = (stream, piece)
        elif not (self._held and piece.startswith(PODMAN_ADDS)):
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
    why = PODMAN_REMARK.sub("", message.strip()).removesuffix(": unknown").rpartition('": ')[2]
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
