"""Images go from one engine to another once, as one stream, and only what is missing by its id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO

import pytest

from orchestrator.errors import ImageMissing
from orchestrator.host.images.transfer import send_images, streamed


class FakeImages:
    """Names -> ids, and what was asked; `lost` are names that a load leaves out."""

    def __init__(self, images: dict[str, str], lost: Sequence[str] = ()) -> None:
        self.images = images
        self.saved: list[list[str]] = []
        self.loads = 0
        self._lost = lost

    def digest(self, reference: str) -> str:
        return self.images.get(reference) or (reference if reference in self.images.values() else "")

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        self.saved.append(list(references))
        content = json.dumps({reference: self.images[reference] for reference in references}).encode()
        yield from (content[:3], b"", content[3:])

    def load(self, tar: IO[bytes]) -> None:
        self.loads += 1
        self.images.update({name: digest for name, digest in json.load(tar).items() if name not in self._lost})

    def tag(self, existing: str, new: str) -> None:
        self.images[new] = existing


def quiet(_text: str) -> None:
    return


def test_all_that_is_missing_goes_as_one_stream() -> None:
    source = FakeImages({"app:1": "sha256:a", "dns:1": "sha256:d", "db:1": "sha256:b"})
    target = FakeImages({"dns:1": "sha256:d"})
    lines: list[str] = []
    assert send_images(source, target, ["app:1", "dns:1", "db:1"], lines.append) == ("app:1", "db:1")
    assert (source.saved, target.loads, target.images) == ([["app:1", "db:1"]], 1, source.images)
    assert lines == ["images: sending app:1, db:1"]
    assert send_images(source, target, ["app:1", "dns:1", "db:1"], lines.append) == ()
    assert (target.loads, len(lines)) == (1, 1)


def test_an_image_that_is_there_under_another_name_is_only_named() -> None:
    source, target = FakeImages({"app:2": "sha256:a"}), FakeImages({"app:1": "sha256:a"})
    assert send_images(source, target, ["app:2"], quiet) == ()
    assert (source.saved, target.images["app:2"]) == ([], "sha256:a")


def test_a_name_that_means_another_image_there_is_sent() -> None:
    source, target = FakeImages({"mine:1": "sha256:new"}), FakeImages({"mine:1": "sha256:old"})
    assert send_images(source, target, ["mine:1"], quiet) == ("mine:1",)
    assert target.images["mine:1"] == "sha256:new"


def test_an_image_that_nobody_has_is_named_before_anything_is_sent() -> None:
    source, target = FakeImages({"app:1": "sha256:a"}), FakeImages({})
    with pytest.raises(ImageMissing, match="the engine in use has no image gone:1"):
        send_images(source, target, ["app:1", "gone:1"], quiet)
    assert target.loads == 0


def test_an_image_that_did_not_arrive_is_named() -> None:
    source, target = FakeImages({"app:1": "sha256:a", "db:1": "sha256:b"}), FakeImages({}, lost=["db:1"])
    with pytest.raises(ImageMissing, match="db:1 was sent, and is not there"):
        send_images(source, target, ["app:1", "db:1"], quiet)


def test_a_stream_is_read_in_pieces_of_any_size() -> None:
    pieces = [b"a" * 5, b"", b"b" * (3 << 20), b"c"]
    assert streamed(iter(pieces)).read() == b"".join(pieces)
    stream = streamed(iter(pieces))
    assert b"".join(iter(lambda: stream.read(1000), b"")) == b"".join(pieces)
