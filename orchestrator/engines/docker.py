"""The Docker Engine (and whatever speaks its API) behind the protocol of `protocol.py`."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import docker
import requests
from docker.errors import APIError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from orchestrator.engines.attached import Heard, Wrote, attend
from orchestrator.engines.docker_config import (
    container_config,
    container_seen,
    endpoint_config,
    network_config,
    network_seen,
)
from orchestrator.engines.protocol import Env, Output
from orchestrator.engines.translated import translated
from orchestrator.errors import EngineRefused, ImageMissing, NotFound, TookTooLong
from orchestrator.planning.observed import ContainerSeen, NetworkSeen, VolumeSeen
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

CALL_SECONDS = 60
# How many containers are looked at side by side: a busy engine answers each late, but all at the same time.
LOOKS = 8
# How long a silent log is listened to before we look whether anybody still wants it.
SILENCE_SECONDS = 0.5
# "network ... has active endpoints" and "volume is in use" can persist for a moment after forced removals of the
# containers, most of all of those that were just starting (Engine 20.10). So often they are tried again, the pauses
# twice as long each time: 5 s in all for a network, 1 s for a volume, which somebody else's container may really use.
NETWORK_TRIES, VOLUME_TRIES, FIRST_PAUSE_SECONDS = 9, 7, 0.02
# How long a container that somebody else removes may take to go.
GONE_SECONDS = 10.0
# What a program may write before it counts as one that does not end; an answer of ours has a few megabytes at most.
MOST_BYTES = 64 * 1024 * 1024


class DockerEngine:
    """One engine at one address, such as unix:///var/run/docker.sock. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        with translated(f"the engine at {url}"):
            self._api = docker.APIClient(base_url=url, version="auto", timeout=CALL_SECONDS)
        version = self._api.api_version
        self._listening = docker.APIClient(base_url=url, version=version, timeout=SILENCE_SECONDS)

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
        self._listening.close()

    def networks(self) -> tuple[NetworkSeen, ...]:
        with translated("the networks"):
            return tuple(network_seen(found) for found in self._api.networks())

    def containers(self, label: str) -> tuple[ContainerSeen, ...]:
        with translated("the containers"):
            ids = [found["Id"] for found in self._api.containers(all=True, filters={"label": label})]
        if not ids:
            return ()
        with ThreadPoolExecutor(min(LOOKS, len(ids))) as pool:
            seen = [found for found in pool.map(self._container_or_none, ids) if found]
        return tuple(sorted(seen, key=lambda c: c.name))

    def _container_or_none(self, container: str) -> ContainerSeen | None:
        """A container that goes away between the list and the look is not there."""
        with suppress(NotFound):
            return self.container(container)
        return None

    def volumes(self, label: str) -> tuple[VolumeSeen, ...]:
        with translated("the volumes"):
            found = self._api.volumes(filters={"label": label})["Volumes"] or []
        return tuple(sorted((VolumeSeen(v["Name"], v.get("Labels") or {}) for v in found), key=lambda v: v.name))

    def container(self, container: str) -> ContainerSeen:
        with translated(f"the container {container[:12]}"):
            return container_seen(self._api.inspect_container(container))

    def isolates_ipv6(self) -> bool | None:
        # Rarely asked, and it looks at processes and the firewall.
        from orchestrator.engines.machine import isolates_ipv6

        return isolates_ipv6(self._url)

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
            # By its name: an endpoint that outlived its container is found by no container's id.
            for endpoint in (self._api.inspect_network(network).get("Containers") or {}).values():
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

    def start(self, container: str) -> ContainerSeen:
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
            try:
                self._api.remove_container(container, force=True, v=True)
            except APIError as error:
                # Somebody else is removing it already: what we want is under way.
                if "already in progress" not in str(error.explanation):
                    raise
                self._await_gone(container)

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
                self._api.disconnect_container_from_network(container, network, force=True)
        except EngineRefused as error:
            if "is not connected" not in error.why:
                raise

    def run(self, container: str, argv: Sequence[str], *, seconds: float, user: str = "", env: Env = None) -> Output:
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            made = self._api.exec_create(container, list(argv), user=user, environment=env)["Id"]
            sock = self._api.exec_start(made, socket=True)
            try:
                out, err = read_streams(getattr(sock, "_sock", sock), time.monotonic() + seconds)
            finally:
                sock.close()
            code = self._api.exec_inspect(made)["ExitCode"]
        return Output(-1 if code is None else code, out, err)

    def attached(self, container: str, argv: Sequence[str], wrote: Wrote, source: int | None = None) -> int:
        heard = Heard(wrote)
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            made = self._api.exec_create(container, list(argv), stdin=source is not None)["Id"]
            sock = self._api.exec_start(made, socket=True)
            try:
                attend(getattr(sock, "_sock", sock), heard, source)
            finally:
                sock.close()
            code = self._api.exec_inspect(made)["ExitCode"]
        heard.end(argv[0], code)
        return -1 if code is None else int(code)

    def stream(self, container: str, argv: Sequence[str], said: list[str]) -> Iterator[bytes]:
        with translated(f"running {argv[0]!r} in the container {container[:12]}"):
            api = docker.APIClient(base_url=self._url, version=self._api.api_version, timeout=None)
            try:
                made = api.exec_create(container, list(argv))["Id"]
                for out, err in api.exec_start(made, stream=True, demux=True):
                    if err:
                        said.append(err.decode("utf-8", "replace"))
                    if out:
                        yield out
                with suppress(docker.errors.NotFound):
                    # An engine that goes away looks like the program's end; it is missing when it is asked again.
                    self._api.exec_inspect(made)
            finally:
                api.close()

    def log(self, container: str, since: float = 0.0) -> str:
        with translated(f"the log of the container {container[:12]}"):
            raw: bytes = self._api.logs(container, since=since or None)
        return raw.decode("utf-8", "replace")

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        with translated(f"the log of the container {container[:12]}"):
            api = docker.APIClient(base_url=self._url, version=self._api.api_version, timeout=None)
            try:
                yield from lines(api.logs(container, stream=True, follow=True, since=since or None))
            finally:
                api.close()

    def await_line(self, container: str, line: str, *, since: float, seconds: float, stop: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            try:
                with translated(f"the log of the container {container[:12]}", patient=True):
                    # The log has an end only when the container has one.
                    return any(found == line for found in lines(self._listen(container, since)))
            except (requests.exceptions.Timeout, ReadTimeoutError):
                continue
            except requests.exceptions.ConnectionError:
                # Busy, or gone: asked with more patience than the log, the engine answers or is missing.
                self.container(container)
        return False

    def _listen(self, container: str, since: float) -> Iterator[bytes]:
        """The log as it is written; ends with a time-out when nothing comes, which the SDK's own reading forbids."""
        url = self._listening._url("/containers/{0}/logs", container)
        params = {"stdout": 1, "stderr": 1, "follow": 1, "since": f"{since:.9f}" if since else "0"}
        with self._listening._get(url, params=params, stream=True) as response:
            self._listening._raise_for_status(response)
            while len(header := response.raw.read(8)) == 8:
                yield response.raw.read(struct.unpack(">BxxxL", header)[1])


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


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def read_streams(sock: Any, deadline: float) -> tuple[str, str]:
    """Standard output and error from the engine's multiplexed stream (Engine API, "attach"); both to the end.

    TookTooLong where more comes than memory is for.
    """
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    left = MOST_BYTES
    while header := _read(sock, 8, deadline):
        stream, size = struct.unpack(">BxxxL", header)
        left -= size
        if left < 0:
            why = f"it had written more than {MOST_BYTES // 1024 // 1024} MiB"
            raise TookTooLong("the program does not end", why=why)
        parts.setdefault(stream, []).append(_read(sock, size, deadline))
    return b"".join(parts[1]).decode("utf-8", "replace"), b"".join(parts[2]).decode("utf-8", "replace")


def _read(sock: Any, size: int, deadline: float) -> bytes:
    found = b""
    while len(found) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        more = sock.recv(size - len(found))
        if not more:
            return b""
        found += more
    return found
