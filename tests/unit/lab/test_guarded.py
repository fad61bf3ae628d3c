"""The guard of what a process makes: which endings of the work leave a dead run behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from orchestrator.errors import EngineMissing, LabBusy, Leftovers, NodeFailed
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.guard import Guard
from orchestrator.lab.run_registry import dead_runs

pytestmark = pytest.mark.slow

DEADLY = (EngineMissing("the engine is gone"), Leftovers("not all went"), KeyboardInterrupt(), SystemExit(143))
# What these had made was taken back before, or nothing was made.
HARMLESS = (NodeFailed("no"), LabBusy("by another process"), RuntimeError("our bug"))


def kept(state: StateFolder) -> list[str]:
    assert list(dead_runs(state)) == []  # not before this process ends
    return [one.name for one in (state.root / "runs").iterdir()]


def guard(state: StateFolder, *, keep: bool = False) -> Guard:
    return Guard(f"unix://{state.root}/nobody", state, os.environ, keep=keep)


@pytest.mark.parametrize("error", DEADLY, ids=lambda error: type(error).__name__)
def test_after_a_deadly_ending_the_run_counts_as_dead(tmp_path: Path, error: BaseException) -> None:
    """Nobody knows what is left: the watchdog looks once this process has ended."""
    state, one = StateFolder(tmp_path), guard(StateFolder(tmp_path))
    with pytest.raises(type(error)), one as run:
        raise error
    assert kept(state) == [run]
    one.end()
    assert kept(state) == []


@pytest.mark.parametrize("error", DEADLY, ids=lambda error: type(error).__name__)
def test_what_is_to_be_kept_is_nobodys_whatever_happens(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), guard(StateFolder(tmp_path), keep=True):
        raise error
    assert kept(StateFolder(tmp_path)) == []


@pytest.mark.parametrize("error", HARMLESS, ids=lambda error: type(error).__name__)
def test_after_another_error_nothing_is_left_to_look_after(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), guard(StateFolder(tmp_path)):
        raise error
    assert kept(StateFolder(tmp_path)) == []


def test_a_guard_that_ended_well_leaves_no_run_and_no_handler(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with guard(StateFolder(tmp_path)) as run:
        assert kept(StateFolder(tmp_path)) == [run]
    assert kept(StateFolder(tmp_path)) == []
    assert signal.getsignal(signal.SIGINT) is before
