"""The one door to containers, as narrow as the product allows. `docker.py` and `fake.py` keep the same promises,
which `tests/contract` holds for both.

Every method raises only what `errors.py` names: NotFound, Conflict, EngineRefused, EngineMissing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.engine.attached import Wrote
from orchestrator.planning.snapshot import ObservedContainer, ObservedNetwork, ObservedVolume
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

# a program and its arguments
Argv = Sequence[str]
# variables of a program, beside those of its container
Env = Mapping[str, str] | None
# whether a line of a log is the one that is waited for, and whether nobody waits any more
Wanted = Callable[[str], bool]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Output:
    """What a program that ran inside a container left: exit code, standard output, standard error."""

    exit_code: int
    out: str
    err: str


class Engine(Protocol):
    """A container engine. All `str` that are called `container` or `network` are the engine's own ids."""

    # what there is
    def version(self) -> str:
        """What the engine calls itself, with its version."""
        ...

    def networks(self) -> tuple[ObservedNetwork, ...]:
        """Every network, ours or not: their ranges are taken."""
        ...

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        """The containers, running or not, that bear `label` (a key, or key=value)."""
        ...

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        """The volumes that bear `label`."""
        ...

    def container(self, container: str) -> ObservedContainer:
        """One container as it is now."""
        ...

    def now(self) -> float:
        """The engine's own time (seconds since 1970), by which it dates what containers write."""
        ...

    # making and unmaking
    def make_network(self, spec: NetworkSpec) -> str:
        """Make a network and return its id. Conflict if its range or its name is taken."""
        ...

    def remove_network(self, network: str) -> None:
        """Remove a network, with whatever endpoints are left on it; nothing happens if it is gone."""
        ...

    def make_container(self, spec: ContainerSpec) -> str:
        """Create a container, stopped, on all its networks; return its id. Nothing is left if that fails."""
        ...

    def start(self, container: str) -> ObservedContainer:
        """Start a container that is stopped or was never started, and return it as it is then."""
        ...

    def stop(self, container: str, seconds: int) -> None:
        """Ask a container to end; kill it after so many seconds. Nothing happens if it is stopped."""
        ...

    def pause(self, container: str) -> None: ...

    def unpause(self, container: str) -> None: ...

    def signal(self, container: str, name: str) -> None:
        """Send a signal, such as SIGHUP, to the container's first process."""
        ...

    def remove_container(self, container: str) -> None:
        """Kill and remove a container; nothing happens if it is gone."""
        ...

    def remove_volume(self, volume: str) -> None:
        """Remove a volume; nothing happens if it is gone."""
        ...

    def connect(self, container: str, attach: Attach) -> None:
        """Put a container on a network at a fixed address. Conflict if the address is taken."""
        ...

    def disconnect(self, container: str, network: str) -> None:
        """Take a container from a network; nothing happens if it is not on it."""
        ...

    # inside
    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        """Run a program inside a container and wait for it. EngineRefused if it cannot be run or takes longer."""
        ...

    def stream(self, container: str, argv: Argv, said: list[str]) -> Iterator[bytes]:
        """Run a program inside a container; its standard output piece by piece, as it is written, without a deadline.

        Its standard error is added to `said`. Nobody ends the program if the reader goes away before its end.
        """
        ...

    def attached(self, container: str, argv: Argv, wrote: Wrote, source: int | None = None, env: Env = None) -> int:
        """Run a program inside a container as long as it takes; its exit code. NotStarted if it cannot be run.

        What it writes is handed on as it comes: `wrote(1, piece)` of its output, `wrote(2, piece)` of its errors. What
        the descriptor `source` gives is its input; without one it has none.
        """
        ...

    def log(self, container: str, since: float = 0.0) -> str:
        """What the container wrote since that moment (seconds since 1970), both streams."""
        ...

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        """The container's log line by line as it is written, until the container ends."""
        ...

    def await_line(self, container: str, wanted: Wanted, *, since: float, seconds: float, stop: Stop) -> str | None:
        """Wait until the container writes a line that is `wanted`; the first of those that it wrote since that moment.

        None once the container has ended without one, `seconds` are over, or `stop()` says so.
        """
        ...

    def close(self) -> None: ...
