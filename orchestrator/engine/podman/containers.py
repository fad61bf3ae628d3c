"""Containers of Podman."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.engine.docker.config import endpoints_of
from orchestrator.engine.docker.connection import with_label
from orchestrator.engine.docker.containers import DockerContainers
from orchestrator.engine.docker.http_api import LIBPOD, Refused
from orchestrator.engine.docker.networks import TRIES
from orchestrator.engine.docker.retry import retry_while
from orchestrator.engine.podman.config import STATES, podman_container_config
from orchestrator.engine.podman.networks import PodmanNetworks
from orchestrator.engine.podman.traits import PodmanTraits, traits_of
from orchestrator.errors import ContainerBusy, EngineRefused, NotFound, WrongState, doctor_command
from orchestrator.planning.snapshot import ListedContainer, ObservedContainer, ProcessCount
from orchestrator.planning.specs import ContainerSpec, NamedVolume

BESIDE = "container:"
# Where a Linux kernel with IPv6 has its settings. An engine elsewhere is taken to have the same.
KERNEL_IPV6 = Path("/proc/sys/net/ipv6")


class PodmanContainers(PodmanNetworks, DockerContainers):
    """The capability `Containers`."""

    def _create(self, spec: ContainerSpec) -> str:
        for volume in spec.volumes:
            self._make_volume(volume)
        with self._errors(f"the container {spec.name}"):
            config = podman_container_config(spec, kernel_has_ipv6=KERNEL_IPV6.is_dir())
            if spec.host_network:
                config["HostConfig"]["NetworkMode"] = self._traits.bridges_in
            container: str = self._api.post("/containers/create", config, name=spec.name)["Id"]
        return container

    def require_files(self, spec: ContainerSpec) -> None:
        """As with Docker. Podman's own API refuses a missing source; its Docker API would make a folder there."""
        mounts = [
            {"type": "bind", "source": bind.source, "destination": bind.target, "options": ["ro", "rbind"]}
            for bind in spec.binds
        ]
        body = {"name": spec.name, "image": spec.image, "labels": dict(spec.labels), "mounts": mounts}
        with self._errors(f"the container {spec.name}"):
            made = self._api.post(f"{LIBPOD}/containers/create", {**body, "command": list(spec.command or ())})
        self.remove_container(made["Id"])

    def _make_volume(self, volume: NamedVolume) -> None:
        """A volume that is made together with its container would have no labels. One that is there stays as it is."""
        with self._errors(f"the volume {volume.name}"):
            self._api.post("/volumes/create", {"Name": volume.name, "Labels": dict(volume.labels)})

    def listed_containers(self, label: str) -> tuple[ListedContainer, ...]:
        """From Podman's own list: its Docker list fails while any container is half removed."""
        with self._errors("the containers"):
            rows = self._api.get(f"{LIBPOD}/containers/json", all="true", filters=with_label(label))
        return tuple(
            ListedContainer(row["Id"], STATES.get(row["State"], row["State"]), row["Labels"] or {}) for row in rows
        )

    def start(self, container: str) -> ObservedContainer:
        with self._errors(f"the container {container[:12]}"):
            mode = str(self._inspect(container)["HostConfig"].get("NetworkMode"))
        # Podman would start the other one, too.
        if mode.startswith(BESIDE) and (other := self.container(mode.removeprefix(BESIDE))).stopped:
            why = f"it uses the network of {other.name}, which is {other.state}"
            raise WrongState(f"the engine cannot start the container {container[:12]}", why=why)
        return super().start(container)

    def remove_container(self, container: str) -> None:
        """Remove the container with the helpers in its network: Podman refuses to remove it before them.

        It looks for them once, before it ends the container, so that one which is made meanwhile stops it; the next
        call finds that one, too. A removal that was refused may be done half, so it is always tried again.
        """
        retry_while(EngineRefused, lambda: self._remove(container), TRIES)

    def _remove(self, container: str) -> None:
        """One call. Only a look tells what came of it: Podman answers for the first helper, if there is one, and
        refuses if somebody else removes the same container, or a helper, at this time."""
        named = f"the container {container[:12]}"
        path = f"{LIBPOD}/containers/{container}"
        refused: EngineRefused | None = None
        try:
            with self._errors(named):
                # Its own API calls it `volumes`, whatever the documentation says.
                self._api.delete(path, force="true", volumes="true", depend="true", timeout=0)
        except EngineRefused as error:
            refused = error
        if not self._is_there(path, named):
            return
        if refused and not isinstance(refused, NotFound):
            raise refused
        why = refused.why if refused else "Podman removed a helper in its network, and not the container"
        raise ContainerBusy(f"the engine refused: {named}", why=why, hint=doctor_command(self.member))

    def _is_there(self, path: str, named: str) -> bool:
        with suppress(NotFound), self._errors(named):
            self._api.find(f"{path}/exists")
            return True
        return False

    def process_count(self, container: str) -> ProcessCount:
        """Podman tells the limit with the container's settings, not with its use."""
        count = super().process_count(container)
        with self._errors(f"the container {container[:12]}"):
            limit = self._inspect(container)["HostConfig"].get("PidsLimit") or 0
        return replace(count, limit=max(0, limit)) if count.running else count

    def _stats(self, container: str) -> dict[str, Any]:
        """Podman 4 says nothing of a stopped container. Without control groups the numbers are the host's."""
        return super()._stats(container) if self._traits.has_groups else {}

    @property
    def enforces_limits(self) -> bool:
        return self._traits.has_groups

    @cached_property
    def _traits(self) -> PodmanTraits:
        with self._errors("the engine's settings"):
            return traits_of(self._api.get(f"{LIBPOD}/info"))

    def _inspect(self, container: str) -> dict[str, Any]:
        """As Docker would say it: its names of states, networks by their id, none before the first start."""
        document = super()._inspect(container)
        state = document["State"]
        state["Status"] = STATES.get(state["Status"], state["Status"])
        for name, end in endpoints_of(document).items():
            end["NetworkID"] = "" if state["Status"] == "created" else self._network_id(name, end["NetworkID"])
        return document

    def _network_id(self, name: str, given: str) -> str:
        """Podman 4 gives the name of a network instead of its id.

        Podman 5 does so for a network that has gone, and for the `bridge` on which a container without networks is said
        to be: these have no id.
        """
        if given != name:
            return given
        with suppress(Refused):
            network: str = self._api.get(f"{LIBPOD}/networks/{name}/json")["id"]
            return network
        return ""
