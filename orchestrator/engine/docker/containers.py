"""Containers of a Docker engine."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from orchestrator.engine.docker.api_errors import named_engine
from orchestrator.engine.docker.config import (
    container_config,
    container_seen,
    endpoints_of,
    image_id_of,
    memory_use_seen,
    process_count_seen,
)
from orchestrator.engine.docker.connection import with_label
from orchestrator.engine.docker.http_api import CALL_SECONDS, NoAnswer, Refused
from orchestrator.engine.docker.networks import DockerNetworks
from orchestrator.errors import EngineRefused, ImageMissing, NoRoom, NotFound
from orchestrator.planning.snapshot import ListedContainer, ObservedContainer, ProcessCount
from orchestrator.planning.specs import ContainerSpec

# How many containers are inspected side by side: a busy engine answers each late, but all at the same time.
INSPECTIONS = 8
# The engine refuses to take a container off these networks.
UNLEAVABLE = ("host", "none")
# The images of ours are built, and come from no registry.
OURS = "wirelab/"
# How long a container that somebody else removes may take to go.
GONE_SECONDS = 10.0
# A disk with less is full: a container's start writes more.
FULL_BYTES = 1 << 20


class DockerContainers(DockerNetworks):
    """The capability `Containers`. A container is made on its networks, and leaves them before it is removed."""

    @property
    def enforces_limits(self) -> bool:
        return True

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        ids = [container.id for container in self.listed_containers(label)]
        if not ids:
            return ()
        with ThreadPoolExecutor(min(INSPECTIONS, len(ids))) as pool:
            containers = [container for container in pool.map(self._container_or_none, ids) if container]
        return tuple(sorted(containers, key=lambda container: container.name))

    def listed_containers(self, label: str) -> tuple[ListedContainer, ...]:
        with self._errors("the containers"):
            rows = self._api.find("/containers/json", all=1, filters=with_label(label)) or ()
        return tuple(ListedContainer(row["Id"], row["State"], row.get("Labels") or {}) for row in rows)

    def _container_or_none(self, container: str) -> ObservedContainer | None:
        """A container that goes away between the list and the inspection is not there."""
        with suppress(NotFound):
            return self.container(container)
        return None

    def container(self, container: str) -> ObservedContainer:
        with self._errors(_named(container)):
            return container_seen(self._inspect(container))

    def _inspect(self, container: str) -> dict[str, Any]:
        document: dict[str, Any] = self._api.get(f"/containers/{container}/json")
        return document

    def process_count(self, container: str) -> ProcessCount:
        return process_count_seen(self._stats(container))

    def memory_use(self, container: str) -> int:
        return memory_use_seen(self._stats(container))

    def _stats(self, container: str) -> dict[str, Any]:
        """By a single look: the engine would wait a second for the next one, which tells the processor time.

        Of a container that is removed while the engine looks, its answer is empty (Engine 20.10).
        """
        with self._errors(_named(container)):
            document = self._api.find(f"/containers/{container}/stats", **{"stream": "false", "one-shot": "true"})
        return document if isinstance(document, dict) else {}

    def image_id(self, reference: str) -> str:
        with suppress(ImageMissing, NotFound), self._errors(f"the image {reference}"):
            return image_id_of(self._api.get(f"/images/{reference}/json")["Id"])
        return ""

    def image_user(self, reference: str) -> str:
        try:
            return self._image_user(reference)
        except ImageMissing:
            self._pull(reference)
            return self._image_user(reference)

    def _image_user(self, reference: str) -> str:
        try:
            with self._errors(f"the image {reference}"):
                return str((self._api.get(f"/images/{reference}/json").get("Config") or {}).get("User") or "")
        except NotFound as error:
            raise ImageMissing(error.what, why=error.why) from error

    def make_container(self, spec: ContainerSpec) -> str:
        try:
            container = self._create(spec)
        except ImageMissing as error:
            if spec.image.startswith(OURS):
                what = f"the image {spec.image!r} is not there"
                raise ImageMissing(what, why=error.why, hint=error.hint) from error
            self._pull(spec.image)
            container = self._create(spec)
        try:
            for attach in spec.attachments[1:]:
                self.connect(container, attach)
        except BaseException:
            self.remove_container(container)
            raise
        return container

    def require_files(self, spec: ContainerSpec) -> None:
        """Raise FileUnseen where the engine does not see a file that the container would mount. Leaves nothing."""
        self.remove_container(self.make_container(spec))

    def _create(self, spec: ContainerSpec) -> str:
        with self._errors(f"the container {spec.name}"):
            network = self._lasting_name(spec.attachments[0].network_id) if spec.attachments else ""
            container: str = self._api.post("/containers/create", container_config(spec, network), name=spec.name)["Id"]
        return container

    def _pull(self, image: str) -> None:
        """Get an author's image from its registry. Raises ImageMissing with what the registry, or its absence, said."""
        from orchestrator.engine.docker.image_transfers import pull_image

        if why := pull_image(self._url, image, silence=CALL_SECONDS):
            hint = "look at the `image:` of the node; docker pull shows what the registry says"
            raise ImageMissing(f"the image {image!r} is not there and cannot be pulled", why=why, hint=hint)

    def start(self, container: str) -> ObservedContainer:
        try:
            with self._errors(_named(container)):
                self._api.post(f"/containers/{container}/start")
        except EngineRefused as error:
            if (folder := self._full_folder()) is None:
                raise
            what = f"{named_engine(self.member)} has no room on its disk for {_named(container)}"
            raise NoRoom(what, why=f"the disk of {folder} is full; the engine said: {error.why}") from error
        return self.container(container)

    def _full_folder(self) -> str | None:
        """The engine's folder if its disk is full; None, too, where we do not see it.

        A runtime that cannot write its files says only that it did not work.
        """
        with suppress(OSError, Refused, NoAnswer):
            folder = str(self._api.get("/info").get("DockerRootDir") or "")
            if folder and (disk := os.statvfs(folder)).f_bavail * disk.f_frsize < FULL_BYTES:
                return folder
        return None

    def stop(self, container: str, seconds: int) -> None:
        with self._errors(_named(container)):
            self._api.post(f"/containers/{container}/stop", seconds=CALL_SECONDS + seconds, t=seconds)

    def pause(self, container: str) -> None:
        with self._errors(_named(container)):
            self._api.post(f"/containers/{container}/pause")

    def unpause(self, container: str) -> None:
        with self._errors(_named(container)):
            self._api.post(f"/containers/{container}/unpause")

    def signal(self, container: str, name: str) -> None:
        with self._errors(_named(container)):
            self._api.post(f"/containers/{container}/kill", signal=name)

    def remove_container(self, container: str) -> None:
        with suppress(NotFound), self._errors(_named(container)):
            self._leave_networks(container)
            try:
                self._api.delete(f"/containers/{container}", force=1, v=1)
            except Refused as error:
                # Somebody else is removing it already: what we want is under way.
                if "already in progress" not in error.reason:
                    raise
                self._await_gone(container)

    def _leave_networks(self, container: str) -> None:
        """Take the container off every network on which it has an endpoint: its removal would not do so in order."""
        for name, endpoint in endpoints_of(self._inspect(container)).items():
            if endpoint.get("EndpointID") and name not in UNLEAVABLE:
                # What cannot be taken off goes with the container.
                with suppress(EngineRefused):
                    self.disconnect(container, endpoint["NetworkID"])

    def _await_gone(self, container: str) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while time.monotonic() < deadline:
            self._inspect(container)
            time.sleep(0.05)
        raise TimeoutError


def _named(container: str) -> str:
    return f"the container {container[:12]}"
