"""The capability of an engine to tell what containers wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

# Whether a line of a log is the one that is waited for.
LineTest = Callable[[str], bool]
# Whether nobody waits any more.
StopTest = Callable[[], bool]


class Logs(Protocol):
    """What containers wrote, both streams. `since` is in seconds since 1970 by the engine's own time."""

    def now(self, container: str = "", /) -> float:
        """The engine's own time (seconds since 1970), by which it dates what containers write.

        Where several engines are one, that of the engine which has this container.
        """
        ...

    def log(self, container: str, since: float = 0.0) -> str:
        """What the container wrote since that moment."""
        ...

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        """The container's log line by line as it is written, until the container ends."""
        ...

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        """Wait until the container writes a line that is `wanted`; return the first that it wrote since that moment.

        None once the container has ended without one, `seconds` are over, or `stop()` says so.
        """
        ...
