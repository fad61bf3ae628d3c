"""What a file that nobody has read may not do by default, and where it says so: by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.cli.main import cli
from orchestrator.errors import UsageInvalid
from orchestrator.host.bundled_files import bundled_files
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.compiled_scenarios import CompiledScenarios
from orchestrator.operations.scenario_library import load_scenario, scenario_notes
from orchestrator.operations.trusted import is_trusted

LARGE = """\
name: large
title: More than one lab may have
nodes:
  dns: {role: dns}
  many:
    role: service
    command: [sleep, infinity]
    replicas: 64
    limits:
      memory: 256
      pids: PIDS
"""


def written(folder: Path, pids: int = 512) -> Path:
    (folder / "large").mkdir()
    (folder / "large" / "scenario.yaml").write_text(LARGE.replace("PIDS", str(pids)))
    return folder / "large"


def test_validate_notes_what_up_refuses(tmp_path: Path) -> None:
    """A budget of the machine that only an engine knows is told by its number."""
    first, second = scenario_notes(load_scenario(str(written(tmp_path)), tmp_path))
    assert str(first) == (
        "large/scenario.yaml:10:15: nodes.many.limits.memory: the nodes may use 16512 MiB together; up refuses that "
        "on a machine with less than 22016 MiB, unless you say --trusted"
    )
    assert (second.line, second.path) == (11, "nodes.many.limits.pids")
    assert "the nodes may have 32896 processes together; up refuses more than 16384" in second.message


def test_a_lab_within_its_budget_has_no_note(tmp_path: Path) -> None:
    (note,) = scenario_notes(load_scenario(str(written(tmp_path, 16)), tmp_path))
    assert "pids" not in note.path


def test_a_file_that_was_compiled_knows_its_lines_all_the_same(tmp_path: Path) -> None:
    folder, compiled = written(tmp_path), CompiledScenarios(StateFolder(tmp_path / "state"))
    loaded = load_scenario(str(folder), tmp_path)
    compiled.keep(loaded.text, loaded.reading)
    again = load_scenario(str(folder), tmp_path, compiled=compiled)
    assert again.reading.compiled
    for one in (loaded, again):
        assert one.place(("nodes", "many-7", "limits", "pids")) == "large/scenario.yaml:11"
        assert one.place(("nodes", "dns", "image")) == "large/scenario.yaml:4"


def test_only_what_came_with_wirelab_is_trusted_by_itself(tmp_path: Path) -> None:
    """Not a file in a folder of the same name, nor a link to the library."""
    library = bundled_files("scenarios")
    assert is_trusted(load_scenario(str(library / "basic"), tmp_path), {})
    (tmp_path / "scenarios").mkdir()
    own = load_scenario(str(written(tmp_path / "scenarios")), tmp_path)
    assert not is_trusted(own, {})
    assert not is_trusted(own, {"WIRELAB_TRUSTED": "0"})
    assert is_trusted(own, {"WIRELAB_TRUSTED": "1"})


@pytest.mark.slow
def test_trusted_and_untrusted_are_opposites(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["up", str(written(tmp_path)), "--trusted", "--untrusted"])
    assert isinstance(result.exception, UsageInvalid)
    assert result.exception.what == "--untrusted and --trusted are opposites"
