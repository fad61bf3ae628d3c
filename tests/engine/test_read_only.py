"""`plan`, `ps`, `inspect`, `graph` and `validate` write nothing: not to the engine, not to the disk, no package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from lab_bench import Bench

PACKAGES = Path("/var/lib/dpkg/status")
COMMANDS = (("plan",), ("ps",), ("inspect",), ("graph",))


def digest(folder: Path) -> dict[str, str]:
    """File -> hash, of everything of this lab and the list of what else the state folder holds."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def seen(bench: Bench) -> tuple[object, ...]:
    """What a command could have changed: the lab's things on the engine, its folder, the images, the packages."""
    state = Path(bench.engine.environ["WIRELAB_STATE"])
    journals = {file.name: file.stat().st_size for file in (state / "journals").glob(f"{bench.lab}*")}
    images = sorted(image.id for image in bench.engine.client.images.list(all=True))
    packages = PACKAGES.stat().st_mtime_ns if PACKAGES.exists() else 0
    return bench.left(), digest(bench.folder) if bench.folder.exists() else {}, journals, images, packages


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_command_that_looks_writes_nothing_where_no_lab_is(bench: Bench, words: tuple[str, ...]) -> None:
    before = seen(bench)
    ran = bench.cli(*words)
    assert ran.code == 0, ran.err
    assert seen(bench) == before


def test_commands_that_look_write_nothing_where_a_lab_is(bench: Bench) -> None:
    bench.up()
    before = seen(bench)
    for words in COMMANDS:
        ran = bench.cli(*words)
        assert ran.code == 0, ran.err
        assert seen(bench) == before, words
