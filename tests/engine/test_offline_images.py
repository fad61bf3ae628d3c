"""A file for a room without a network, with the images of a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_bench import CHECKOUT, Engine

from orchestrator.cli import offline_installer
from orchestrator.engine.docker.images import DockerImageStore
from orchestrator.errors import ImageMissing
from orchestrator.host.images.files import images_folder, tags_of
from orchestrator.operations.offline.archive import opened
from orchestrator.operations.offline.make import Sources, make_offline_file
from orchestrator.operations.offline.manifest import IMAGES
from orchestrator.operations.offline.use import put_in_images


def test_an_engine_takes_the_images_that_it_gave(engine: Engine, tmp_path: Path) -> None:
    """The digests are those of the engine, before and after; nothing is missing then."""
    store = DockerImageStore(engine.environ["DOCKER_HOST"])
    file = tmp_path / "room.tar"
    # The client's image alone: what else a lab needs is saved in the same way.
    sources = Sources(
        store,
        lambda _names: list(tags_of(("client",), images_folder()).values()),
        Path(offline_installer.__file__),
        wheels=lambda folder: (folder / "none.whl").touch(),
        packages=None,
    )
    made = make_offline_file(file, (str(CHECKOUT / "scenarios" / "basic"),), tmp_path, sources, lambda _text: None)
    (image,) = made.images
    assert image.digest == engine.client.images.get(image.tag).id
    with opened(file) as offline:
        store.load(offline.stream(IMAGES))
        assert store.digest(image.tag) == image.digest
        assert put_in_images(offline, store, lambda _text: None) == 0


def test_an_engine_says_what_it_cannot_save_or_load(engine: Engine, tmp_path: Path) -> None:
    store = DockerImageStore(engine.environ["DOCKER_HOST"])
    assert store.digest("wirelab/nothing:1") == ""
    with pytest.raises(ImageMissing):
        list(store.save(["wirelab/nothing:1"]))
    (tmp_path / "no.tar").write_bytes(b"no tar" * 1000)
    with (tmp_path / "no.tar").open("rb") as tar, pytest.raises(ImageMissing):
        store.load(tar)
