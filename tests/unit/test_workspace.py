"""What commands and the pytest plugin share: the lab of a scenario, and how a person here would name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.operations.workspace import Workspace

SMALL = "name: small\ntitle: One machine\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"
# The folder where the scenario is sought (a test suite seeks it beside the test), what is asked for, what is proposed.
PLACES = [
    (".", "small", "wirelab up small"),
    ("tests", "small", "wirelab up small"),
    ("tests", "beside", "wirelab up tests/scenarios/beside"),
    ("tests", "other/small.yaml", "wirelab up tests/other/small.yaml"),
    ("tests/scenarios/beside", None, "wirelab up tests/scenarios/beside"),
]


@pytest.mark.parametrize(("near", "asked", "proposed"), PLACES)
def test_a_proposed_command_finds_the_scenario_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: str, asked: str | None, proposed: str
) -> None:
    for file in ("scenarios/small/scenario.yaml", "tests/scenarios/beside/scenario.yaml", "tests/other/small.yaml"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(SMALL.replace("small", "beside") if "beside" in file else SMALL)
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(StateFolder(tmp_path / "state"), "unix:///nobody", None)  # type: ignore[arg-type]
    loaded = load_scenario(asked, tmp_path / near)
    assert workspace.lab(loaded, None).named.command("up") == proposed
    assert workspace.lab(loaded, "mine").named.command("up") == f"{proposed} --lab mine"
