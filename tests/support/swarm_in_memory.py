"""Engines in memory that are in one Docker Swarm."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineMissing
from orchestrator.planning import labels
from orchestrator.planning.specs import NetworkSpec


class SwarmFake(FakeEngine):
    """An engine in a Swarm: its overlays are on all engines of the Swarm. It can be switched off."""

    def __init__(self, number: int, swarm: list[SwarmFake], images: Iterable[str]) -> None:
        super().__init__(tuple(images))
        self._numbers = count(number * 1_000_000 + 1)  # no two engines give the same id
        self._swarm = swarm
        self.is_off = False
        swarm.append(self)

    def manages_swarm(self) -> bool:
        return self._swarm[0] is self

    def make_network(self, spec: NetworkSpec) -> str:
        network = super().make_network(spec)
        if spec.overlay:
            assert self.manages_swarm()
            for other in self._swarm:
                other._networks[network] = self._networks[network]
        return network

    def remove_network(self, network: str) -> None:
        if (known := self._networks.get(network)) and known.overlay:
            assert self.manages_swarm()
            for other in self._swarm[1:]:
                assert not any(c.labels.get(labels.LAB) for c in other.containers(labels.LAB)), "still in use"
                other._networks.pop(network)
        super().remove_network(network)

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        if callable(attribute) and not name.startswith("_") and self.is_off:
            raise EngineMissing("the container engine does not answer", why="it is switched off")
        return attribute
