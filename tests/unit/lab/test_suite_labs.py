"""The labs of a test suite: what one leaves that did not come up is removed with the others, or stays a dead run's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from lab_in_memory import InMemoryWorkspace

from orchestrator.engine.fake import Behaviour, FakeEngine
from orchestrator.errors import EngineRefused, Leftovers
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.guard import Guard
from orchestrator.operations.guarded_workspace import GuardedWorkspace
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario
from orchestrator.planning.specs import ContainerSpec
from orchestrator.pytest_plugin import Labs

SMALL = "name: small\ntitle: One machine\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"


class Sticky(FakeEngine):
    """Its containers end at once, and while it `holds` them nobody can remove one."""

    holds = True

    def __init__(self) -> None:
        def ended(_spec: ContainerSpec) -> Behaviour:
            return Behaviour(("no",), 1)

        super().__init__(["wirelab/client:1"], behave=ended)

    def remove_container(self, container: str) -> None:
        if self.holds:
            raise EngineRefused("not now", why="it is held")
        super().remove_container(container)


@pytest.fixture
def small(tmp_path: Path) -> LoadedScenario:
    (tmp_path / "scenario.yaml").write_text(SMALL)
    return load_scenario(None, tmp_path)


@pytest.mark.slow
def test_what_could_not_be_taken_back_is_tried_again_and_stays_a_runs_until_it_is_gone(
    tmp_path: Path, small: LoadedScenario
) -> None:
    state, engine = StateFolder(tmp_path / "state"), Sticky()

    def guarded_workspace(_lab_name: str, _members: Sequence[str]) -> GuardedWorkspace:
        url = f"unix://{tmp_path}/nobody"
        guard = Guard(url, state, os.environ)
        guard.begin()
        return GuardedWorkspace(InMemoryWorkspace(state, url, engine), guard)

    labs = Labs("main", open_one=guarded_workspace)
    with pytest.raises(Leftovers):
        labs.open(small, "session")
    with pytest.raises(Leftovers):
        labs.close()
    assert len(list((state.root / "runs").iterdir())) == 1
    engine.holds = False
    labs.close()
    assert engine.containers("wirelab.lab") == ()
    assert list((state.root / "runs").iterdir()) == []
