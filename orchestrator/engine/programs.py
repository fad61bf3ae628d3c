"""The capability of an engine to run programs inside containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Protocol

from orchestrator.quick_dataclass import dataclass

# A program and its arguments.
Argv = Sequence[str]
# Variables of a program, beside those of its container.
Env = Mapping[str, str] | None
# Takes what a program writes: (1, piece) of its standard output, (2, piece) of its standard error.
OutputSink = Callable[[int, bytes], None]


@dataclass(frozen=True)
class Output:
    """What a program that ran inside a container left: exit code, standard output, standard error."""

    exit_code: int
    out: str
    err: str


class Programs(Protocol):
    """Programs in containers that run. Raises NotFound or WrongState for a container that is gone or does not run."""

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        """Run a program and wait for it, as the container's own user unless `user` names another one.

        Raises TookTooLong after so many seconds, EngineRefused if it cannot be run.
        """
        ...

    def stream(self, container: str, argv: Argv, errors: list[str], *, seconds: float = inf) -> Iterator[bytes]:
        """Run a program; yield its standard output piece by piece, as it is written.

        Its standard error is added to `errors`. Nobody ends the program if the reader goes away before its end. Raises
        TookTooLong after so many seconds.
        """
        ...

    def attached(self, container: str, argv: Argv, sink: OutputSink, source: int | None = None, env: Env = None) -> int:
        """Run a program as long as it takes, and return its exit code. Raises NotStarted if it cannot be run.

        What it writes goes to `sink` as it comes. What the descriptor `source` gives is its input; without one it has
        none.
        """
        ...
