"""The images of the nodes: what they are made of, which are there, and building those that are missing.

An image is a folder under `images/`. Its tag holds a hash of the folder and of the base image's folder, so that it is
built once, and again only when what it is made of has changed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from orchestrator.engines.state import State
from orchestrator.errors import ImageMissing

if TYPE_CHECKING:
    from orchestrator.engines.bootstrap import Host

BASE = "base"
REPOSITORY = "wirelab"
LABEL = "wirelab.image"
RELEASE_LABEL = "wirelab.release"
PRESENT, MISSING, OLD = "present", "missing", "old"
NOT_IN_IMAGES = ("__pycache__", ".ruff_cache", ".mypy_cache", "README.md")


@dataclass(frozen=True)
class ImageSeen:
    """An image of ours that the engine has."""

    tag: str
    size: int
    release: str


@dataclass(frozen=True)
class Original:
    """What the base image is built from: a reference that the engine has, and the release that it holds."""

    reference: str
    release: str


@dataclass(frozen=True, order=True)
class _File:
    """A file or folder of an image: its name inside, and where it lies."""

    inner: str
    path: str
    is_folder: bool
    mode: int

    def read(self) -> bytes:
        if self.is_folder:
            return b""
        with open(self.path, "rb") as file:
            return file.read()


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

    def remove(self, tag: str) -> None:
        """Remove a tag, and the image with its last tag; nothing happens if it is gone."""
        ...

    def remove_labelled(self) -> tuple[str, ...]:
        """Remove every image that bears our label, nameless ones too; returns the tags that were removed."""
        ...


@dataclass(frozen=True)
class ImageRow:
    """One line of `wirelab images ls`; `state` is present, missing or old."""

    name: str
    tag: str
    state: str
    size: int
    release: str


def images_folder() -> Path:
    """The folder `images/` of this checkout."""
    return Path(__file__).resolve().parents[2] / "images"


def names_in(source: Path) -> tuple[str, ...]:
    """The images that can be built, the base first."""
    found = sorted(path.parent.name for path in source.glob("*/Dockerfile"))
    return (BASE, *(name for name in found if name != BASE))


def tags_of(names: Iterable[str], source: Path) -> dict[str, str]:
    """The tag of each image: `wirelab/<name>:<12 hex digits>`.

    The digits are a hash of the names, modes and contents of the image's files, and of the base's.
    """
    base = _hash_of(_folder(BASE, source))
    tags = {}
    for name in names:
        parts = base if name == BASE else base + _hash_of(_folder(name, source))
        tags[name] = f"{REPOSITORY}/{name}:{hashlib.sha256(parts.encode()).hexdigest()[:12]}"
    return tags


def tag_of(name: str, source: Path) -> str:
    """The tag of one image."""
    return tags_of([name], source)[name]


def _folder(name: str, source: Path) -> Path:
    folder = source / name
    if (folder / "Dockerfile").is_file():
        return folder
    known = ", ".join(names_in(source))
    raise ImageMissing(f"there is no image {name!r}", why=f"{source} has {known}", hint="wirelab images ls")


def context_of(folder: Path) -> bytes:
    """The build context as a tar file; the same files give the same bytes, whoever owns them and whatever the umask."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in _files_of(folder):
            entry = tarfile.TarInfo(file.inner)
            entry.mode = file.mode
            entry.type = tarfile.DIRTYPE if file.is_folder else tarfile.REGTYPE
            content = file.read()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def phrases_of(dockerfile: str) -> tuple[str, ...]:
    """For each instruction the words of the `#:` comment before it, or nothing; ARG before FROM counts as one."""
    phrases: list[str] = []
    pending, inside = "", False
    for line in dockerfile.splitlines():
        text = line.strip()
        if text.startswith("#"):
            pending = text[2:].strip() if text.startswith("#:") else pending
        elif text:
            if not inside:
                phrases.append(pending)
                pending = ""
            inside = text.endswith("\\")
    return tuple(phrases)


def _files_of(folder: Path) -> list[_File]:
    """Folders and files, sorted by name; what is not part of the image left out. Every `up` passes here: no pathlib."""
    found: list[_File] = []
    waiting = [("", str(folder))]
    while waiting:
        inside, at = waiting.pop()
        with os.scandir(at) as entries:
            for entry in entries:
                if entry.name in NOT_IN_IMAGES:
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                # modes as git keeps them: executable or not, whatever the umask
                executable = is_folder or entry.stat().st_mode & 0o100
                found.append(_File(inside + entry.name, entry.path, is_folder, 0o755 if executable else 0o644))
                if is_folder:
                    waiting.append((f"{inside}{entry.name}/", entry.path))
    return sorted(found)


def _hash_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files_of(folder):
        content = file.read()
        digest.update(f"{file.inner}\0{file.mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


class ImageShelf:
    """The images of one engine. `originate` finds what the base is built from; asked only when the base is missing."""

    def __init__(
        self,
        store: ImageStore,
        source: Path,
        state: State,
        *,
        notify: Callable[[str], None],
        originate: Callable[[ImageStore], Original],
        build_args: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._store = store
        self._source = source
        self._state = state
        self._notify = notify
        self._originate = originate
        self._build_args = build_args

    def ensure(self, names: Iterable[str]) -> dict[str, str]:
        """Build what is missing of these images, and return the tag of each; says nothing when all are there."""
        tags = tags_of(names, self._source)
        if self._missing(tags):
            with self._alone():
                # another process may have built them while we waited
                self._build(self._missing(tags))
        return tags

    def rows(self) -> tuple[ImageRow, ...]:
        """The images of this checkout, then the old ones that the engine still has."""
        seen = {image.tag: image for image in self._store.seen()}
        rows = []
        for name, tag in tags_of(names_in(self._source), self._source).items():
            image = seen.pop(tag, None)
            rows.append(_row(name, image) if image else ImageRow(name, tag, MISSING, 0, ""))
        old = [_row(_name_in(tag), image, OLD) for tag, image in sorted(seen.items())]
        return (*rows, *(row for row in old if row.name in names_in(self._source)))

    def remove_old(self) -> tuple[str, ...]:
        """Remove the images of earlier versions of this checkout; returns their tags."""
        old = tuple(row.tag for row in self.rows() if row.state == OLD)
        for tag in old:
            self._store.remove(tag)
        return old

    def remove_all(self) -> tuple[str, ...]:
        """Remove every image that wirelab made; returns their tags."""
        return self._store.remove_labelled()

    def _missing(self, tags: Mapping[str, str]) -> dict[str, str]:
        there = {image.tag for image in self._store.seen()}
        return {name: tag for name, tag in tags.items() if tag not in there}

    def _build(self, missing: Mapping[str, str]) -> None:
        from orchestrator.engines.image_build import Build, build_side_by_side

        if not missing:
            return
        order = ", ".join(sorted(missing))
        self._notify(f"images: to build: {order}; built once, this takes about a minute")
        args = dict(self._build_args())
        base = tag_of(BASE, self._source)
        if self._missing({BASE: base}):
            original = self._originate(self._store)
            labels = {RELEASE_LABEL: original.release}
            build = Build(BASE, base, self._source / BASE, {**args, "BASE": original.reference}, labels)
            build_side_by_side([build], self._store, self._notify)
        others = [
            Build(name, tag, self._source / name, {**args, "BASE": base}, {})
            for name, tag in missing.items()
            if name != BASE
        ]
        build_side_by_side(others, self._store, self._notify)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time builds; the kernel frees the lock when its holder dies."""
        import fcntl

        with (self._state.private(self._state.root) / "images.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._notify("images: another wirelab is building; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def shelf(
    url: str,
    state: State,
    environ: Mapping[str, str],
    notify: Callable[[str], None],
    *,
    api_version: str = "auto",
) -> ImageShelf:
    """The images of the engine at `url`, built from this checkout. A known `api_version` saves a question."""
    from orchestrator.engines.image_store import DockerImageStore

    def host() -> Host:
        from orchestrator.engines.bootstrap import Host

        return Host(state, environ, notify)

    return ImageShelf(
        DockerImageStore(url, api_version=api_version),
        images_folder(),
        state,
        notify=notify,
        originate=lambda store: host().original(store),
        build_args=lambda: host().build_args(),
    )


def _row(name: str, image: ImageSeen, state: str = PRESENT) -> ImageRow:
    return ImageRow(name, image.tag, state, image.size, image.release)


def _name_in(tag: str) -> str:
    return tag.partition("/")[2].partition(":")[0]


def document_of(rows: Sequence[ImageRow]) -> dict[str, object]:
    """The rows as the JSON document of `wirelab images ls --json`."""
    return {
        "schema": 1,
        "images": [
            {"name": r.name, "tag": r.tag, "state": r.state, "bytes": r.size, "release": r.release or None}
            for r in rows
        ],
    }
