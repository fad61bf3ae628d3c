"""An archive of somebody else is unpacked within bounds, or refused as a whole; nothing gets out of its folder."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.operations.remote_scenarios import archive as bounds
from orchestrator.operations.remote_scenarios.archive import Archive

pytestmark = pytest.mark.slow

Files = dict[str, bytes]
GOOD = {"shop-1/README.md": b"read", "shop-1/lab/scenario.yaml": b"name: lab", "shop-1/lab/sql/seed.sql": b"select 1;"}
UNPACKED = {"shop-1/lab/scenario.yaml", "shop-1/lab/sql/seed.sql"}


def tar_of(files: Files, *more: tarfile.TarInfo) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more:
            tar.addfile(info)
    return output.getvalue()


def zip_of(files: Files, *more: zipfile.ZipInfo) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for info in more:
            archive.writestr(info, b"/etc/passwd")
    return output.getvalue()


def unpack(tmp_path: Path, content: bytes) -> tuple[tuple[str, ...], set[str]]:
    """The folders of scenarios, and the files that were written anywhere below `tmp_path`, beside the archive."""
    file, into = tmp_path / "archive", tmp_path / "in" / "to"
    file.write_bytes(content)
    into.mkdir(parents=True)
    folders = Archive(file, "it").unpack_scenarios(into)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - set(into.rglob("*")) == {file}
    return folders, {path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file()}


def refusal(tmp_path: Path, content: bytes) -> tuple[str, str]:
    with pytest.raises(UsageInvalid) as caught:
        unpack(tmp_path, content)
    outside = [path for path in tmp_path.rglob("*") if path.is_symlink() or path.name == "passwd"]
    assert outside == []
    return caught.value.what, caught.value.why


@pytest.mark.parametrize(
    "pack", [tar_of, zip_of, lambda files: gzip.compress(tar_of(files))], ids=["tar", "zip", "tar.gz"]
)
def test_the_folder_of_a_scenario_is_unpacked_and_nothing_beside_it(
    tmp_path: Path, pack: Callable[[Files], bytes]
) -> None:
    """The kind is told by its first bytes."""
    assert unpack(tmp_path, pack(GOOD)) == (("shop-1/lab",), UNPACKED)


def test_a_scenario_may_stand_at_the_top(tmp_path: Path) -> None:
    assert unpack(tmp_path, tar_of({"./scenario.yaml": b"", "./a/b": b""})) == ((".",), {"scenario.yaml", "a/b"})


@pytest.mark.parametrize("pack", [tar_of, zip_of], ids=["tar", "zip"])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../passwd", "shop-1/lab/../../../passwd", "shop-1\\..\\passwd", "shop-1/lab/.."]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, pack: Callable[[Files], bytes], name: str) -> None:
    """Also of an entry that would not be unpacked."""
    what, why = refusal(tmp_path, pack({name: b"x", **GOOD}))
    assert (what, why) == ("it is not unpacked", f"{name!a} leads out of the archive's folder")


def entry(kind: bytes, name: str = "shop-1/lab/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    assert info.linkname.endswith("passwd")  # what a link would lead to
    return info


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
    ],
)
def test_a_link_or_a_device_in_a_tar_is_refused(tmp_path: Path, kind: bytes, called: str) -> None:
    why = refusal(tmp_path, tar_of(GOOD, entry(kind)))[1]
    assert why == f"'shop-1/lab/passwd' is a {called}; a scenario has only regular files"


@pytest.mark.parametrize(("mode", "called"), [(stat.S_IFLNK, "link"), (stat.S_IFCHR, "device")])
def test_a_link_or_a_device_in_a_zip_is_refused(tmp_path: Path, mode: int, called: str) -> None:
    info = zipfile.ZipInfo("shop-1/lab/passwd")
    info.external_attr = (mode | 0o777) << 16
    assert f"is a {called}" in refusal(tmp_path, zip_of(GOOD, info))[1]


def test_a_link_beside_the_scenario_is_left_where_it_is(tmp_path: Path) -> None:
    """A repository may have some elsewhere, and nothing of them is unpacked."""
    assert unpack(tmp_path, tar_of(GOOD, entry(tarfile.SYMTYPE, "shop-1/link")))[1] == UNPACKED


def test_a_file_below_a_link_or_a_file_is_refused(tmp_path: Path) -> None:
    assert "there twice" in refusal(tmp_path, tar_of({**GOOD, "shop-1/lab/sql/seed.sql/x": b"x"}))[1]


@pytest.mark.parametrize("pack", [lambda files: gzip.compress(tar_of(files)), zip_of], ids=["tar.gz", "zip"])
def test_a_bomb_is_refused_while_it_is_unpacked(tmp_path: Path, pack: Callable[[Files], bytes]) -> None:
    """33 MiB of zeros, in a file of some kilobytes."""
    content = pack({**GOOD, "shop-1/lab/zeros": bytes(bounds.MOST_BYTES + 1)})
    assert len(content) < 200_000
    assert refusal(tmp_path, content)[1] == "its scenarios have more than 32 MiB"


def test_a_bomb_beside_the_scenario_is_refused_too(tmp_path: Path) -> None:
    """What is not unpacked has to be read in a tar."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    info = tarfile.TarInfo("zeros")
    info.size = bounds.MOST_READ + 512
    pieces = [compressor.compress(info.tobuf()), *(compressor.compress(bytes(1 << 20)) for _ in range(129))]
    content = b"".join([*pieces, compressor.flush()])
    assert len(content) < 300_000
    assert refusal(tmp_path, content)[1] == "uncompressed, it has more than 128 MiB"


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    many = {f"shop-1/lab/{number}": b"" for number in range(bounds.MOST_FILES)}
    assert refusal(tmp_path, tar_of({**GOOD, **many}))[1] == "its scenarios have more than 2000 files"


def test_the_number_of_entries_is_bounded(tmp_path: Path) -> None:
    heads = [tarfile.TarInfo(f"{number}").tobuf() for number in range(bounds.MOST_ENTRIES + 1)]
    assert refusal(tmp_path, b"".join(heads))[1] == "it has more than 50000 entries"


def test_a_zip_with_a_huge_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    content = bytearray(zip_of(GOOD))
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (bounds.LARGEST_DIRECTORY + 1).to_bytes(4, "little")
    assert refusal(tmp_path, bytes(content))[1] == "it has more than 50000 entries"


@pytest.mark.parametrize(
    ("content", "what", "why"),
    [
        (b"", "it is no archive that wirelab reads", ""),
        (b"<!doctype html>", "it is no archive that wirelab reads", "it is a page for a browser"),
        (b"\xfd7zXZ\0", "it is no archive that wirelab reads", "it is compressed with xz"),
        (zip_of(GOOD)[:-30], "it is damaged", "it ends before its directory"),
        (gzip.compress(tar_of(GOOD))[:-60], "it is damaged", "Compressed file ended before the end-of-stream marker"),
        (b"\x1f\x8b" + b"x" * 90, "it is damaged", "Unknown compression method"),
        (tar_of({"README.md": b""}), "it holds no scenario", "none of its files is called scenario.yaml"),
        (tar_of({**GOOD, "shop-1/lab/\x1b[2J": b""}), "it is not unpacked", "has unprintable characters"),
        (tar_of({**GOOD, "shop-1/lab/" + "a/" * 20: b""}), "it is not unpacked", "is too long for a path"),
    ],
)
def test_what_cannot_be_unpacked_is_named(tmp_path: Path, content: bytes, what: str, why: str) -> None:
    found = refusal(tmp_path, content)
    assert found[0] == what
    assert why in found[1]
