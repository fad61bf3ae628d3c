"""Containers and volumes of the engine in memory."""

from __future__ import annotations

from orchestrator.engine.fake.networks import FakeNetworks
from orchestrator.engine.fake.state import Container, Endpoint, has_label, refusal
from orchestrator.engine.timestamps import unix_seconds
from orchestrator.errors import ImageMissing, NameTaken, VolumeBusy, WrongState
from orchestrator.planning.snapshot import ListedContainer, ObservedContainer, ObservedVolume, ProcessCount
from orchestrator.planning.specs import ContainerSpec

# What a program writes that reads its files again, as BIND and nginx do.
RELOADED = ("all zones loaded", "gracefully shutting down")
# signal(7): those that end a program which does not catch them, as far as labs send them.
PROCESS_BYTES = 1 << 20
ENDING = {"SIGINT": 130, "SIGKILL": 137, "SIGTERM": 143}


class FakeContainers(FakeNetworks):
    """The capabilities `Containers` and `Volumes`."""

    @property
    def enforces_limits(self) -> bool:
        return True

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        with self._changed:
            containers = [each.observed() for each in self._containers.values() if has_label(each.spec.labels, label)]
        return tuple(sorted(containers, key=lambda container: container.name))

    def listed_containers(self, label: str) -> tuple[ListedContainer, ...]:
        return tuple(
            ListedContainer(container.id, container.state, container.labels) for container in self.containers(label)
        )

    def container(self, container: str) -> ObservedContainer:
        with self._changed:
            return self._find(container).observed()

    def process_count(self, container: str) -> ProcessCount:
        with self._changed:
            counted = self._find(container)
            return ProcessCount(counted.processes, counted.spec.limits.pids) if counted.alive else ProcessCount(0, 0)

    def memory_use(self, container: str) -> int:
        with self._changed:
            counted = self._find(container)
            return counted.processes * PROCESS_BYTES if counted.alive else 0

    def set_processes(self, container: str, count: int) -> None:
        """Let so many processes run in a container, which only a test can do."""
        with self._changed:
            self._find(container).processes = count

    def image_id(self, reference: str) -> str:
        with self._changed:
            return self._images.get(reference, "")

    def image_user(self, reference: str) -> str:
        with self._changed:
            if reference not in self._images:
                raise ImageMissing("a node needs an image that is not there", why=f"No such image: {reference}")
            return self.image_users.get(reference, "10001")

    def make_container(self, spec: ContainerSpec) -> str:
        with self._changed:
            if spec.image not in self._images:
                what = f"the container {spec.name}"
                raise ImageMissing(f"{what} needs an image that is not there", why=f"No such image: {spec.image}")
            if any(other.spec.name == spec.name for other in self._containers.values()):
                raise refusal(NameTaken, f"the container {spec.name}", f"the name {spec.name} is already in use")
            endpoints = {
                self._find_network(attach).name: Endpoint(attach.network_id, attach.address, address6=attach.address6)
                for attach in spec.attachments
            }
            for volume in spec.volumes:
                self._volumes.setdefault(volume.name, ObservedVolume(volume.name, dict(volume.labels)))
            made = self._id()
            self._containers[made] = Container(made, spec, endpoints, self._images[spec.image])
            return made

    def start(self, container: str) -> ObservedContainer:
        with self._changed:
            started = self._find(container)
            if not started.alive:
                self._start(started)
            return started.observed()

    def _start(self, container: Container) -> None:
        shared = container.spec.share_network_of
        if shared and not self._find(shared).alive:
            why = "cannot join network of a non running container"
            raise refusal(WrongState, f"the container {container.spec.name}", why)
        for endpoint in container.endpoints.values():
            self._require_free(endpoint, container)
        for endpoint in container.endpoints.values():
            endpoint.shown = True
        container.state, container.started, container.exit_code = "running", self._timestamp(), 0
        container.processes = 1 + container.spec.init
        behaviour = self._behave(container.spec)
        # Never before the start: the start's own text is finer than the clock.
        at = max(self._wall(), unix_seconds(container.started))
        container.written += [(at, line) for line in behaviour.lines]
        if behaviour.exit_code is not None:
            container.state, container.ended, container.exit_code = "exited", self._timestamp(), behaviour.exit_code
        self._changed.notify_all()

    def stop(self, container: str, seconds: int) -> None:
        with self._changed:
            stopped = self._find(container)
            if stopped.alive:
                self._end(stopped, ENDING["SIGTERM"] if seconds else ENDING["SIGKILL"])

    def pause(self, container: str) -> None:
        with self._changed:
            self._require(container, "running").state = "paused"

    def unpause(self, container: str) -> None:
        with self._changed:
            self._require(container, "paused").state = "running"

    def signal(self, container: str, name: str) -> None:
        with self._changed:
            receiver = self._require(container, "running")
            self.signals.append((container, name))
            if name == "SIGHUP":
                receiver.written += [(self._wall(), line) for line in RELOADED]
            if name in ENDING:
                self._end(receiver, ENDING[name])

    def remove_container(self, container: str) -> None:
        with self._changed:
            self._containers.pop(container, None)
            self._changed.notify_all()

    def _end(self, container: Container, code: int) -> None:
        container.state, container.ended, container.exit_code = "exited", self._timestamp(), code
        self._changed.notify_all()

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        with self._changed:
            volumes = [volume for volume in self._volumes.values() if has_label(volume.labels, label)]
        return tuple(sorted(volumes, key=lambda volume: volume.name))

    def remove_volume(self, volume: str) -> None:
        with self._changed:
            for container in self._containers.values():
                if volume in (mounted.name for mounted in container.spec.volumes):
                    raise refusal(VolumeBusy, f"the volume {volume}", f"volume is in use - [{container.id}]")
            self._volumes.pop(volume, None)
