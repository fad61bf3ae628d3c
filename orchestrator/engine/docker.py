"""The Docker Engine (and whatever speaks its API) behind the protocol of `protocol.py`.

Networks, containers and volumes are here; programs that are run inside a container are in `docker_programs.py`, what a
container writes is in `docker_logs.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock

import docker
import requests
from docker.errors import APIError
from urllib3.exceptions import HTTPError

from orchestrator.engine.attached import Wrote
from orchestrator.engine.docker_config import (
    container_config,
    container_seen,
    endpoint_config,
    moment,
    network_config,
    network_seen,
)
from orchestrator.engine.docker_logs import DockerLogs
from orchestrator.engine.docker_programs import DockerPrograms
from orchestrator.engine.protocol import Argv, Env, Output, Stop, Wanted
from orchestrator.engine.sdk_errors import translated
from orchestrator.errors import EngineRefused, ImageMissing, NotFound
from orchestrator.planning.snapshot import ObservedContainer, ObservedNetwork, ObservedVolume
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

CALL_SECONDS = 60
# How many containers are looked at side by side: a busy engine answers each late, but all at the same time.
LOOKS = 8
# "network ... has active endpoints" and "volume is in use" can persist for a moment after forced removals of the
# containers, most of all of those that were just starting (Engine 20.10). So often they are tried again, the pauses
# twice as long each time: 5 s in all for a network, 1 s for a volume, which somebody else's container may really use.
NETWORK_TRIES, VOLUME_TRIES, FIRST_PAUSE_SECONDS = 9, 7, 0.02
# The engine refuses to take a container off these networks.
UNLEAVABLE = ("host", "none")
# How long a container that somebody else removes may take to go.
GONE_SECONDS = 10.0


class DockerEngine:
    """One engine at one address, such as unix:///var/run/docker.sock. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        with translated(f"the engine at {url}"):
            self._api = docker.APIClient(base_url=url, version="auto", timeout=CALL_SECONDS)
        client = partial(docker.APIClient, base_url=url, version=self._api.api_version)
        self._programs = DockerPrograms(self._api, client)
        self._logs = DockerLogs(self._api, client)
        # Held while an endpoint is removed and while networks are read (see `_disconnect`).
        self._endpoints = Lock()

    @property
    def url(self) -> str:
        return self._url

    def version(self) -> str:
        """What the engine calls itself, such as `Docker Engine 20.10.24`."""
        with translated("the engine's version"):
            said = self._api.version()
        return f"{said.get('Platform', {}).get('Name') or 'Docker Engine'} {said['Version']}"

    def close(self) -> None:
        self._api.close()
        self._logs.close()

    def networks(self) -> tuple[ObservedNetwork, ...]:
        with self._endpoints, translated("the networks"):
            return tuple(network_seen(found) for found in self._api.networks())

    def containers(self, label: str) -> tuple[ObservedContainer, ...]:
        with translated("the containers"):
            ids = [found["Id"] for found in self._api.containers(all=True, filters={"label": label})]
        if not ids:
            return ()
        with ThreadPoolExecutor(min(LOOKS, len(ids))) as pool:
            seen = [found for found in pool.map(self._container_or_none, ids) if found]
        return tuple(sorted(seen, key=lambda c: c.name))

    def _container_or_none(self, container: str) -> ObservedContainer | None:
        """A container that goes away between the list and the look is not there."""
        with suppress(NotFound):
            return self.container(container)
        return None

    def volumes(self, label: str) -> tuple[ObservedVolume, ...]:
        with translated("the volumes"):
            found = self._api.volumes(filters={"label": label})["Volumes"] or []
        return tuple(sorted((ObservedVolume(v["Name"], v.get("Labels") or {}) for v in found), key=lambda v: v.name))

    def container(self, container: str) -> ObservedContainer:
        with translated(f"the container {container[:12]}"):
            return container_seen(self._api.inspect_container(container))

    def now(self) -> float:
        with translated("the engine's time"):
            return moment(self._api.info()["SystemTime"])

    def make_network(self, spec: NetworkSpec) -> str:
        with translated(f"the network {spec.name}"):
            body = self._api._post_json(self._api._url("/networks/create"), data=network_config(spec))
            found: str = self._api._result(body, json=True)["Id"]
        return found

    def remove_network(self, network: str) -> None:
        def remove() -> None:
            with suppress(NotFound), translated(f"the network {network[:12]}"):
                self._api.remove_network(network)

        again_while("active endpoints", remove, NETWORK_TRIES, lambda: self._disconnect_all(network))

    def _disconnect_all(self, network: str) -> None:
        with suppress(NotFound), translated(f"the network {network[:12]}"):
            with self._endpoints:
                endpoints = self._api.inspect_network(network).get("Containers") or {}
            # By its name: an endpoint that outlived its container is found by no container's id.
            for endpoint in endpoints.values():
                self.disconnect(endpoint["Name"], network)

    def make_container(self, spec: ContainerSpec) -> str:
        try:
            container = self._create(spec)
        except ImageMissing:
            self._pull(spec.image)
            container = self._create(spec)
        try:
            for attach in spec.attachments[1:]:
                self.connect(container, attach)
        except BaseException:
            self.remove_container(container)
            raise
        return container

    def _create(self, spec: ContainerSpec) -> str:
        with translated(f"the container {spec.name}"):
            found: str = self._api.create_container_from_config(container_config(spec), spec.name)["Id"]
        return found

    def _pull(self, image: str) -> None:
        """Get an author's image from its registry. Raises ImageMissing with what the registry, or its absence, said."""
        name, _, tag = image.rpartition(":") if ":" in image.rpartition("/")[2] else (image, "", "latest")
        try:
            said = list(self._api.pull(name, tag=tag, stream=True, decode=True))
            errors = [line["error"] for line in said if "error" in line]
        except (APIError, requests.exceptions.RequestException, HTTPError) as error:
            errors = [str(getattr(error, "explanation", None) or error)]
        if errors:
            hint = "look at the `image:` of the node; docker pull shows what the registry says"
            raise ImageMissing(f"the image {image!r} is not there and cannot be pulled", why=errors[-1], hint=hint)

    def start(self, container: str) -> ObservedContainer:
        with translated(f"the container {container[:12]}"):
            self._api.start(container)
        return self.container(container)

    def stop(self, container: str, seconds: int) -> None:
        with translated(f"the container {container[:12]}"):
            self._api.stop(container, timeout=seconds)

    def pause(self, container: str) -> None:
        with translated(f"the container {container[:12]}"):
            self._api.pause(container)

    def unpause(self, container: str) -> None:
        with translated(f"the container {container[:12]}"):
            self._api.unpause(container)

    def signal(self, container: str, name: str) -> None:
        with translated(f"the container {container[:12]}"):
            self._api.kill(container, name)

    def remove_container(self, container: str) -> None:
        with suppress(NotFound), translated(f"the container {container[:12]}"):
            self._leave_networks(container)
            try:
                self._api.remove_container(container, force=True, v=True)
            except APIError as error:
                # Somebody else is removing it already: what we want is under way.
                if "already in progress" not in str(error.explanation):
                    raise
                self._await_gone(container)

    def _leave_networks(self, container: str) -> None:
        """Take the container off every network on which it has an endpoint, for its removal would do so unordered."""
        networks = self._api.inspect_container(container)["NetworkSettings"].get("Networks") or {}
        for name, endpoint in networks.items():
            if endpoint.get("EndpointID") and name not in UNLEAVABLE:
                # What cannot be taken off goes with the container.
                with suppress(EngineRefused):
                    self.disconnect(container, endpoint["NetworkID"])

    def _await_gone(self, container: str) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while time.monotonic() < deadline:
            self._api.inspect_container(container)
            time.sleep(0.05)
        raise TimeoutError

    def remove_volume(self, volume: str) -> None:
        def remove() -> None:
            with suppress(NotFound), translated(f"the volume {volume}"):
                self._api.remove_volume(volume, force=True)

        again_while("volume is in use", remove, VOLUME_TRIES)

    def connect(self, container: str, attach: Attach) -> None:
        with translated(f"the network {attach.network}"):
            url = self._api._url("/networks/{0}/connect", attach.network_id)
            body = {"Container": container, "EndpointConfig": endpoint_config(attach)}
            self._api._raise_for_status(self._api._post_json(url, data=body))

    def disconnect(self, container: str, network: str) -> None:
        try:
            with suppress(NotFound), translated(f"the network {network[:12]}"):
                self._disconnect(container, network)
        except EngineRefused as error:
            if "is not connected" not in error.why:
                raise

    def _disconnect(self, container: str, network: str) -> None:
        """Remove one endpoint at a time, and read no networks meanwhile.

        Engine 20.10 counts the endpoints of a network without a lock when it removes one, and a listing of networks
        replaces the counter. A decrement that is lost stays lost until the engine restarts, and the network cannot be
        removed: "has active endpoints".
        """
        with self._endpoints:
            self._api.disconnect_container_from_network(container, network, force=True)

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        return self._programs.run(container, argv, seconds=seconds, user=user, env=env)

    def attached(self, container: str, argv: Argv, wrote: Wrote, source: int | None = None, env: Env = None) -> int:
        return self._programs.attached(container, argv, wrote, source, env)

    def stream(self, container: str, argv: Argv, said: list[str]) -> Iterator[bytes]:
        return self._programs.stream(container, argv, said)

    def log(self, container: str, since: float = 0.0) -> str:
        return self._logs.log(container, since)

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        return self._logs.follow(container, since)

    def await_line(self, container: str, wanted: Wanted, *, since: float, seconds: float, stop: Stop) -> str | None:
        return self._logs.await_line(container, wanted, since=since, seconds=seconds, stop=stop)


def again_while(refusal: str, call: Callable[[], None], tries: int, between: Callable[[], None] = lambda: None) -> None:
    """Call again, after ever longer pauses, as long as the engine refuses it for this reason; the last one raises."""
    for attempt in range(tries):
        try:
            call()
            return
        except EngineRefused as error:
            if refusal not in error.why or attempt == tries - 1:
                raise
        between()
        time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
