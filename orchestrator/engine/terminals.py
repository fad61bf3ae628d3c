"""The capability of an engine to run a program at a terminal inside a container."""

from __future__ import annotations

from typing import Protocol

from orchestrator.engine.programs import Argv, Env


class Terminal(Protocol):
    """A program at a terminal. One thread reads; any thread may write, resize and close."""

    def read(self) -> bytes:
        """What was written since the last call; waits for it. Empty at the program's end, and once closed."""
        ...

    def write(self, typed: bytes) -> None:
        """Hand over what somebody types. Nothing happens where the program has ended."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """Tell the program how large the terminal is. Nothing happens where the program has ended."""
        ...

    def exit_code(self) -> int | None:
        """The exit code; None while the program runs, and where nobody knows it."""
        ...

    def close(self) -> None:
        """Give back the connection. The program goes on: the engine ends none."""
        ...


class Terminals(Protocol):
    """Terminals in containers that run. Raises NotFound or WrongState for one that is gone or does not run."""

    def terminal(self, container: str, argv: Argv, env: Env = None) -> Terminal:
        """Run a program at a terminal of its own, as the container's user."""
        ...
