"""A scenario that was read once is kept, and holds exactly as long as nothing that it was made of has changed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.compiled_scenarios import MOST_FILES, CompiledScenarios, is_only_ours
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario
from orchestrator.reading.compiled import compile_reading, compiled_reading

SCENARIOS = sorted(Path("scenarios").resolve().glob("*/scenario.yaml"))
SCENARIO = """\
name: shop
title: A database with files
domain: shop.lab
nodes:
  dns: {role: dns}
  db: {role: database, seed: seed.sql}
checks:
  - {name: The database answers, from: db, sql: "select 1", rows: [["1"]]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario with a file beside it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "shop" / "seed.sql").write_text("select 1;")
    return tmp_path / "shop"


@pytest.fixture
def compiled(tmp_path: Path) -> CompiledScenarios:
    return CompiledScenarios(StateFolder(tmp_path / "state"))


def load(folder: Path, compiled: CompiledScenarios) -> LoadedScenario:
    """Read it as a command does, and keep it as `up` does."""
    loaded = load_scenario(str(folder), folder, compiled=compiled)
    compiled.keep(loaded.text, loaded.reading)
    return loaded


def kept_file(compiled: CompiledScenarios) -> Path:
    (file,) = (compiled.state.root / "compiled").glob("*.json")
    return file


@pytest.mark.slow
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.parent.name)
def test_a_compiled_scenario_is_the_one_that_was_read(file: Path, compiled: CompiledScenarios) -> None:
    """Values, what was written of them, files beside it, and the places of the checks."""
    read, again = load(file.parent, compiled).reading, load(file.parent, compiled).reading
    assert (read.compiled, again.compiled) == (False, True)
    assert again.scenario == read.scenario
    assert [check.as_written() for check in again.scenario.checks] == [c.as_written() for c in read.scenario.checks]
    assert again.texts == read.texts
    places = [("checks", at) for at in range(len(read.scenario.checks))]
    assert [again.positions[place] for place in places] == [read.positions[place] for place in places]


def test_reading_keeps_nothing(folder: Path, compiled: CompiledScenarios) -> None:
    """Commands that only look write nothing."""
    load_scenario(str(folder), folder, compiled=compiled)
    assert not compiled.state.root.exists()


def test_a_changed_file_is_read_anew(folder: Path, compiled: CompiledScenarios) -> None:
    load(folder, compiled)
    (folder / "scenario.yaml").write_text(SCENARIO.replace("A database", "One database"))
    loaded = load(folder, compiled)
    assert (loaded.reading.compiled, loaded.reading.scenario.title) == (False, "One database with files")


@pytest.mark.parametrize("change", ["select 2;", None])
def test_a_changed_file_beside_it_is_read_anew(folder: Path, compiled: CompiledScenarios, change: str | None) -> None:
    load(folder, compiled)
    seed = folder / "seed.sql"
    if change is None:
        seed.unlink()
        assert compiled.reading(SCENARIO, lambda _name: None) is None
    else:
        seed.write_text(change)
        loaded = load(folder, compiled)
        assert (loaded.reading.compiled, loaded.reading.texts) == (False, {"seed.sql": change})


@pytest.mark.slow
def test_another_version_reads_anew(folder: Path, compiled: CompiledScenarios) -> None:
    """The name of the file holds the version: what another one wrote has another name."""
    load(folder, compiled)
    file = kept_file(compiled)
    file.rename(file.with_name("0" * 64 + ".json"))
    assert not load(folder, compiled).reading.compiled


def damaged(text: str) -> list[str]:
    body, end = text.split("\n", 1)
    return ["", "{}", body, text[:40], text.replace("shop", "shoq"), "\0" * 100, f"{body}x\n{end}", "[" * 100_000]


@pytest.mark.slow
def test_a_damaged_file_is_read_anew_in_silence(folder: Path, compiled: CompiledScenarios) -> None:
    load(folder, compiled)
    file = kept_file(compiled)
    whole = file.read_text()
    for text in damaged(whole):
        file.write_text(text)
        assert not load(folder, compiled).reading.compiled
        assert file.read_text() == whole  # mended


@pytest.mark.parametrize("body", ["null", "[]", '{"scenario":["x:Y",{}],"files":{},"checks":[]}', "[" * 5000])
def test_a_text_with_a_right_hash_and_wrong_values_is_refused(body: str) -> None:
    from orchestrator.reading.compiled import digest

    assert compiled_reading(f"{body}\n{digest(body)}\n", lambda _name: None) is None


def test_what_others_may_write_is_never_read(folder: Path, compiled: CompiledScenarios) -> None:
    """Nor what a link points to."""
    load(folder, compiled)
    file = kept_file(compiled)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o620)
    assert compiled.reading(SCENARIO, lambda _name: "select 1;") is None
    file.chmod(0o600)
    assert compiled.reading(SCENARIO, lambda _name: "select 1;")
    elsewhere = folder / "elsewhere.json"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert compiled.reading(SCENARIO, lambda _name: "select 1;") is None


def test_what_another_user_wrote_is_never_read(folder: Path, compiled: CompiledScenarios) -> None:
    load(folder, compiled)
    found = kept_file(compiled).stat()
    assert is_only_ours(found, os.getuid())
    assert not is_only_ours(found, os.getuid() + 1)


@pytest.mark.slow
def test_the_oldest_go(folder: Path, compiled: CompiledScenarios) -> None:
    reading = load_scenario(str(folder), folder).reading
    for number in range(MOST_FILES + 3):
        compiled.keep(f"{SCENARIO}# {number}\n", reading)
    assert len(list((compiled.state.root / "compiled").iterdir())) == MOST_FILES
    assert compiled.reading(f"{SCENARIO}# {MOST_FILES + 2}\n", lambda _name: "select 1;")


def test_a_full_disk_is_no_error(folder: Path, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "compiled").write_text("")
    compiled = CompiledScenarios(StateFolder(tmp_path / "state"))
    with pytest.raises(Exception, match="cannot be made"):
        compiled.state.private(tmp_path / "state" / "compiled")
    assert load(folder, compiled).reading.scenario.name == "shop"


def test_the_text_holds_plain_values_only(folder: Path) -> None:
    text = compile_reading(load_scenario(str(folder), folder).reading)
    assert re.fullmatch(r"[\x20-\x7e]+\n[0-9a-f]{64}\n", text)
