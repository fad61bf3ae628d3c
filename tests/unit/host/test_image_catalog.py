"""The tags of images, their build contexts, and what the shelf asks of an engine: without an engine."""

from __future__ import annotations

import io
import signal
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from orchestrator.cli.images import image_table
from orchestrator.engine.images import BaseSource, ImageSeen
from orchestrator.errors import DiskFull, ImageMissing
from orchestrator.host.images.build import phrase_for, telling
from orchestrator.host.images.catalog import ImageCatalog, ImageRow, document_of
from orchestrator.host.images.files import context_of, images_folder, names_in, phrases_of, tag_of
from orchestrator.host.state_folder import StateFolder


def entries(context: bytes) -> dict[str, int]:
    """Names and modes in a tar file."""
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        return {entry.name: entry.mode for entry in tar.getmembers()}


@dataclass
class MemoryStore:
    """An engine's images, in memory: keeps the protocol's promises, and a note of each build."""

    tags: set[str] = field(default_factory=set)
    built: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    broken: str = ""
    error: type[ImageMissing] = ImageMissing
    named: dict[str, str] = field(default_factory=dict)

    def seen(self) -> tuple[ImageSeen, ...]:
        return tuple(ImageSeen(tag, 1_000_000, "Debian 13 (trixie)") for tag in sorted(self.tags))

    def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
        assert "Dockerfile" in entries(context)
        yield "Step 1/2 : ARG BASE"
        yield "Step 2/2 : FROM ${BASE}"
        if self.broken and f"/{self.broken}:" in tag:
            yield "E: Unable to locate package nothing"
            raise self.error("the build failed", why="returned a non-zero code: 100")
        self.built.append((tag, {**args, **labels}))
        self.tags.add(tag)

    def take_tar(self, tar: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
        assert tar.readable()
        assert labels
        self.tags.add(tag)

    def has(self, reference: str) -> bool:
        return reference in self.tags

    def pull(self, reference: str) -> bool:
        return self.has(reference)

    def tag(self, existing: str, new: str) -> None:
        assert existing in self.tags
        self.tags.add(new)
        self.named[new] = existing

    def remove(self, tag: str) -> None:
        self.tags.discard(tag)

    def remove_labelled(self) -> tuple[str, ...]:
        gone = tuple(sorted(self.tags))
        self.tags.clear()
        return gone


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three images: base, and two that stand on it."""
    for name in ("base", "dns", "app"):
        folder = tmp_path / "images" / name
        (folder / "files").mkdir(parents=True)
        (folder / "Dockerfile").write_text("ARG BASE\n#: taking the base\nFROM ${BASE}\n")
        (folder / "files" / "start").write_text(f"#!/bin/bash\n# {name}\n")
    return tmp_path / "images"


def shelf_of(store: MemoryStore, source: Path, messages: list[str]) -> ImageCatalog:
    def find_base_source(_store: object) -> BaseSource:
        return BaseSource("debian:trixie-slim", "Debian 13 (trixie)")

    state = StateFolder(source.parent / "state")
    return ImageCatalog(store, source, state, notify=messages.append, find_base_source=find_base_source)


# tags


def test_a_tag_is_the_same_for_the_same_contents_wherever_they_lie(source: Path, tmp_path: Path) -> None:
    """Owner, times and the place of the folder do not matter."""
    import shutil

    copy = tmp_path / "elsewhere"
    shutil.copytree(source, copy)
    for name in names_in(source):
        assert tag_of(name, source) == tag_of(name, copy)


def test_a_tag_changes_with_a_content_a_name_and_the_executable_bit(source: Path) -> None:
    """Whatever the image is made of is in its tag."""
    start = source / "dns" / "files" / "start"
    tags = [tag_of("dns", source)]
    start.write_text("#!/bin/sh\n")
    tags.append(tag_of("dns", source))
    start.chmod(0o755)
    tags.append(tag_of("dns", source))
    start.rename(start.with_name("begin"))
    tags.append(tag_of("dns", source))
    assert len(set(tags)) == 4
    assert all(tag.startswith("wirelab/dns:") and len(tag) == len("wirelab/dns:") + 12 for tag in tags)


def test_a_tag_ignores_what_is_not_part_of_the_image(source: Path) -> None:
    """A README, compiled Python, and a file mode that only the umask made."""
    before = tag_of("app", source)
    (source / "app" / "README.md").write_text("words")
    (source / "app" / "files" / "__pycache__").mkdir()
    (source / "app" / "files" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (source / "app" / "files" / "start").chmod(0o600)
    assert tag_of("app", source) == before
    assert "README.md" not in entries(context_of(source / "app"))


def test_a_change_of_the_base_changes_every_tag_and_another_image_none(source: Path) -> None:
    """All images stand on the base, and on nothing else."""
    before = {name: tag_of(name, source) for name in names_in(source)}
    (source / "dns" / "files" / "start").write_text("x")
    assert [name for name in before if tag_of(name, source) != before[name]] == ["dns"]
    (source / "base" / "files" / "start").write_text("x")
    assert [name for name in before if tag_of(name, source) == before[name]] == []


def test_an_unknown_image_is_an_error_that_names_the_known_ones(source: Path) -> None:
    """Exit 3, not a traceback."""
    with pytest.raises(ImageMissing) as caught:
        tag_of("dnss", source)
    assert "base, app, dns" in caught.value.why


def test_the_context_is_the_same_bytes_each_time_and_keeps_what_is_executable(source: Path) -> None:
    """The engine's build cache lives on that."""
    (source / "dns" / "files" / "start").chmod(0o755)
    context = context_of(source / "dns")
    assert context == context_of(source / "dns")
    assert entries(context) == {"Dockerfile": 0o644, "files": 0o755, "files/start": 0o755}


def test_our_own_images_stand_on_the_base_and_say_their_name() -> None:
    """Every Dockerfile of this checkout keeps what the shelf relies on."""
    for name in names_in(images_folder()):
        text = (images_folder() / name / "Dockerfile").read_text()
        assert f"\nLABEL wirelab.image={name}\n" in text, name
        assert "\nFROM ${BASE}\n" in text, name
        assert any(phrases_of(text)), name
        assert "VOLUME" not in text, name


# building


def test_what_is_missing_is_built_the_base_first_and_the_rest_on_it(source: Path) -> None:
    """The base from the original, the others from the base's tag; the release is a label of the base."""
    store = MemoryStore()
    messages: list[str] = []
    tags = shelf_of(store, source, messages).ensure(["dns", "app"])
    base = tag_of("base", source)
    assert store.built[0] == (base, {"BASE": "debian:trixie-slim", "wirelab.release": "Debian 13 (trixie)"})
    assert sorted(store.built[1:]) == sorted((tag, {"BASE": base}) for tag in tags.values())
    assert "images: dns [2/2] taking the base" in messages


def test_when_all_is_there_nothing_is_built_and_nothing_is_said(source: Path) -> None:
    """Each `up` passes here."""
    store = MemoryStore()
    messages: list[str] = []
    first = shelf_of(store, source, messages).ensure(["dns"])
    built, messages[:] = len(store.built), []
    assert shelf_of(store, source, messages).ensure(["dns"]) == first
    assert (len(store.built), messages) == (built, [])


def test_a_build_that_fails_names_the_image_and_what_the_package_manager_said(source: Path) -> None:
    """Exit 3 with the evidence."""
    store = MemoryStore(broken="dns")
    with pytest.raises(ImageMissing) as caught:
        shelf_of(store, source, []).ensure(["dns", "app"])
    assert caught.value.what == "the image dns could not be built"
    assert caught.value.why == "E: Unable to locate package nothing; returned a non-zero code: 100"
    assert caught.value.hint == "see whether the package archive can be reached from here, then: wirelab images build"


def test_a_build_on_a_full_disk_asks_for_space(source: Path) -> None:
    with pytest.raises(ImageMissing) as caught:
        shelf_of(MemoryStore(broken="dns", error=DiskFull), source, []).ensure(["dns", "app"])
    assert caught.value.hint == "free some disk space, then: wirelab images build"


class SilentStore(MemoryStore):
    """Its builds begin, and say nothing until somebody lets them go."""

    def __init__(self, tag: str, broken: str = "") -> None:
        super().__init__({tag}, broken=broken)
        self.began, self.let_go, self.ended = threading.Barrier(3), threading.Event(), threading.Event()

    def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
        self.began.wait(30)
        self.let_go.wait(30)
        self.ended.set()
        yield from super().build(tag, context, args, labels)


def test_an_interrupt_waits_for_no_word_of_a_build(source: Path) -> None:
    """Ctrl-C while the engine is silent: the command goes on to its end, and nothing counts as built."""
    store = SilentStore(tag_of("base", source))
    messages: list[str] = []
    main = threading.main_thread().ident or 0
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        store.began.wait(30)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            shelf_of(store, source, messages).ensure(["dns", "app"])
        assert not store.ended.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
        store.let_go.set()
    assert messages == ["images: to build: app, dns; built once, this takes about a minute"]


def test_a_failure_waits_for_no_other_build(source: Path) -> None:
    """What failed is told at once; the engine may be silent about the others for minutes."""

    class HalfSilent(SilentStore):
        def build(self, tag: str, context: bytes, args: Mapping[str, str], labels: Mapping[str, str]) -> Iterator[str]:
            if "/app:" in tag:
                yield from super().build(tag, context, args, labels)
            self.began.wait(30)
            yield from MemoryStore.build(self, tag, context, args, labels)

    store = HalfSilent(tag_of("base", source), broken="dns")
    store.began = threading.Barrier(2)
    with pytest.raises(ImageMissing):
        shelf_of(store, source, []).ensure(["dns", "app"])
    assert not store.ended.is_set()
    store.let_go.set()


def test_two_at_once_build_once(source: Path) -> None:
    """The second waits for the first, and finds the images built."""
    store = MemoryStore()
    messages: list[str] = []
    threads = [
        threading.Thread(target=shelf_of(store, source, messages).ensure, args=(["dns", "app"],)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(tag for tag, _ in store.built) == sorted(tag_of(name, source) for name in names_in(source))


def test_the_newest_image_has_a_stable_tag(source: Path) -> None:
    """An author's Dockerfile builds FROM wirelab/dns:latest; the tag moves with each build, and prune leaves it."""
    store = MemoryStore()
    shelf_of(store, source, []).ensure(["dns"])
    assert store.named["wirelab/dns:latest"] == tag_of("dns", source)
    (source / "dns" / "files" / "start").write_text("changed")
    shelf_of(store, source, []).ensure(["dns"])
    assert store.named["wirelab/dns:latest"] == tag_of("dns", source)
    shelf_of(store, source, []).remove_old()
    assert "wirelab/dns:latest" in store.tags


# listing


def test_the_list_tells_present_missing_and_old(source: Path) -> None:
    """Old is a tag of an image of this checkout that its files no longer give."""
    old = tag_of("dns", source)
    store = MemoryStore()
    shelf_of(store, source, []).ensure(["dns"])
    (source / "dns" / "files" / "start").write_text("changed")
    rows = shelf_of(store, source, []).rows()
    assert [(row.name, row.state) for row in rows] == [
        ("base", "present"), ("app", "missing"), ("dns", "missing"), ("dns", "old"),
    ]  # fmt: skip
    assert shelf_of(store, source, []).remove_old() == (old,)
    assert [row.state for row in shelf_of(store, source, []).rows()] == ["present", "missing", "missing"]


def test_the_table_is_aligned_and_the_document_has_its_schema() -> None:
    """What `wirelab images ls` prints, with and without --json."""
    rows = (
        ImageRow("base", "wirelab/base:0123456789ab", "present", 86_400_000, "Debian 13 (trixie)"),
        ImageRow("database", "wirelab/database:ba9876543210", "missing", 0, ""),
    )
    assert image_table(rows) == (
        "NAME      STATE    SIZE   RELEASE             TAG\n"
        "base      present  86 MB  Debian 13 (trixie)  wirelab/base:0123456789ab\n"
        "database  missing  -      -                   wirelab/database:ba9876543210"
    )
    assert document_of(rows)["schema"] == 1
    assert document_of(rows[1:])["images"] == [
        {"name": "database", "tag": "wirelab/database:ba9876543210", "state": "missing", "bytes": 0, "release": None}
    ]


# progress


def test_a_step_is_shown_in_the_words_of_the_dockerfile() -> None:
    """The words stand in a `#:` comment before the instruction; steps without words are not shown."""
    phrases = phrases_of("# about\nARG BASE\nFROM x\n\n#: doing\n# more\nRUN a \\\n # inner\n && b \\\n && c\nUSER d\n")
    assert phrases == ("", "", "doing", "")
    assert phrase_for("Step 3/4 : RUN a", phrases) == "[3/4] doing"
    assert phrase_for("Step 4/4 : USER d", phrases) == ""
    assert phrase_for("Get:1 http://mirror trixie/main", phrases) == ""
    assert phrase_for("Step 9/9 : LABEL x", phrases) == ""


def test_the_telling_lines_are_the_errors_or_else_the_last_ones() -> None:
    """Three lines that a person can act on."""
    assert telling(["Step 1/2 : RUN x", "Reading", "E: a", "Done"]) == ["E: a"]
    assert telling(["one", "two", "", "three", "four", " ---> 0123"]) == ["two", "three", "four"]
