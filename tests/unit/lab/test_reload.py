"""A program that is told to read its files again: the step ends once it has said so, and fails where it never does."""

from __future__ import annotations

import pytest
from test_lab_in_memory import Place, place

from orchestrator.errors import NodeFailed
from orchestrator.lab.doing import Doing
from orchestrator.planning.plan import Reload, Step

__all__ = ["place"]


def reload(place: Place, signal: str, says: str = "all zones loaded", refuses: str = "") -> None:
    lab = place.lab()
    lab.up()
    doing = Doing(lab.engine, lab.folder, lab.observe(), lab.named, ready_seconds=0.1)
    dns = place.engine.containers("wirelab.node=dns")[0]
    doing(Step("reload:dns", Reload("dns", dns.id, signal, "", says, refuses), "test"), lambda: False)


def test_a_reload_ends_once_the_program_says_so(place: Place) -> None:
    """SIGHUP: it reads its files, and says so."""
    reload(place, "SIGHUP")
    assert [name for _, name in place.engine.signals] == ["SIGHUP"]


def test_a_program_that_never_says_so_fails_the_step(place: Place) -> None:
    """With the node's name, and what its log does not say."""
    with pytest.raises(NodeFailed) as failed:
        reload(place, "SIGUSR1")
    assert "'dns' did not read its changed files" in failed.value.what
    assert "'all zones loaded'" in failed.value.why


def test_a_program_that_says_that_it_keeps_its_old_files_fails_the_step_at_once(place: Place) -> None:
    """Its own line tells why; nobody waits for the end of the time."""
    with pytest.raises(NodeFailed) as failed:
        reload(place, "SIGHUP", says="reloaded", refuses="zones loaded")
    assert "'dns' goes on by its old files" in failed.value.what
    assert failed.value.why == "all zones loaded"
