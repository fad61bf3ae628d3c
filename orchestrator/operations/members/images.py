"""The images that a member lacks: sent from the engine in use, or built on the member where no engine is in use."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import WorldError
from orchestrator.host.members.reach import member_at

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder

Notify = Callable[[str], None]


def ensure_images(state: StateFolder, url: str, names: Sequence[str], notify: Notify) -> Mapping[str, str]:
    """Give the member at `url` those of wirelab's own images that it lacks; the tag of each image.

    The engine in use builds them, if it lacks them too, and sends them as one stream. Raises WorldError where the
    member has another architecture.
    """
    from orchestrator.host.find import running_engine
    from orchestrator.host.images.catalog import image_catalog

    catalog = image_catalog(url, state, os.environ, notify)
    source = running_engine(os.environ, state)
    if source is None or source.url == url:
        return catalog.ensure(names)
    tags = image_catalog(source.url, state, os.environ, notify).ensure(names)
    if catalog.missing(names):
        with _alone(state, url):
            # Another lab may have been given them while we waited.
            missing = [tags[name] for name in catalog.missing(names)]
            send(source.url, url, missing, notify, member_at(state, url))
    return tags


@contextmanager
def _alone(state: StateFolder, url: str) -> Iterator[None]:
    """One process at a time sends images to a member; the kernel frees the lock when its holder dies."""
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    with (state.private(state.root / "locks") / f"images-{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def send_author_images(state: StateFolder, url: str, references: Sequence[str], notify: Notify) -> None:
    """Give the member at `url` the author's own images that the engine in use has, where they differ.

    What the engine in use lacks is left to the member, which pulls it.
    """
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.host.find import running_engine

    source = running_engine(os.environ, state) if references else None
    if source is None or source.url == url:
        return
    store = DockerImageStore(source.url)
    there = [reference for reference in dict.fromkeys(references) if store.digest(reference)]
    send(source.url, url, there, notify, member_at(state, url))


def send(source_url: str, url: str, references: Sequence[str], notify: Notify, member: str) -> None:
    """Send what the engine of a member, at `url`, lacks of these images.

    Raises WorldError if it has another architecture.
    """
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.host.images.transfer import send_images
    from orchestrator.operations.members.examine import engine_identity

    if not references:
        return
    here, there = engine_identity(source_url).architecture, engine_identity(url).architecture
    if here != there:
        why = f"it has {there}, and the engine in use, which builds the images, has {here}"
        hint = "use a member of the same architecture"
        raise WorldError(f"the images do not run on the member {member!r}", why=why, hint=hint)
    send_images(DockerImageStore(source_url), DockerImageStore(url, member=member), references, notify)
