"""Images that are built, imported or pulled: what the Docker SDK knows best, credentials of registries for one.

The SDK takes long to import; who needs none of this does not import this module.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from math import inf
from typing import IO, Any

import docker

from orchestrator.engine.docker.api_errors import named_engine
from orchestrator.engine.docker.sdk_errors import SDK_ERRORS, map_sdk_errors
from orchestrator.errors import DiskFull, ImageMissing, doctor_command

# a build step may be silent for long: a slow mirror, a large package being unpacked
SILENT_SECONDS = 900
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def build_image(
    url: str, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]
) -> Iterator[str]:
    """The classic builder, on the host's network: a private engine has no bridge of its own."""
    with map_sdk_errors(f"building {tag}"), _client(url, SILENT_SECONDS) as client:
        messages = client.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=tag, buildargs=dict(args), labels=dict(labels),
            network_mode="host", rm=True, forcerm=True, decode=True,
        )  # fmt: skip
        # A build that fails leaves messages unread: closed here, their connection goes with them.
        with closing(messages):
            yield from build_lines(messages)


def import_image(url: str, tar: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
    """`docker import`."""
    repository, _, version = tag.rpartition(":")
    changes = [f"LABEL {key}={_quoted(value)}" for key, value in sorted(labels.items())]
    with map_sdk_errors(f"importing {tag}"), _client(url, SILENT_SECONDS) as client:
        answer = client.import_image_from_stream(
            # a generator: the SDK promises chunks, which only an object without a length is sent as
            iter(lambda: tar.read(1 << 20), b""),
            repository=repository,
            tag=version,
            changes=changes,
        )
    if '"error"' in str(answer):
        raise ImageMissing(f"the engine does not take {tag}", why=str(answer).strip())


def save_images(url: str, references: Sequence[str]) -> Iterator[bytes]:
    """`docker save`: one tar of all of them."""
    with map_sdk_errors("saving images"), _client(url, SILENT_SECONDS) as client:
        # The SDK's own `get_image` takes one name; the API takes several (Engine API 1.41, ImageGetAll).
        address = f"{client.base_url}/v{client.api_version}/images/get"
        names = {"names": list(references)}
        with closing(client.get(address, params=names, stream=True, timeout=SILENT_SECONDS)) as answer:
            if answer.status_code != 200:
                raise ImageMissing("the engine does not give the images", why=answer.text.strip())
            yield from answer.iter_content(1 << 20)


def load_images(url: str, tar: IO[bytes], member: str = "") -> None:
    """`docker load`. Raises ImageMissing, or DiskFull, with what the engine said."""
    with map_sdk_errors("loading images", member), _client(url, SILENT_SECONDS) as client:
        pieces = iter(lambda: tar.read(1 << 20), b"")
        for failure in filter(None, _failures(client.load_image(pieces, quiet=True), inf)):
            full = "no space left on device" in failure.lower()
            kind, what = DiskFull if full else ImageMissing, f"{named_engine(member)} does not take the images"
            raise kind(what, why=failure.strip(), hint=doctor_command(member) if member else "")


def pull_image(url: str, reference: str, *, silence: float, seconds: float = inf) -> str:
    """Get an image from its registry; return what went wrong, nothing if nothing did.

    The registry may be silent for `silence` seconds, and take `seconds` for all of the image.
    """
    deadline = time.monotonic() + seconds
    try:
        with (
            _client(url, silence) as client,
            closing(client.pull(reference, stream=True, decode=True)) as messages,
        ):
            return next(filter(None, _failures(messages, deadline)), "")
    except SDK_ERRORS as error:
        return str(getattr(error, "explanation", None) or error)


def _failures(messages: Iterable[Mapping[str, Any]], deadline: float) -> Iterator[str]:
    """What each message of a registry says to have gone wrong."""
    for message in messages:
        late = "it takes too long" if time.monotonic() > deadline else ""
        yield str(message.get("error") or late)


def build_lines(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines that a build prints. Raises ImageMissing, or DiskFull where the engine or a program said ENOSPC."""
    full = False
    for message in messages:
        text = COLOUR.sub("", str(message.get("error") or message.get("stream") or ""))
        full = full or "no space left on device" in text.lower()
        if "error" in message:
            raise (DiskFull if full else ImageMissing)("the build failed", why=text.strip())
        yield from filter(None, text.splitlines())


def _client(url: str, seconds: float) -> closing[docker.APIClient]:
    return closing(docker.APIClient(base_url=url, version="auto", timeout=seconds))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
