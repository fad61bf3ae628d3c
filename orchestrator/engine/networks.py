"""The capability of an engine to make and remove networks, and to connect containers to them."""

from __future__ import annotations

from typing import Protocol

from orchestrator.planning.snapshot import ObservedNetwork
from orchestrator.planning.specs import Attach, NetworkSpec


class Networks(Protocol):
    """Networks by the engine's own ids: before Engine 25 two networks may have one name.

    `bridges_come_late`: a network has its bridge on the engine's host only while a container is on it.
    """

    bridges_come_late: bool

    def networks(self) -> tuple[ObservedNetwork, ...]:
        """Every network, ours or not: their ranges are taken."""
        ...

    def make_network(self, spec: NetworkSpec) -> str:
        """Make a network and return its id. Raises RangeTaken or NameTaken."""
        ...

    def remove_network(self, network: str) -> None:
        """Remove a network, with whatever endpoints are left on it. Does nothing if it is gone.

        Raises NetworkBusy if the engine goes on counting endpoints.
        """
        ...

    def connect(self, container: str, attach: Attach) -> None:
        """Connect a container to a network at a fixed address. Raises AddressTaken, or NotFound."""
        ...

    def disconnect(self, container: str, network: str) -> None:
        """Take a container off a network. Does nothing if it is not on it."""
        ...
