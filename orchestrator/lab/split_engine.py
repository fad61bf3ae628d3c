"""Several members as one engine: each call goes to the member that has the container, the network or the volume.

So what works with one engine works with a split lab. A specification (`ContainerSpec`, `NetworkSpec`) names the member;
later calls find the member by the id, which no two engines share. A network that spans members belongs to the Swarm: it
has one id on all members, and a manager makes and removes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from typing import Protocol, TypeVar

from orchestrator.engine.logs import LineTest, StopTest
from orchestrator.engine.programs import Argv, Env, Output, OutputSink
from orchestrator.engine.protocol import Engine
from orchestrator.engine.terminals import Terminal
from orchestrator.errors import EngineMissing, MemberUnreachable, NetworkBusy, NotFound, WorldError
from orchestrator.planning.snapshot import (
    ListedContainer,
    ObservedContainer,
    ObservedNetwork,
    ObservedVolume,
    ProcessCount,
)
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

Answer = TypeVar("Answer")
GONE_SECONDS = 20.0


class SwarmEngine(Engine, Protocol):
    """An engine that may be in a Docker Swarm."""

    def manages_swarm(self) -> bool:
        """Whether the engine manages its Swarm: only a manager makes and removes networks that span members."""
        ...


class SplitEngine:
    """The engines of some members, by their names. Safe to use from several threads."""

    bridges_come_late = False

    def __init__(self, engines: Mapping[str, SwarmEngine]) -> None:
        self._engines = dict(engines)
        self._containers: dict[str, str] = {}  # id -> member
        self._networks: dict[str, str] = {}  # id -> member
        self._overlays: set[str] = set()

    @property
    def _first(self) -> str:
        """The member for what any member can do."""
        return next(iter(self._engines))

    def member_of(self, container: str) -> str:
        """The member that has the container. Raises NotFound."""
        if container not in self._containers:
            for member, seen in self._each(lambda engine: _seen(engine, container)).items():
                if seen:
                    self._containers[container] = member
        try:
            return self._containers[container]
        except KeyError:
            raise NotFound(f"the container {container[:12]} is not there", why="no member has it") from None

    @property
    def member(self) -> str:
        """Empty: the engine of each member names its member in its own errors."""
        return ""

    def version(self) -> str:
        return ", ".join(dict.fromkeys(self._each(lambda engine: engine.version()).values()))

    def ping(self) -> None:
        self._each(lambda engine: engine.ping())

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    @property
    def enforces_limits(self) -> bool:
        return all(engine.enforces_limits for engine in self._engines.values())

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        answers = self._each(lambda engine: engine.containers(label))
        self._remember({container.id: member for member, there in answers.items() for container in there})
        return tuple(sorted((c for there in answers.values() for c in there), key=lambda container: container.name))

    def listed_containers(self, label: str) -> tuple[ListedContainer, ...]:
        answers = self._each(lambda engine: engine.listed_containers(label))
        self._remember({container.id: member for member, there in answers.items() for container in there})
        return tuple(container for there in answers.values() for container in there)

    def _remember(self, members: Mapping[str, str]) -> None:
        self._containers.update(members)

    def container(self, container: str) -> ObservedContainer:
        return self._of(container, lambda engine: engine.container(container))

    def process_count(self, container: str) -> ProcessCount:
        return self._of(container, lambda engine: engine.process_count(container))

    def memory_use(self, container: str) -> int:
        return self._of(container, lambda engine: engine.memory_use(container))

    def image_id(self, reference: str) -> str:
        return next(filter(None, self._each(lambda engine: engine.image_id(reference)).values()), "")

    def image_user(self, reference: str) -> str:
        """The first member's answer: all members are sent the same image."""
        return self._on(self._first, lambda engine: engine.image_user(reference))

    def make_container(self, spec: ContainerSpec) -> str:
        member = self.member_of(spec.share_network_of) if spec.share_network_of else spec.member or self._first
        container = self._on(member, lambda engine: engine.make_container(spec))
        self._containers[container] = member
        return container

    def start(self, container: str) -> ObservedContainer:
        return self._of(container, lambda engine: engine.start(container))

    def stop(self, container: str, seconds: int) -> None:
        self._of(container, lambda engine: engine.stop(container, seconds))

    def pause(self, container: str) -> None:
        self._of(container, lambda engine: engine.pause(container))

    def unpause(self, container: str) -> None:
        self._of(container, lambda engine: engine.unpause(container))

    def signal(self, container: str, name: str) -> None:
        self._of(container, lambda engine: engine.signal(container, name))

    def remove_container(self, container: str) -> None:
        with suppress(NotFound):
            self._of(container, lambda engine: engine.remove_container(container))
        self._containers.pop(container, None)

    def networks(self) -> tuple[ObservedNetwork, ...]:
        """Each network once. A manager lists those of the Swarm, a worker only those on which it has a container."""
        answers = self._each(lambda engine: engine.networks())
        networks: dict[str, ObservedNetwork] = {}
        for member, there in answers.items():
            for network in there:
                networks.setdefault(network.id, replace(network, member=member))
        self._networks.update({network.id: network.member for network in networks.values()})
        self._overlays.update(network.id for network in networks.values() if network.overlay)
        return tuple(networks.values())

    def make_network(self, spec: NetworkSpec) -> str:
        member = spec.member or self._first
        network = self._on(member, lambda engine: engine.make_network(spec))
        self._networks[network] = member
        if spec.overlay:
            self._overlays.add(network)
        return network

    def remove_network(self, network: str) -> None:
        if network not in self._networks:
            self.networks()
        if network in self._overlays:
            self._on(self._manager(), lambda engine: engine.remove_network(network))
            self._await_gone(network)
        elif member := self._networks.get(network):
            self._on(member, lambda engine: engine.remove_network(network))

    def _await_gone(self, network: str) -> None:
        """Wait until no member lists a network that spans: each of them forgets it by itself, a moment later.

        Raises NetworkBusy, with the member.
        """
        deadline = time.monotonic() + GONE_SECONDS
        while True:
            listed = self._each(lambda engine: any(other.id == network for other in engine.networks()))
            holders = [member for member, holds in listed.items() if holds]
            if not holders:
                return
            if time.monotonic() > deadline:
                what = f"the network {network[:12]} is still there on the member {holders[0]!r}"
                raise NetworkBusy(what, why="the Swarm removed it, and the member keeps it", hint="wirelab sweep")
            time.sleep(0.05)

    def _manager(self) -> str:
        """A member that manages the Swarm. Raises WorldError."""
        managers = (member for member, manages in self._each(lambda engine: engine.manages_swarm()).items() if manages)
        if manager := next(managers, ""):
            return manager
        what = f"none of the members {', '.join(self._engines)} manages the Swarm any more"
        hint = "on a manager: docker node promote NODE; then: wirelab sweep"
        raise WorldError(what, why="only a manager removes a network that spans members", hint=hint)

    def connect(self, container: str, attach: Attach) -> None:
        self._of(container, lambda engine: engine.connect(container, attach))

    def disconnect(self, container: str, network: str) -> None:
        with suppress(NotFound):
            self._of(container, lambda engine: engine.disconnect(container, network))

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        answers = self._each(lambda engine: engine.volumes(label))
        by_name = {volume.name: volume for there in answers.values() for volume in there}
        return tuple(by_name[name] for name in sorted(by_name))

    def remove_volume(self, volume: str) -> None:
        """Remove the volume on all members: several may have copies of a lab's files."""
        self._each(lambda engine: engine.remove_volume(volume))

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        return self._of(container, lambda engine: engine.run(container, argv, seconds=seconds, user=user, env=env))

    def stream(self, container: str, argv: Argv, errors: list[str], *, seconds: float = inf) -> Iterator[bytes]:
        member = self.member_of(container)
        with _of_member(member):
            yield from self._engines[member].stream(container, argv, errors, seconds=seconds)

    def attached(self, container: str, argv: Argv, sink: OutputSink, source: int | None = None, env: Env = None) -> int:
        return self._of(container, lambda engine: engine.attached(container, argv, sink, source, env))

    def terminal(self, container: str, argv: Argv, env: Env = None) -> Terminal:
        return self._of(container, lambda engine: engine.terminal(container, argv, env))

    def now(self, container: str = "", /) -> float:
        """The time of the member that has the container, else of the first: each member dates by its own clock."""
        member = self.member_of(container) if container else self._first
        return self._on(member, lambda engine: engine.now())

    def log(self, container: str, since: float = 0.0) -> str:
        return self._of(container, lambda engine: engine.log(container, since))

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        member = self.member_of(container)
        with _of_member(member):
            yield from self._engines[member].follow(container, since)

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        return self._of(
            container, lambda engine: engine.await_line(container, wanted, since=since, seconds=seconds, stop=stop)
        )

    def _of(self, container: str, call: Callable[[SwarmEngine], Answer]) -> Answer:
        """Call the member that has the container."""
        return self._on(self.member_of(container), call)

    def _on(self, member: str, call: Callable[[SwarmEngine], Answer]) -> Answer:
        with _of_member(member):
            return call(self._engines[member])

    def _each(self, call: Callable[[SwarmEngine], Answer]) -> dict[str, Answer]:
        """What each member answers; they are asked side by side."""
        names: Sequence[str] = tuple(self._engines)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(lambda member: self._on(member, call), names), strict=True))


@contextmanager
def _of_member(member: str) -> Iterator[None]:
    """Say whose engine it is that does not answer."""
    try:
        yield
    except MemberUnreachable:
        raise
    except EngineMissing as error:
        raise MemberUnreachable(member, why=error.why or error.what) from error


def _seen(engine: SwarmEngine, container: str) -> bool:
    try:
        engine.container(container)
    except NotFound:
        return False
    return True
