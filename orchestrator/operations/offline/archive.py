"""Write an offline file, and read one that may be damaged or hostile: a plain tar of regular files with a manifest.

Nothing is unpacked by its name: a member is found by the name that the manifest gives it.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.errors import UsageInvalid
from orchestrator.operations.offline.manifest import CHECKSUM, MANIFEST, Manifest, Member, damaged, manifest_of

PIECE = 1 << 20
LARGEST_MANIFEST = 4 << 20
MOST_MEMBERS = 10_000
# Parts of a name, none of which begins with a dot: no `..`, no absolute path.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~:%@!-]*(/[A-Za-z0-9_][A-Za-z0-9._+~:%@!-]*)*")


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, a MiB at a time."""
    return iter(lambda: file.read(PIECE), b"")


def digest_of(pieces: Iterable[bytes]) -> tuple[int, str]:
    """How many bytes these are, and their SHA-256."""
    size, digest = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def member_of(name: str, path: Path) -> Member:
    """The entry of the manifest for a file."""
    with path.open("rb") as file:
        return Member(name, *digest_of(pieces_of(file)))


def archive_pieces(manifest: Manifest, folder: Path) -> Iterator[bytes]:
    """The bytes of the archive; the members lie in `folder` by their names. The same members give the same bytes."""
    text = manifest.text().encode()
    for name, content in ((MANIFEST, text), (CHECKSUM, hashlib.sha256(text).hexdigest().encode())):
        yield _header(name, len(content)) + content + _padding(len(content))
    for member in manifest.members:
        yield _header(member.name, member.size)
        with (folder / member.name).open("rb") as file:
            yield from pieces_of(file)
        yield _padding(member.size)
    yield b"\0" * tarfile.BLOCKSIZE * 2


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class OfflineFile:
    """An open offline file, every member of which was found as the manifest says."""

    manifest: Manifest
    _tar: tarfile.TarFile

    def stream(self, name: str) -> IO[bytes]:
        """A member, open for reading."""
        stream = self._tar.extractfile(name)
        assert stream is not None  # a regular file: `_checked_entries` let nothing else pass
        return stream

    def write(self, names: Iterable[str], folder: Path) -> list[Path]:
        """Write members into a folder, each under the last part of its name."""
        written = []
        for name in names:
            target = folder / name.rpartition("/")[2]
            with target.open("xb") as output:
                output.writelines(pieces_of(self.stream(name)))
            written.append(target)
        return written


@contextmanager
def opened(file: Path) -> Iterator[OfflineFile]:
    """Open an offline file and verify every byte of it. Raises UsageInvalid, which names the member that is wrong."""
    try:
        with tarfile.open(file, "r:") as tar:
            yield OfflineFile(_verified(tar, str(file)), tar)
    except tarfile.TarError as error:
        raise damaged(str(file), str(error)) from error
    except OSError as error:
        if error.filename != str(file):
            raise
        raise UsageInvalid(f"{file} cannot be read", why=error.strerror or str(error)) from error


def _verified(tar: tarfile.TarFile, file: str) -> Manifest:
    entries = _checked_entries(tar, file)
    manifest = _manifest(tar, entries, file)
    expected = {member.name: member for member in manifest.members}
    if len(expected) != len(manifest.members):
        raise damaged(file, f"{MANIFEST} names a member twice")
    for name in entries.keys() - expected.keys() - {MANIFEST, CHECKSUM}:
        raise damaged(file, f"{name} is not in {MANIFEST}")
    for name, member in expected.items():
        if name not in entries:
            raise damaged(file, f"{name} is missing")
        stream = tar.extractfile(entries[name])
        assert stream is not None
        if member != Member(name, *digest_of(pieces_of(stream))):
            raise damaged(file, f"{name} has changed since the file was made")
    return manifest


def _checked_entries(tar: tarfile.TarFile, file: str) -> dict[str, tarfile.TarInfo]:
    """The entries by name. Refuses what is no regular file under a plain name, before anything is read."""
    entries: dict[str, tarfile.TarInfo] = {}
    for entry in tar:
        shown = repr(entry.name[:80])
        if not entry.isreg() or entry.issparse():
            raise damaged(file, f"{shown} is no regular file")
        if not NAME.fullmatch(entry.name):
            raise damaged(file, f"{shown} is no name for a member")
        if entry.name in entries:
            raise damaged(file, f"{shown} is there twice")
        if len(entries) >= MOST_MEMBERS:
            raise damaged(file, f"it has more than {MOST_MEMBERS} members")
        entries[entry.name] = entry
    return entries


def _manifest(tar: tarfile.TarFile, entries: dict[str, tarfile.TarInfo], file: str) -> Manifest:
    texts = []
    for name in (MANIFEST, CHECKSUM):
        if name not in entries or entries[name].size > LARGEST_MANIFEST:
            raise damaged(file, f"{name} is missing" if name not in entries else f"{name} is too large")
        stream = tar.extractfile(entries[name])
        assert stream is not None
        texts.append(stream.read())
    if hashlib.sha256(texts[0]).hexdigest().encode() != texts[1]:
        raise damaged(file, f"{MANIFEST} has changed since the file was made")
    return manifest_of(texts[0], file)


def staged_members(folder: Path, names: Sequence[str]) -> tuple[Member, ...]:
    """The entries of the manifest for files of a folder."""
    return tuple(member_of(name, folder / name) for name in names)
