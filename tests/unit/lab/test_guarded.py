"""A command whose engine goes away: what it made counts as a dead run's."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.session import Session, guarded
from orchestrator.engines.state import State
from orchestrator.errors import EngineMissing, NodeFailed, WirelabError
from orchestrator.lab.runs import dead_runs


@pytest.mark.parametrize(("error", "left"), [(EngineMissing("the engine is gone"), 1), (NodeFailed("no"), 0)])
def test_what_a_lost_engine_keeps_is_a_dead_runs(tmp_path: Path, error: WirelabError, left: int) -> None:
    """Nothing could be taken back; a node that failed was taken back before."""
    state = State(tmp_path)
    session = Session(state, f"unix://{tmp_path}/nobody", None)  # type: ignore[arg-type]
    with pytest.raises(type(error)), guarded(session):
        raise error
    assert len(list((state.root / "runs").iterdir())) == left
    assert list(dead_runs(state)) == []  # not before this process ends
