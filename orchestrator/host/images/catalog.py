"""The images of the nodes on one engine: which are there, and building those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.images import RELEASE_LABEL, BaseSource, ImageSeen, ImageStore
from orchestrator.host.images.files import BASE, REPOSITORY, STABLE, images_folder, names_in, tag_of, tags_of
from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.host.images.base_image import Host

PRESENT, MISSING, OLD = "present", "missing", "old"


@dataclass(frozen=True)
class ImageRow:
    """One line of `wirelab images ls`; `state` is present, missing or old."""

    name: str
    tag: str
    state: str
    size: int
    release: str


class ImageCatalog:
    """The images of one engine.

    `find_base_source` finds what the base is built from; it is called only when the base is missing. `stable` is the
    tag that each newest image gets beside its own.
    """

    def __init__(
        self,
        store: ImageStore,
        source: Path,
        state: StateFolder,
        *,
        notify: Callable[[str], None],
        find_base_source: Callable[[ImageStore], BaseSource],
        build_args: Callable[[], Mapping[str, str]] = dict,
        stable: str = STABLE,
    ) -> None:
        self._store = store
        self._source = source
        self._state = state
        self._notify = notify
        self._find_base_source = find_base_source
        self._build_args = build_args
        self._stable = stable

    def ensure(self, names: Iterable[str]) -> dict[str, str]:
        """Build what is missing of these images, and return the tag of each; says nothing when all are there."""
        tags = tags_of(names, self._source)
        if self._missing(tags):
            with self._alone():
                # another process may have built them while we waited
                missing = self._missing(tags)
                self._build(missing)
                self.name_newest(missing)
        return tags

    def name_newest(self, names: Iterable[str]) -> None:
        """Give the present images their stable tags; an author's own image is built FROM such a tag."""
        for name, tag in tags_of(names, self._source).items():
            self._store.tag(tag, f"{REPOSITORY}/{name}:{self._stable}")

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these images that the engine lacks. Builds nothing."""
        return tuple(self._missing(tags_of(names, self._source)))

    def rows(self) -> tuple[ImageRow, ...]:
        """The images of this checkout, then the old ones that the engine still has. A stable tag has no row."""
        present = {image.tag: image for image in self._store.seen() if not image.tag.endswith(f":{self._stable}")}
        rows = []
        for name, tag in tags_of(names_in(self._source), self._source).items():
            image = present.pop(tag, None)
            rows.append(_row(name, image) if image else ImageRow(name, tag, MISSING, 0, ""))
        old = [_row(_name_in(tag), image, OLD) for tag, image in sorted(present.items())]
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
        from orchestrator.host.images.build import Build, build_side_by_side

        if not missing:
            return
        order = ", ".join(sorted(missing))
        self._notify(f"images: to build: {order}; built once, this takes about a minute")
        args = dict(self._build_args())
        base = tag_of(BASE, self._source)
        if self._missing({BASE: base}):
            original = self._find_base_source(self._store)
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


def image_catalog(
    url: str,
    state: StateFolder,
    environ: Mapping[str, str],
    notify: Callable[[str], None],
) -> ImageCatalog:
    """The images of the engine at `url`, built from this checkout."""
    from orchestrator.engine.docker.images import DockerImageStore

    def host() -> Host:
        from orchestrator.host.images.base_image import Host

        return Host(state, environ, notify)

    return ImageCatalog(
        DockerImageStore(url),
        images_folder(),
        state,
        notify=notify,
        find_base_source=lambda store: host().original(store),
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
