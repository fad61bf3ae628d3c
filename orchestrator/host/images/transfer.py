"""Send images from one engine to another: those that it lacks, as one stream, in which a shared layer is there once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import IO, cast

from orchestrator.engine.images import ImageReceiver, ImageSender
from orchestrator.errors import ImageMissing


def send_images(
    source: ImageSender, target: ImageReceiver, references: Sequence[str], notify: Callable[[str], None]
) -> tuple[str, ...]:
    """Give `target` the images that `source` has under these references; those that were sent are returned.

    What the target has by its id is only named there. Raises ImageMissing where the source lacks one, or the target
    lacks one afterwards.
    """
    wanted = {reference: source.digest(reference) for reference in references}
    if absent := [reference for reference, digest in wanted.items() if not digest]:
        raise ImageMissing(f"the engine in use has no image {absent[0]}", hint=f"docker pull {absent[0]}")
    lacking = {reference: digest for reference, digest in wanted.items() if target.digest(reference) != digest}
    unnamed = {reference: digest for reference, digest in lacking.items() if target.digest(digest)}
    for reference, digest in unnamed.items():
        target.tag(digest, reference)
    sent = tuple(reference for reference in lacking if reference not in unnamed)
    if sent:
        notify(f"images: sending {', '.join(sent)}")
        target.load(streamed(source.save(sent)))
        if absent := [reference for reference in sent if not target.digest(reference)]:
            raise ImageMissing(f"{absent[0]} was sent, and is not there", hint="wirelab members doctor")
    return sent


class _Stream(io.RawIOBase):
    """The pieces of an iterator as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = cast(memoryview, buffer)
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken = self._rest[: len(view)]
        self._rest = self._rest[len(taken) :]
        view[: len(taken)] = taken
        return len(taken)


def streamed(pieces: Iterator[bytes]) -> IO[bytes]:
    """A file object that gives these pieces, one after another, and holds at most one of them."""
    return cast("IO[bytes]", io.BufferedReader(_Stream(pieces), 1 << 20))
