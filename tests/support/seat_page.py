"""A learner at the page of a seat: answers, works in the seat's client, and sees which task is next."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from live_view import follow

DEADLINE = 240.0
# A slow machine may need a program to run once more.
TRY_SECONDS = 15.0


@dataclass
class SeatPage:
    """The page of a seat while it is open. `run` runs a program in the seat's client."""

    link: str
    run: Callable[..., object]
    hello: dict[str, Any] = field(default_factory=dict)
    lesson: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _requests: int = 0

    def __enter__(self) -> SeatPage:
        self._socket = self._stack.enter_context(follow(self.link).socket())
        self.sees(lambda: bool(self.lesson))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def task(self) -> str:
        """The task that is to be done now; empty where there is none."""
        task = self.lesson["task"]
        return task["name"] if task else ""

    @property
    def states(self) -> set[str]:
        """The states of the nodes that the page is told."""
        return {node["state"] for node in self.nodes["nodes"]}

    def sees(self, is_so: Callable[[], bool], seconds: float = DEADLINE) -> bool:
        """Read what the page is told, until something is so. False where it is not in time."""
        until = time.monotonic() + seconds
        while not is_so():
            left = until - time.monotonic()
            if left <= 0:
                return False
            try:
                message = json.loads(self._socket.recv(timeout=left))
            except TimeoutError:
                return False
            if message["type"] in ("hello", "lesson", "nodes"):
                setattr(self, message["type"], message)
        return True

    def asks(self, do: str, **words: Any) -> None:
        """Send a request as the page does."""
        self._requests += 1
        self._socket.send(json.dumps({"id": self._requests, "do": do, **words}))

    def says(self, line: str) -> None:
        """Type a line into the lesson: an answer, or a word such as hint."""
        self.asks("lesson", line=line)

    def answers(self, line: str, then: str) -> None:
        """Answer a question; the task `then` is next."""
        self.says(line)
        assert self.sees(lambda: self.task == then), self.lesson

    def does(self, *argv: str, then: str) -> None:
        """Run a program in the client until the task `then` is next."""
        until = time.monotonic() + DEADLINE
        while self.task != then:
            assert time.monotonic() < until, self.lesson
            self.run(*argv)
            self.sees(lambda: self.task == then, TRY_SECONDS)
