"""An engine in memory that keeps the promises of `protocol.py`; `tests/contract` holds both engines to them.

Its containers run no programs: `behave` says what a container writes when it starts and whether it ends by itself,
`answer` what a program that is run inside leaves. Everything else (ranges, addresses, names, states, labels) is kept
as a real engine keeps it, errors included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import count
from threading import Condition

from orchestrator.engine.attached import Wrote
from orchestrator.engine.docker_config import moment
from orchestrator.engine.protocol import Argv, Env, Output, Stop, Wanted
from orchestrator.errors import Conflict, EngineRefused, ImageMissing, NotFound, NotStarted, TookTooLong
from orchestrator.planning.snapshot import ContainerStatus, ObservedContainer, ObservedNetwork, ObservedVolume
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

# What a program writes that reads its files again, as BIND and nginx do.
RELOADED = ("all zones loaded", "gracefully shutting down")
# signal(7): those that end a program which does not catch them, as far as labs send them.
ENDING = {"SIGINT": 130, "SIGKILL": 137, "SIGTERM": 143}
NOT_FOUND = 127


@dataclass(frozen=True)
class Behaviour:
    """What a container writes at its start, and the exit code with which it ends at once; None: it goes on."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None


def as_declared(spec: ContainerSpec) -> Behaviour:
    """`echo`, `true` and `false` end, with what they print; everything else goes on, and an image of ours is ready."""
    command = spec.command or ()
    match command[:1]:
        case ("echo",):
            return Behaviour((" ".join(command[1:]),), 0)
        case ("true",):
            return Behaviour((), 0)
        case ("false",):
            return Behaviour((), 1)
        case ("sleep",):
            return Behaviour()
        case _:
            return Behaviour(("wirelab: ready",))


def plain_programs(_spec: ContainerSpec, argv: Argv) -> Output:
    """What echo, true and false do; every other program is missing."""
    match tuple(argv):
        case ("echo", *words):
            return Output(0, " ".join(words) + "\n", "")
        case ("true",):
            return Output(0, "", "")
        case ("false",):
            return Output(1, "", "")
        case _:
            return Output(NOT_FOUND, "", f"{argv[0]}: not found\n")


@dataclass
class _End:
    """A place on a network. A real engine shows it only after the first start with it (`shown`)."""

    network: str
    address: IPv4Address
    shown: bool = False
    address6: IPv6Address | None = None


@dataclass
class _Container:
    """A container as the engine keeps it. `ends` by the name of their network, as a real engine keeps them."""

    id: str
    spec: ContainerSpec
    ends: dict[str, _End]
    state: ContainerStatus = "created"
    started: str = "0001-01-01T00:00:00Z"
    ended: str = "0001-01-01T00:00:00Z"
    exit_code: int = 0
    written: list[tuple[float, str]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.state in ("running", "paused")

    def seen(self) -> ObservedContainer:
        # Only a running container holds its addresses; a stopped one will ask for them again.
        shown = [end for end in self.ends.values() if end.shown]
        addresses = {end.network: end.address if self.alive else None for end in shown}
        return ObservedContainer(
            self.id,
            self.spec.name,
            self.state,
            self.started,
            self.exit_code,
            dict(self.spec.labels),
            addresses,
            self.ended,
            {end.network: end.address6 for end in shown if end.address6 and self.alive},
            {end.network: end.address for end in shown},
            {end.network: end.address6 for end in shown if end.address6},
        )


class FakeEngine:
    """`images` are the images that are there; `standing` the networks of others. Safe to use from several threads."""

    def __init__(
        self,
        images: Sequence[str],
        *,
        standing: Sequence[ObservedNetwork] = (),
        behave: Callable[[ContainerSpec], Behaviour] = as_declared,
        answer: Callable[[ContainerSpec, Sequence[str]], Output] = plain_programs,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._images = frozenset(images)
        self._behave = behave
        self._answer = answer
        self._wall = wall
        self._networks = {one.id: one for one in standing}
        self._containers: dict[str, _Container] = {}
        self._volumes: dict[str, ObservedVolume] = {}
        self._numbers = count(1)
        # Guards everything above; told whenever a container writes or ends.
        self._changed = Condition()
        self.signals: list[tuple[str, str]] = []

    def close(self) -> None:
        """Nothing is held."""

    # what there is
    def version(self) -> str:
        return "Fake 1"

    def networks(self) -> tuple[ObservedNetwork, ...]:
        with self._changed:
            return tuple(self._networks.values())

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        with self._changed:
            found = [one.seen() for one in self._containers.values() if _bears(one.spec.labels, label)]
        return tuple(sorted(found, key=lambda one: one.name))

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        with self._changed:
            found = [one for one in self._volumes.values() if _bears(one.labels, label)]
        return tuple(sorted(found, key=lambda one: one.name))

    def container(self, container: str) -> ObservedContainer:
        with self._changed:
            return self._found(container).seen()

    def now(self) -> float:
        return self._wall()

    # making and unmaking
    def make_network(self, spec: NetworkSpec) -> str:
        with self._changed:
            for other in self._networks.values():
                if other.name == spec.name:
                    raise _conflict(f"the network {spec.name}", f"network with name {spec.name} already exists")
                overlaps6 = spec.subnet6 and any(subnet.overlaps(spec.subnet6) for subnet in other.subnets6)
                if overlaps6 or any(subnet.overlaps(spec.subnet) for subnet in other.subnets):
                    raise _conflict(f"the network {spec.name}", "Pool overlaps with other one on this address space")
            made = self._id()
            own6 = (spec.subnet6,) if spec.subnet6 else ()
            self._networks[made] = ObservedNetwork(
                made, spec.name, (spec.subnet,), spec.internal, dict(spec.labels), spec.gateway_unanswered, own6
            )
            return made

    def remove_network(self, network: str) -> None:
        with self._changed:
            gone = self._networks.pop(network, None)
            for one in self._containers.values():
                # What is stopped does not hold a network, and goes on naming it.
                if gone and one.alive:
                    one.ends.pop(gone.name, None)

    def make_container(self, spec: ContainerSpec) -> str:
        with self._changed:
            if spec.image not in self._images:
                what = f"the container {spec.name}"
                raise ImageMissing(f"{what} needs an image that is not there", why=f"No such image: {spec.image}")
            if any(one.spec.name == spec.name for one in self._containers.values()):
                raise _conflict(f"the container {spec.name}", f"the name {spec.name} is already in use")
            ends = {self._network(a).name: _End(a.network_id, a.address, address6=a.address6) for a in spec.attachments}
            for volume in spec.volumes:
                self._volumes.setdefault(volume.name, ObservedVolume(volume.name, dict(volume.labels)))
            made = self._id()
            self._containers[made] = _Container(made, spec, ends)
            return made

    def start(self, container: str) -> ObservedContainer:
        with self._changed:
            one = self._found(container)
            if not one.alive:
                self._start(one)
            return one.seen()

    def _start(self, one: _Container) -> None:
        shared = one.spec.share_network_of
        if shared and not self._found(shared).alive:
            raise _conflict(f"the container {one.spec.name}", "cannot join network of a non running container")
        for end in one.ends.values():
            self._require_free(end, one)
        for end in one.ends.values():
            end.shown = True
        one.state, one.started, one.exit_code = "running", self._moment(), 0
        behaviour = self._behave(one.spec)
        # Never before the start: the start's own text is finer than the clock.
        at = max(self._wall(), moment(one.started))
        one.written += [(at, line) for line in behaviour.lines]
        if behaviour.exit_code is not None:
            one.state, one.ended, one.exit_code = "exited", self._moment(), behaviour.exit_code
        self._changed.notify_all()

    def stop(self, container: str, seconds: int) -> None:
        with self._changed:
            one = self._found(container)
            if one.alive:
                self._end(one, ENDING["SIGTERM"] if seconds else ENDING["SIGKILL"])

    def pause(self, container: str) -> None:
        with self._changed:
            self._require(container, "running").state = "paused"

    def unpause(self, container: str) -> None:
        with self._changed:
            self._require(container, "paused").state = "running"

    def signal(self, container: str, name: str) -> None:
        with self._changed:
            one = self._require(container, "running")
            self.signals.append((container, name))
            if name == "SIGHUP":
                one.written += [(self._wall(), line) for line in RELOADED]
            if name in ENDING:
                self._end(one, ENDING[name])

    def remove_container(self, container: str) -> None:
        with self._changed:
            self._containers.pop(container, None)
            self._changed.notify_all()

    def remove_volume(self, volume: str) -> None:
        with self._changed:
            users = [one for one in self._containers.values() if volume in (v.name for v in one.spec.volumes)]
            if users:
                raise _conflict(f"the volume {volume}", f"volume is in use - [{users[0].id}]")
            self._volumes.pop(volume, None)

    def connect(self, container: str, attach: Attach) -> None:
        with self._changed:
            one = self._found(container)
            network = self._network(attach)
            end = _End(network.id, attach.address, one.alive, attach.address6)
            if one.alive and network.name in one.ends:
                raise EngineRefused(f"the engine refused: the network {network.name}", why="endpoint already exists")
            if one.alive:
                self._require_free(end, one)
            one.ends[network.name] = end

    def disconnect(self, container: str, network: str) -> None:
        with self._changed:
            known = self._networks.get(network)
            if known and container in self._containers:
                self._containers[container].ends.pop(known.name, None)

    # inside
    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        del user, env
        with self._changed:
            spec = self._require(container, "running").spec
        if argv[0] == "sleep":
            what = f"running 'sleep' in the container {container[:12]}"
            raise TookTooLong(f"{what} took too long", why=f"no answer in {seconds:g} s")
        return self._answer(spec, argv)

    def attached(self, container: str, argv: Argv, wrote: Wrote, source: int | None = None, env: Env = None) -> int:
        del source
        output = self.run(container, argv, seconds=0, env=env)
        if output.exit_code == NOT_FOUND:
            raise NotStarted(argv[0], "executable file not found in $PATH", missing=True)
        for stream, text in ((1, output.out), (2, output.err)):
            if text:
                wrote(stream, text.encode())
        return output.exit_code

    def stream(self, container: str, argv: Argv, said: list[str]) -> Iterator[bytes]:
        output = self.run(container, argv, seconds=0)
        said.append(output.err)
        if output.out:
            yield output.out.encode()

    def log(self, container: str, since: float = 0.0) -> str:
        with self._changed:
            return "".join(f"{line}\n" for at, line in self._found(container).written if at >= since)

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        told = 0
        while True:
            with self._changed:
                one = self._found(container)
                while told == len(one.written) and one.alive and container in self._containers:
                    self._changed.wait(0.05)
                new, told = one.written[told:], len(one.written)
                ended = not one.alive or container not in self._containers
            yield from (line for at, line in new if at >= since)
            if ended:
                return

    def await_line(self, container: str, wanted: Wanted, *, since: float, seconds: float, stop: Stop) -> str | None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while (left := deadline - time.monotonic()) > 0 and not stop():
                one = self._found(container)
                found = next((line for at, line in one.written if at >= since and wanted(line)), None)
                if found is not None or not one.alive:
                    return found
                self._changed.wait(min(left, 0.02))
        return None

    # what only a test can do
    def write(self, container: str, line: str) -> None:
        """The container's program writes a line."""
        with self._changed:
            self._found(container).written.append((self._wall(), line))
            self._changed.notify_all()

    def _id(self) -> str:
        return f"{next(self._numbers):064x}"[::-1]

    def _moment(self) -> str:
        """RFC 3339 with nanoseconds; the last three digits make each start's text another one."""
        return f"{datetime.fromtimestamp(self.now(), UTC):%Y-%m-%dT%H:%M:%S.%f}{next(self._numbers) % 1000:03d}Z"

    def _found(self, container: str) -> _Container:
        if container not in self._containers:
            raise NotFound(f"the container {container[:12]} is not there", why=f"No such container: {container}")
        return self._containers[container]

    def _network(self, attach: Attach) -> ObservedNetwork:
        if attach.network_id not in self._networks:
            raise NotFound(f"the network {attach.network} is not there", why=f"network {attach.network_id} not found")
        return self._networks[attach.network_id]

    def _require(self, container: str, state: ContainerStatus) -> _Container:
        one = self._found(container)
        if one.state != state:
            raise _conflict(f"the container {container[:12]}", f"Container {container} is not {state}")
        return one

    def _require_free(self, end: _End, asker: _Container) -> None:
        what = f"the container {asker.spec.name}"
        network = self._networks.get(end.network)
        if network is None:
            raise NotFound(f"{what} is not there", why=f"network {end.network} not found")
        for address in (end.address, end.address6):
            ranges = [*map(str, network.subnets), *map(str, network.subnets6)]
            if address and not any(address in ip_network(subnet) for subnet in ranges):
                raise EngineRefused(f"the engine refused: {what}", why=f"no configured subnet contains {address}")
        for other in self._containers.values():
            if other is not asker and other.alive and end.address == _address(other, network.name):
                raise _conflict(what, "Address already in use")

    def _end(self, one: _Container, code: int) -> None:
        one.state, one.ended, one.exit_code = "exited", self._moment(), code
        self._changed.notify_all()


def _address(container: _Container, network: str) -> IPv4Address | None:
    end = container.ends.get(network)
    return end.address if end else None


def _bears(labels: object, label: str) -> bool:
    key, equals, value = label.partition("=")
    return isinstance(labels, dict) and key in labels and (not equals or labels[key] == value)


def _conflict(what: str, why: str) -> Conflict:
    return Conflict(f"the engine refused: {what}", why=why, hint="wirelab doctor")
