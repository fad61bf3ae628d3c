"""The images of a Docker engine (or of what speaks its API), behind the protocol of `engine/images.py`.

What moves whole images is in `image_transfers.py`, which is imported where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.connection import with_label
from orchestrator.engine.docker.http_api import HttpApi
from orchestrator.engine.images import LABEL, RELEASE_LABEL, ImageSeen
from orchestrator.errors import EngineRefused, ImageMissing, NotFound

# how long a registry may take for its first word, and for all of the image
REGISTRY_SECONDS, PULL_SECONDS = 8, 300


class DockerImageStore:
    """The images of the engine at `url`, that of a `member` if one is named.

    Each call has a connection of its own, so threads do not meet.
    """

    def __init__(self, url: str, label: str = LABEL, member: str = "") -> None:
        self._url = url
        self._label = label
        self._member = member

    def seen(self) -> tuple[ImageSeen, ...]:
        """Every image of ours, one entry a tag."""
        images = [
            _image_seen(tag, image)
            for image in self._images(with_label(self._label))
            for tag in image.get("RepoTags") or ()
            if "<none>" not in tag
        ]
        return tuple(sorted(images, key=lambda image: image.tag))

    def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
        """Build from a tar file."""
        from orchestrator.engine.docker.image_transfers import build_image

        yield from build_image(self._url, tag, context, args, labels)

    def take_tar(self, tar: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
        """`docker import`."""
        from orchestrator.engine.docker.image_transfers import import_image

        import_image(self._url, tar, tag, labels)

    def has(self, reference: str) -> bool:
        """True if the image is there."""
        return bool(self._images(json.dumps({"reference": [reference]})))

    def pull(self, reference: str) -> bool:
        """False if the registry does not begin to answer within a few seconds, says no, or takes minutes."""
        from orchestrator.engine.docker.image_transfers import pull_image

        failed = pull_image(self._url, reference, silence=REGISTRY_SECONDS, seconds=PULL_SECONDS)
        return not failed and self.has(reference)

    def digest(self, reference: str) -> str:
        """The engine's id of the image."""
        try:
            with self._api(f"the image {reference}") as api:
                return str(api.get(f"/images/{reference}/json")["Id"])
        except (NotFound, ImageMissing):
            return ""

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        """`docker save`."""
        from orchestrator.engine.docker.image_transfers import save_images

        return save_images(self._url, references)

    def load(self, tar: IO[bytes]) -> None:
        """`docker load`."""
        from orchestrator.engine.docker.image_transfers import load_images

        load_images(self._url, tar, self._member)

    def tag(self, existing: str, new: str) -> None:
        """Give an image a second tag."""
        repository, _, version = new.rpartition(":")
        with self._api(f"the image {existing}") as api:
            api.post(f"/images/{existing}/tag", repo=repository, tag=version)

    def remove(self, tag: str) -> None:
        """Remove a tag; an image in use by a container stays, and the engine says so."""
        try:
            with self._api(f"the image {tag}") as api:
                api.delete(f"/images/{tag}")
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
        references = []
        for image in self._images(with_label(self._label)):
            tags = [tag for tag in image.get("RepoTags") or () if "<none>" not in tag]
            references.extend(tags or [image["Id"]])
        return references

    def _images(self, filters: str) -> list[dict[str, Any]]:
        with self._api("the images") as api:
            images: list[dict[str, Any]] = api.find("/images/json", filters=filters) or []
        return images

    @contextmanager
    def _api(self, what: str) -> Iterator[HttpApi]:
        """The engine's API, to ask about `what`."""
        api = HttpApi(self._url)
        with map_api_errors(what, self._member):
            try:
                api.open()
                yield api
            finally:
                api.close()


def _image_seen(tag: str, image: Mapping[str, Any]) -> ImageSeen:
    labels = image.get("Labels") or {}
    # Podman puts the registry that it takes for granted before the name
    return ImageSeen(tag.removeprefix("localhost/"), int(image.get("Size", 0)), labels.get(RELEASE_LABEL, ""))
