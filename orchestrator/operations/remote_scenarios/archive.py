"""Unpack the scenarios of an archive that nobody has looked at: zip, tar or tar.gz.

Only regular files below a folder with a `scenario.yaml` are written. An archive with a path out of its folder
is refused as a whole. wirelab limits what it reads, writes and holds in memory; it does not trust stated sizes.
"""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.operations.scenario_library import FILE

MOST_ENTRIES = 50_000
MOST_FILES = 2_000
MOST_BYTES = 32 * 1024 * 1024  # of what is unpacked
MOST_READ = 128 * 1024 * 1024  # of a tar archive, without its compression
LONGEST_PATH, MOST_FOLDERS = 400, 20
LARGEST_DIRECTORY = 8 * 1024 * 1024  # of a zip archive, which is held in memory
PIECE = 64 * 1024
DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, ValueError,
    NotImplementedError, RecursionError,
)  # fmt: skip
OTHERS = {
    b"\xfd7zXZ": "it is compressed with xz",
    b"BZh": "it is compressed with bzip2",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd",
    b"7z\xbc\xaf": "it is a 7z archive",
    b"<": "it is a page for a browser",
}
FORMS = "name a .zip, .tar or .tar.gz; or a git repository: git+https://…#COMMIT"


@dataclass(frozen=True)
class Entry:
    """One entry of an archive. `content` opens its bytes, until the archive is read beyond this entry."""

    path: PurePosixPath
    kind: Literal["file", "folder", "link", "device"]
    content: Callable[[], IO[bytes]]


@dataclass
class Archive:
    """An archive on this machine; `shown` is what messages call it."""

    file: Path
    shown: str

    def unpack_scenarios(self, into: Path) -> tuple[str, ...]:
        """Unpack each folder that holds a scenario, and return these folders. Raises UsageInvalid for the archive.

        The same path as in the archive is below `into`, an empty folder that nobody else may write to.
        """
        with self._refusals():
            return self._unpack(into)

    def _unpack(self, into: Path) -> tuple[str, ...]:
        folders = self._scenario_folders()
        if not folders:
            why = f"none of its files is called {FILE}"
            raise UsageInvalid(f"{self.shown} holds no scenario", why=why, hint="name another address")
        files, room = 0, MOST_BYTES
        for entry in self._entries():
            if not any(entry.path.is_relative_to(folder) for folder in folders) or entry.kind == "folder":
                continue
            if entry.kind != "file":
                raise self._refused(f"{str(entry.path)!r} is a {entry.kind}; a scenario has only regular files")
            files += 1
            if files > MOST_FILES:
                raise self._refused(f"its scenarios have more than {MOST_FILES} files")
            room -= self._write(entry, into, room)
        return tuple(sorted(map(str, folders)))

    def _scenario_folders(self) -> set[PurePosixPath]:
        folders: set[PurePosixPath] = set()
        for number, entry in enumerate(self._entries()):
            if number >= MOST_ENTRIES:
                raise self._refused(f"it has more than {MOST_ENTRIES} entries")
            if entry.path.name == FILE and entry.kind == "file":
                folders.add(entry.path.parent)
        return folders

    def _write(self, entry: Entry, into: Path, room: int) -> int:
        """Write a file, and return its size. The sizes that an archive states are not believed."""
        target, size = into / entry.path, 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            output = target.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            raise self._refused(f"{str(entry.path)!r} is there twice") from error
        except OSError as error:
            raise _unwritable(target, error) from error
        with output, entry.content() as content:
            while piece := content.read(PIECE):
                size += len(piece)
                if size > room:
                    raise self._refused(f"its scenarios have more than {MOST_BYTES // 1024 // 1024} MiB")
                try:
                    output.write(piece)
                except OSError as error:
                    raise _unwritable(target, error) from error
        return size

    def _entries(self) -> Iterator[Entry]:
        with self.file.open("rb") as file:
            head = file.read(512)
            file.seek(0)
            if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                yield from self._of_zip(file)
            elif head.startswith(b"\x1f\x8b"):
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from self._of_tar(BoundedReader(unpacked))
            elif head[257:262] == b"ustar":
                yield from self._of_tar(BoundedReader(file))
            else:
                why = next((text for start, text in OTHERS.items() if head.lstrip().startswith(start)), "")
                raise UsageInvalid(f"{self.shown} is no archive that wirelab reads", why=why, hint=FORMS)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn each error that the archive causes while it is read into a message for the user."""
        try:
            yield
        except TooMuch as error:
            raise self._refused(f"uncompressed, it has more than {MOST_READ // 1024 // 1024} MiB") from error
        except DAMAGE as error:
            raise UsageInvalid(f"{self.shown} is damaged", why=str(error)[:200], hint="fetch it again") from error

    def _of_tar(self, file: BoundedReader) -> Iterator[Entry]:
        with tarfile.open(fileobj=file, mode="r|") as tar:  # type: ignore[call-overload]
            for info in tar:
                if (path := self._checked_path(info.name)) is None:
                    continue
                kind: Literal["file", "folder", "link", "device"] = "device"
                if info.isreg() and not info.issparse():
                    kind = "file"
                elif info.isdir():
                    kind = "folder"
                elif info.issym() or info.islnk():
                    kind = "link"
                yield Entry(path, kind, lambda info=info: _stream(tar, info))  # type: ignore[misc]

    def _of_zip(self, file: IO[bytes]) -> Iterator[Entry]:
        self._require_small_directory(file)
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if (path := self._checked_path(info.filename.rstrip("/"))) is None:
                    continue
                if info.flag_bits & 1:
                    raise self._refused(f"{str(path)!r} is encrypted")
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise self._refused(f"{str(path)!r} is compressed in a way that few programs read")
                yield Entry(path, _kind_of_mode(info), lambda info=info: archive.open(info))  # type: ignore[misc]

    def _require_small_directory(self, file: IO[bytes]) -> None:
        """Refuse a directory that would fill the memory (APPNOTE.TXT of PKWARE, 4.3.16: its size, and its end)."""
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_536 - 22 - 20))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < 22:
            raise zipfile.BadZipFile("it ends before its directory")
        directory = struct.unpack_from("<I", tail, end + 12)[0]
        if directory > LARGEST_DIRECTORY or b"PK\x06\x07" in tail[max(0, end - 20) : end]:
            raise self._refused(f"it has more than {MOST_ENTRIES} entries")
        file.seek(0)

    def _checked_path(self, name: str) -> PurePosixPath | None:
        """The path inside the archive; None for its own folder. Refuses a path that leads out, or is not printable."""
        shown = ascii(name[:80])
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\\" in name:
            raise self._refused(f"{shown} leads out of the archive's folder")
        if len(name) > LONGEST_PATH or len(parts) > MOST_FOLDERS or any(len(part.encode()) > 255 for part in parts):
            raise self._refused(f"{shown} is too long for a path")
        if not name.isprintable():
            raise self._refused(f"{shown} has unprintable characters")
        return PurePosixPath(*parts) if parts else None

    def _refused(self, why: str) -> UsageInvalid:
        return UsageInvalid(f"{self.shown} is not unpacked", why=why, hint="ask who made it")


class TooMuch(Exception):
    """An archive has more bytes than may be read."""


class BoundedReader:
    """Reads a stream up to a number of bytes. Raises TooMuch if the stream is longer."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MOST_READ

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooMuch
        return piece


def _kind_of_mode(info: zipfile.ZipInfo) -> Literal["file", "folder", "link", "device"]:
    """What an entry is, by its Unix mode; programs on other systems write none."""
    mode = info.external_attr >> 16
    if info.is_dir() or stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if not stat.S_IFMT(mode) or stat.S_ISREG(mode) else "device"


def _stream(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(info)
    assert stream is not None  # of a regular file
    return stream


def _unwritable(target: Path, error: OSError) -> WorldError:
    return WorldError(f"{target} cannot be written", why=error.strerror or str(error))
