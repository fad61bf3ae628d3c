"""What the engine in memory keeps, and what all its capabilities do with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from itertools import count
from threading import Condition

from orchestrator.engine.fake.programs import Behaviour, ProgramCall, as_declared, plain_programs
from orchestrator.engine.programs import Output
from orchestrator.errors import EngineRefused, NotFound, WrongState
from orchestrator.planning.snapshot import ContainerStatus, ObservedContainer, ObservedNetwork, ObservedVolume
from orchestrator.planning.specs import Attach, ContainerSpec


@dataclass
class Endpoint:
    """A place on a network. A real engine shows it only after the first start with it (`shown`)."""

    network: str
    address: IPv4Address
    shown: bool = False
    address6: IPv6Address | None = None


@dataclass
class Container:
    """A container as the engine keeps it; `endpoints` by the names of their networks, as a real engine keeps them."""

    id: str
    spec: ContainerSpec
    endpoints: dict[str, Endpoint]
    image: str
    state: ContainerStatus = "created"
    started: str = "0001-01-01T00:00:00Z"
    ended: str = "0001-01-01T00:00:00Z"
    exit_code: int = 0
    processes: int = 0
    written: list[tuple[float, str]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.state in ("running", "paused")

    def address_on(self, network_name: str) -> IPv4Address | None:
        endpoint = self.endpoints.get(network_name)
        return endpoint.address if endpoint else None

    def observed(self) -> ObservedContainer:
        # Only a running container holds its addresses; a stopped one will ask for them again.
        shown_endpoints = [endpoint for endpoint in self.endpoints.values() if endpoint.shown]
        return ObservedContainer(
            self.id,
            self.spec.name,
            self.state,
            self.started,
            self.exit_code,
            dict(self.spec.labels),
            {endpoint.network: endpoint.address if self.alive else None for endpoint in shown_endpoints},
            self.ended,
            {endpoint.network: endpoint.address6 for endpoint in shown_endpoints if endpoint.address6 and self.alive},
            {endpoint.network: endpoint.address for endpoint in shown_endpoints},
            {endpoint.network: endpoint.address6 for endpoint in shown_endpoints if endpoint.address6},
            self.image,
        )


class FakeState:
    """`images` are the images that are there; `standing` the networks of others. Safe to use from several threads.

    `behave` says what a container writes when it starts and whether it ends by itself, `answer` what a program that is
    run inside leaves. `wall` is the clock.
    """

    def __init__(
        self,
        images: Sequence[str],
        *,
        standing: Sequence[ObservedNetwork] = (),
        behave: Callable[[ContainerSpec], Behaviour] = as_declared,
        answer: Callable[[ProgramCall], Output] = plain_programs,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._behave = behave
        self._answer = answer
        self._wall = wall
        self._networks = {network.id: network for network in standing}
        self._containers: dict[str, Container] = {}
        self._volumes: dict[str, ObservedVolume] = {}
        self._numbers = count(1)
        self._images = {name: self._id() for name in images}
        # As whom an image runs, where it says something else than the others; a test writes it.
        self.image_users: dict[str, str] = {}
        # Guards everything above; told whenever a container writes or ends.
        self._changed = Condition()
        self.signals: list[tuple[str, str]] = []

    def tag_image(self, name: str) -> None:
        """Let a name stand for a new image, as a build does."""
        with self._changed:
            self._images[name] = self._id()

    def untag_image(self, name: str) -> None:
        """Take a name from its image."""
        with self._changed:
            del self._images[name]

    def _id(self) -> str:
        return f"{next(self._numbers):064x}"[::-1]

    def _timestamp(self) -> str:
        """RFC 3339 with nanoseconds; the last three digits make each start's text another one."""
        return f"{datetime.fromtimestamp(self._wall(), UTC):%Y-%m-%dT%H:%M:%S.%f}{next(self._numbers) % 1000:03d}Z"

    def _find(self, container: str) -> Container:
        if container not in self._containers:
            raise NotFound(f"the container {container[:12]} is not there", why=f"No such container: {container}")
        return self._containers[container]

    def _find_network(self, attach: Attach) -> ObservedNetwork:
        if attach.network_id not in self._networks:
            raise NotFound(f"the network {attach.network} is not there", why=f"network {attach.network_id} not found")
        return self._networks[attach.network_id]

    def _require(self, container: str, state: ContainerStatus) -> Container:
        entry = self._find(container)
        if entry.state != state:
            raise refusal(WrongState, f"the container {container[:12]}", f"Container {container} is not {state}")
        return entry


def has_label(labels: Mapping[str, str], label: str) -> bool:
    """Whether `label`, a key or key=value, is among them."""
    key, equals, value = label.partition("=")
    return key in labels and (not equals or labels[key] == value)


def refusal(kind: type[EngineRefused], what: str, why: str) -> EngineRefused:
    return kind(f"the engine refused: {what}", why=why, hint="wirelab doctor")
