"""The door to an engine's images, as narrow as building and listing them allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Protocol

from orchestrator.quick_dataclass import dataclass

LABEL = "wirelab.image"
RELEASE_LABEL = "wirelab.release"


@dataclass(frozen=True)
class ImageSeen:
    """An image of ours that the engine has."""

    tag: str
    size: int
    release: str


@dataclass(frozen=True)
class BaseSource:
    """What the base image is built from: a reference that the engine has, and the release that it holds."""

    reference: str
    release: str


class ImageSender(Protocol):
    """Gives whole images away."""

    def digest(self, reference: str) -> str:
        """The digest (`sha256:…`) by which the engine knows an image; empty if it has none of that name."""
        ...

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        """The images as one stream, in which a layer that several of them have is there once."""
        ...


class ImageTransfer(ImageSender, Protocol):
    """Moves whole images from one engine to another."""

    def load(self, tar: IO[bytes]) -> None:
        """Take the images of such a stream, with their names."""
        ...


class ImageReceiver(ImageTransfer, Protocol):
    """Takes images, and names those that it has."""

    def tag(self, existing: str, new: str) -> None:
        """Give an image a second tag; where another image had it, that one loses it."""
        ...


class ImageStore(Protocol):
    """What is asked of an engine about images."""

    def seen(self) -> tuple[ImageSeen, ...]:
        """Every image that bears our label, sorted by tag."""
        ...

    def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
        """Build from a tar file; yields what the engine says, line by line; raises ImageMissing if it fails."""
        ...

    def take_tar(self, tar: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
        """Make an image of one layer from a root file system."""
        ...

    def has(self, reference: str) -> bool:
        """True if the engine has this image now."""
        ...

    def pull(self, reference: str) -> bool:
        """Get an image from its registry; False if no registry answers promptly."""
        ...

    def tag(self, existing: str, new: str) -> None:
        """Give an image a second tag; where another image had it, that one loses it."""
        ...

    def remove(self, tag: str) -> None:
        """Remove a tag, and the image with its last tag; nothing happens if it is gone."""
        ...

    def remove_labelled(self) -> tuple[str, ...]:
        """Remove every image that bears our label, nameless ones too; returns the tags that were removed."""
        ...
