"""Building, listing and removing images on a real engine, with small images of the test's own."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from image_stage import connect
from lab_bench import Engine

from orchestrator.engine.docker.images import DockerImageStore
from orchestrator.engine.images import BaseSource
from orchestrator.errors import ImageMissing
from orchestrator.host.images.catalog import ImageCatalog, image_catalog
from orchestrator.host.images.files import images_folder, tag_of
from orchestrator.host.state_folder import StateFolder

pytestmark = pytest.mark.sampled(3)

# a label of this process alone: tests may run side by side
NUMBER = secrets.token_hex(4)
MARK = f"wirelab.test-{NUMBER}"
STABLE = f"test-{NUMBER}"
TAR = f"wirelab/test-tar:{NUMBER}"


@pytest.fixture
def store(engine: Engine) -> Iterator[DockerImageStore]:
    """The engine's images that bear the test's own label; none is left afterwards."""
    made = DockerImageStore(engine.url, label=MARK)
    yield made
    made.remove_labelled()
    assert made.seen() == ()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A base, and an image on it."""
    for name, run in (("base", "true"), ("leaf", "echo made of $COLOUR > /made")):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text(
            f"ARG BASE\nFROM ${{BASE}}\nLABEL {MARK}={name} wirelab.image={name}\nUSER 0\n"
            f"ARG COLOUR\n#: painting\nRUN {run}\n"
        )
    return tmp_path / "images"


@pytest.fixture(scope="module")
def bottom(engine: Engine) -> str:
    """An image that is there: what the test's base is built from."""
    return image_catalog(engine.url, StateFolder.of(engine.environ), engine.environ, print).ensure(["base"])["base"]


def shelf_of(store: DockerImageStore, source: Path, bottom: str, messages: list[str]) -> ImageCatalog:
    return ImageCatalog(
        store,
        source,
        StateFolder(source.parent / "state"),
        notify=messages.append,
        find_base_source=lambda _store: BaseSource(bottom, "Test 1 (first)"),
        build_args=lambda: {"COLOUR": "blue"},
        stable=STABLE,
    )


def test_what_is_missing_is_built_once_also_by_two_at_once(
    engine: Engine, store: DockerImageStore, source: Path, bottom: str
) -> None:
    """Base first, with its release as a label that the others inherit; build arguments arrive."""
    messages: list[str] = []
    shelves = [shelf_of(store, source, bottom, messages) for _ in range(2)]
    threads = [threading.Thread(target=one.ensure, args=(["leaf"],)) for one in shelves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    own = {tag_of("base", source), tag_of("leaf", source)}
    assert {image.tag for image in store.seen()} == own | {f"wirelab/leaf:{STABLE}"}
    assert {image.release for image in store.seen()} == {"Test 1 (first)"}
    assert sum(" built in " in line for line in messages) == 2
    assert "images: leaf [6/6] painting" in messages or "images: leaf [6/7] painting" in messages
    api = connect(engine.url)
    history = " ".join(str(step["CreatedBy"]) for step in api.history(tag_of("leaf", source)))
    api.close()
    assert "COLOUR=blue" in history


def open_sockets() -> set[int]:
    """The Unix sockets that this process has open."""
    return {connection.fd for connection in psutil.Process().net_connections("unix")}


def test_a_failing_build_says_what_the_program_said_and_leaves_no_container(
    engine: Engine, store: DockerImageStore, source: Path, bottom: str
) -> None:
    """Exit 3 with the last lines; containers of the build are gone, and so is the connection, which has more to say."""
    api = connect(engine.url)
    before = {container["Id"] for container in api.containers(all=True)}
    dockerfile = source / "leaf" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + f"RUN echo E: no package called {MARK}; exit 100\n")
    sockets = open_sockets()
    with pytest.raises(ImageMissing) as caught:
        shelf_of(store, source, bottom, []).ensure(["leaf"])
    assert open_sockets() <= sockets
    ours = [
        container
        for container in api.containers(all=True)
        if container["Id"] not in before and MARK in container["Command"]
    ]
    api.close()
    assert caught.value.what == "the image leaf could not be built"
    assert f"E: no package called {MARK}" in caught.value.why
    assert "100" in caught.value.why
    assert ours == []


def test_old_images_are_listed_and_removed(store: DockerImageStore, source: Path, bottom: str) -> None:
    """A changed file makes a new tag; the one before is old until it is removed."""
    one = shelf_of(store, source, bottom, [])
    before = one.ensure(["leaf"])["leaf"]
    (source / "leaf" / "file").write_text("new")
    after = one.ensure(["leaf"])["leaf"]
    assert [(row.name, row.tag, row.state) for row in one.rows()][1:] == [
        ("leaf", after, "present"), ("leaf", before, "old"),
    ]  # fmt: skip
    assert all(row.size > 1_000_000 for row in one.rows())
    assert one.remove_old() == (before,)
    assert before not in {image.tag for image in store.seen()}


def test_everything_of_ours_goes_and_nothing_else(store: DockerImageStore, source: Path, bottom: str) -> None:
    """By label: the image that the base was built from, which does not bear it, stays."""
    one = shelf_of(store, source, bottom, [])
    one.ensure(["leaf"])
    own = (tag_of("base", source), tag_of("leaf", source), f"wirelab/leaf:{STABLE}")
    assert sorted(one.remove_all()) == sorted(own)
    assert store.seen() == ()
    assert store.has(bottom)
    assert not store.has(tag_of("leaf", source))


def test_a_registry_that_is_not_there_is_a_no_within_seconds(store: DockerImageStore) -> None:
    """`.invalid` never resolves (RFC 2606)."""
    assert store.pull("registry.invalid/nothing:1") is False


def test_a_root_file_system_becomes_an_image(store: DockerImageStore, tmp_path: Path) -> None:
    """The way in which a bootstrapped base arrives: labels with blanks and quotes survive."""
    import tarfile

    (tmp_path / "hello").write_text("hello")
    with tempfile.TemporaryFile() as tar:
        with tarfile.open(fileobj=tar, mode="w") as archive:
            archive.add(tmp_path / "hello", "hello")
        tar.seek(0)
        store.take_tar(tar, TAR, {MARK: "x", "wirelab.release": 'Debian "13" (trixie)'})
    assert [(image.tag, image.release) for image in store.seen()] == [(TAR, 'Debian "13" (trixie)')]


def test_every_image_of_this_checkout_has_a_tag_of_its_own() -> None:
    """Twelve hexadecimal digits after the name."""
    tags = [tag_of(name, images_folder()) for name in ("base", "dns", "database", "app", "client")]
    assert len({tag.rpartition(":")[2] for tag in tags}) == 5
