"""The images of a Docker engine (or of what speaks its API), behind the protocol of `engine/images.py`."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import IO, Any

import docker
import requests
from docker.errors import DockerException
from urllib3.exceptions import HTTPError

from orchestrator.engine.docker.sdk_errors import map_sdk_errors
from orchestrator.engine.images import LABEL, RELEASE_LABEL, ImageSeen
from orchestrator.errors import DiskFull, EngineRefused, ImageMissing, NotFound

CALL_SECONDS = 60
# a build step may be silent for long: a slow mirror, a large package being unpacked
SILENT_SECONDS = 900
# how long a registry may take for its first word, and for all of the image
REGISTRY_SECONDS, PULL_SECONDS = 8, 300
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class DockerImageStore:
    """The images of the engine at `url`. Each call has a client of its own, so threads do not meet.

    `api_version` saves a question to the engine where somebody has asked it before.
    """

    def __init__(self, url: str, label: str = LABEL, api_version: str = "auto") -> None:
        self._url = url
        self._api_version = api_version
        self._label = label

    def seen(self) -> tuple[ImageSeen, ...]:
        """Every image of ours, one entry a tag."""
        with map_sdk_errors("the images"), self._client() as client:
            images_seen = client.images(filters={"label": self._label})
        images = [
            _image_seen(tag, image)
            for image in images_seen
            for tag in image.get("RepoTags") or ()
            if "<none>" not in tag
        ]
        return tuple(sorted(images, key=lambda image: image.tag))

    def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
        """The classic builder, on the host's network: a private engine has no bridge of its own."""
        with map_sdk_errors(f"building {tag}"), self._client(SILENT_SECONDS) as client:
            messages = client.build(
                fileobj=io.BytesIO(context), custom_context=True, tag=tag, buildargs=dict(args), labels=dict(labels),
                network_mode="host", rm=True, forcerm=True, decode=True,
            )  # fmt: skip
            yield from build_lines(messages)

    def take_tar(self, tar: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
        """`docker import`."""
        repository, _, version = tag.rpartition(":")
        changes = [f"LABEL {key}={_quoted(value)}" for key, value in sorted(labels.items())]
        with map_sdk_errors(f"importing {tag}"), self._client(SILENT_SECONDS) as client:
            answer = client.import_image_from_stream(
                # a generator: the SDK promises chunks, which only an object without a length is sent as
                iter(lambda: tar.read(1 << 20), b""),
                repository=repository,
                tag=version,
                changes=changes,
            )
        if '"error"' in str(answer):
            raise ImageMissing(f"the engine does not take {tag}", why=str(answer).strip())

    def has(self, reference: str) -> bool:
        """True if the image is there."""
        with map_sdk_errors("the images"), self._client() as client:
            return bool(client.images(name=reference))

    def pull(self, reference: str) -> bool:
        """False if the registry does not begin to answer within a few seconds, says no, or takes minutes."""
        repository, _, tag = reference.rpartition(":")
        deadline = time.monotonic() + PULL_SECONDS
        try:
            with self._client(REGISTRY_SECONDS) as client:
                messages = client.pull(repository, tag=tag, stream=True, decode=True)
                if any("error" in message or time.monotonic() > deadline for message in messages):
                    return False
        except (DockerException, requests.exceptions.RequestException, HTTPError):
            return False
        return self.has(reference)

    def tag(self, existing: str, new: str) -> None:
        """Give an image a second tag."""
        repository, _, version = new.rpartition(":")
        with map_sdk_errors(f"the image {existing}"), self._client() as client:
            client.tag(existing, repository, version)

    def remove(self, tag: str) -> None:
        """Remove a tag; an image in use by a container stays, and the engine says so."""
        try:
            with map_sdk_errors(f"the image {tag}"), self._client() as client:
                client.remove_image(tag)
        except (NotFound, ImageMissing):
            return

    def remove_labelled(self) -> tuple[str, ...]:
        """Children go before their parents: rounds, until one removes nothing."""
        removed: list[str] = []
        refused: EngineRefused | None = None
        while True:
            progress, refused = False, None
            for reference in self._references():
                try:
                    self.remove(reference)
                except EngineRefused as error:
                    refused = error
                else:
                    progress = True
                    removed.append(reference)
            if not progress:
                break
        if refused:
            raise refused
        return tuple(sorted(tag for tag in removed if not tag.startswith("sha256:")))

    def _references(self) -> list[str]:
        """Tags of our images, and ids of those that have no name."""
        with map_sdk_errors("the images"), self._client() as client:
            images = client.images(filters={"label": self._label})
        references = []
        for image in images:
            tags = [tag for tag in image.get("RepoTags") or () if "<none>" not in tag]
            references.extend(tags or [image["Id"]])
        return references

    def _client(self, seconds: int = CALL_SECONDS) -> closing[docker.APIClient]:
        return closing(docker.APIClient(base_url=self._url, version=self._api_version, timeout=seconds))


def _image_seen(tag: str, image: Mapping[str, Any]) -> ImageSeen:
    labels = image.get("Labels") or {}
    # Podman puts the registry that it takes for granted before the name
    return ImageSeen(tag.removeprefix("localhost/"), int(image.get("Size", 0)), labels.get(RELEASE_LABEL, ""))


def build_lines(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines that a build prints. Raises ImageMissing, or DiskFull where the engine or a program said ENOSPC."""
    full = False
    for message in messages:
        text = COLOUR.sub("", str(message.get("error") or message.get("stream") or ""))
        full = full or "no space left on device" in text.lower()
        if "error" in message:
            raise (DiskFull if full else ImageMissing)("the build failed", why=text.strip())
        yield from filter(None, text.splitlines())


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
