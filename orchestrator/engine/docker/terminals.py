"""Programs at a terminal inside the containers of a Docker engine."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import ExitStack, suppress
from typing import Any

from orchestrator.engine.docker.http_api import HttpApi, NoAnswer, Refused
from orchestrator.engine.docker.programs import DockerPrograms, exit_code
from orchestrator.engine.docker.sockets import receive, send
from orchestrator.engine.programs import Argv, Env
from orchestrator.engine.terminals import Terminal

MOST_TYPED = 1024 * 1024  # bytes that wait for a program to read them


class DockerTerminals(DockerPrograms):
    """The capability `Terminals`."""

    def terminal(self, container: str, argv: Argv, env: Env = None) -> Terminal:
        with self._errors(f"a terminal in the container {container[:12]}"), ExitStack() as stack:
            program = self._program(container, argv, env, reads=True, tty=True)
            link, early = stack.enter_context(self._started(program, tty=True))
            return DockerTerminal(self._api, program, link, early, stack.pop_all())


class DockerTerminal:
    """One loop sends and receives; a pair of sockets wakes it up where somebody types, or closes."""

    def __init__(self, api: HttpApi, program: str, link: Any, early: bytes, stack: ExitStack) -> None:
        self._api = api
        self._program = program
        self._link = link
        self._early = early
        self._stack = stack
        self._typed = b""
        self._lock = threading.Lock()
        self._waker, self._woken = socket.socketpair()
        self._closed = False
        self._reading = threading.Lock()
        link.setblocking(False)

    def read(self) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        with self._reading:
            while not self._closed:
                if (piece := self._turn()) is not None:
                    return piece
        return b""

    def _turn(self) -> bytes | None:
        """Wait until something can be done; send what was typed; return what was written, None where it is nothing."""
        with self._lock:
            waiting = [self._link] if self._typed else []
        readable, writable, _ = select.select([self._link, self._woken], waiting, [])
        if self._woken in readable:
            self._woken.recv(64)
        if writable:
            with self._lock:
                self._typed = self._typed[send(self._link, self._typed) :]
        return receive(self._link) if self._link in readable else None

    def write(self, typed: bytes) -> None:
        with self._lock:
            # A program that reads nothing, such as one that is paused, gets no more than this.
            self._typed += typed[: MOST_TYPED - len(self._typed)]
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b".")

    def resize(self, columns: int, rows: int) -> None:
        # A program that has ended has no size; nor has one that is about to begin on a slow machine.
        with suppress(Refused, NoAnswer):
            self._api.post(f"/exec/{self._program}/resize", h=rows, w=columns)

    def exit_code(self) -> int | None:
        with suppress(Refused, NoAnswer):
            return exit_code(self._api.get(f"/exec/{self._program}/json"))
        return None

    def close(self) -> None:
        self._closed = True
        self._wake()
        with self._reading:  # whoever reads has gone
            self._stack.close()
            self._waker.close()
            self._woken.close()
