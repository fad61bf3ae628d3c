"""A file that a command writes is there as a whole, or as it was before."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.operations.output_file import replace_file


def fails(*pieces: bytes) -> Iterator[bytes]:
    yield from pieces
    raise WorldError("nothing more could be read")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "out.pcapng"
    file.write_bytes(b"old")
    assert replace_file(file, (b"n", b"ew")) == file
    assert (file.read_bytes(), names(tmp_path)) == (b"new", ["out.pcapng"])


@pytest.mark.parametrize("pieces", [(), (b"half of it",)])
def test_what_was_there_stays_where_nothing_whole_could_be_written(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    """Also where the first pieces came; and nothing is left beside it."""
    file = tmp_path / "out.pcapng"
    file.write_bytes(b"old")
    with pytest.raises(WorldError):
        replace_file(file, fails(*pieces))
    assert (file.read_bytes(), names(tmp_path)) == (b"old", ["out.pcapng"])


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "new", interrupted())
    assert names(tmp_path) == []


def test_the_other_end_of_a_link_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link", (b"new",))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    """So do /dev/stdout and /dev/null: to rename a file over them would destroy them."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    replace_file(pipe, (b"a", b"b"))
    reader.join()
    assert (read, names(tmp_path)) == ([b"ab"], ["pipe"])
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_where_no_file_can_be_the_reason_is_told_before_anything_is_read(tmp_path: Path) -> None:
    unread: Iterator[bytes] = map(pytest.fail, ["it was read"])
    with pytest.raises(UsageInvalid) as caught:
        replace_file(tmp_path / "away" / "x.pcapng", unread)
    assert "cannot be written" in caught.value.what
