"""The capability of an engine to make, look at, change and remove containers."""

from __future__ import annotations

from typing import Protocol

from orchestrator.planning.snapshot import ListedContainer, ObservedContainer, ProcessCount
from orchestrator.planning.specs import ContainerSpec


class Containers(Protocol):
    """Containers by the engine's own ids. Raises NotFound where none has the id, unless a method says otherwise."""

    @property
    def enforces_limits(self) -> bool:
        """Whether the kernel holds containers to their limits, and counts what they use."""
        ...

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        """The containers, running or not, that have `label` (a key, or key=value), in the order of their names."""
        ...

    def listed_containers(self, label: str) -> tuple[ListedContainer, ...]:
        """The same containers, in any order, with no more than the engine's list tells, by one question.

        A state may be one of a moment ago (Engine 26).
        """
        ...

    def container(self, container: str) -> ObservedContainer:
        """One container as it is now."""
        ...

    def process_count(self, container: str) -> ProcessCount:
        """How many processes and threads a container has now. One that has none has no limit either.

        The kernel's control groups tell it, so a container that can start no further process is counted too.
        """
        ...

    def memory_use(self, container: str) -> int:
        """The bytes of memory that a container uses now, without files that can go.

        0 where it does not run, and where the engine does not know.
        """
        ...

    def image_id(self, reference: str) -> str:
        """The engine's id of the image that a reference (a name, with a tag or digest, or an id) names now.

        Empty where the engine has none.
        """
        ...

    def image_user(self, reference: str) -> str:
        """As whom an image lets its program run, as it says so; empty for root. An image that is missing is pulled.

        Raises ImageMissing.
        """
        ...

    def make_container(self, spec: ContainerSpec) -> str:
        """Create a container, stopped, on all its networks, and return its id. Nothing is left if that fails.

        Raises NameTaken or ImageMissing.
        """
        ...

    def start(self, container: str) -> ObservedContainer:
        """Start a container that is stopped or was never started, and return it as it is then.

        Raises AddressTaken if another container has one of its addresses.
        """
        ...

    def stop(self, container: str, seconds: int) -> None:
        """Ask a container to end, and kill it after so many seconds. Does nothing if it is stopped."""
        ...

    def pause(self, container: str) -> None:
        """Freeze all programs of a container. Raises WrongState unless it runs."""
        ...

    def unpause(self, container: str) -> None:
        """Let the programs of a paused container go on. Raises WrongState unless it is paused."""
        ...

    def signal(self, container: str, name: str) -> None:
        """Send a signal, such as SIGHUP, to the container's first process. Raises WrongState unless it runs."""
        ...

    def remove_container(self, container: str) -> None:
        """Kill and remove a container. Does nothing if it is gone."""
        ...
