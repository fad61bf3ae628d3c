"""What an image of ours is made of: a folder under `images/`.

Its tag holds a hash of the folder and of the base image's folder, so that it is built once, and again only when what it
is made of has changed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ImageMissing
from orchestrator.host.bundled_files import bundled_files

BASE = "base"
REPOSITORY = "wirelab"
# The tag that names the newest image whatever its files are: an author's Dockerfile builds FROM it.
STABLE = "latest"
NOT_IN_IMAGES = ("__pycache__", ".ruff_cache", ".mypy_cache", "README.md")


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


def images_folder() -> Path:
    """The folder `images/` of this checkout or installation."""
    return bundled_files("images")


def names_in(source: Path) -> tuple[str, ...]:
    """The images that can be built, the base first."""
    names = sorted(path.parent.name for path in source.glob("*/Dockerfile"))
    return (BASE, *(name for name in names if name != BASE))


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
    files: list[_File] = []
    waiting = [("", str(folder))]
    while waiting:
        inside, at = waiting.pop()
        with os.scandir(at) as all_entries:
            entries = [entry for entry in all_entries if entry.name not in NOT_IN_IMAGES]
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            # modes as git keeps them: executable or not, whatever the umask
            executable = is_folder or entry.stat().st_mode & 0o100
            files.append(_File(inside + entry.name, entry.path, is_folder, 0o755 if executable else 0o644))
            if is_folder:
                waiting.append((f"{inside}{entry.name}/", entry.path))
    return sorted(files)


def _hash_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files_of(folder):
        content = file.read()
        digest.update(f"{file.inner}\0{file.mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
