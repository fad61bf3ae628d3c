"""One process at a time works on a lab; a run whose process died is known as dead."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import BUSY, LabBusy
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lock import hold, lab_lock, lesson_lock
from orchestrator.lab.run_registry import Run, dead_runs, forget_run

ROOT = Path(__file__).parents[3]
DIES_INSIDE = """
import os, sys
from pathlib import Path
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.run_registry import Run
run = Run(StateFolder(Path(sys.argv[1])))
run.begin()
print(run.id, flush=True)
os._exit(9)
"""


def test_a_lab_that_somebody_holds_is_busy(tmp_path: Path) -> None:
    """At once, with who it is; another lab is free."""
    state = StateFolder(tmp_path / "state")
    with lab_lock(state, "shop"):
        with pytest.raises(LabBusy) as caught, lab_lock(state, "shop"):
            pass
        assert caught.value.exit_code == BUSY
        assert str(os.getpid()) in caught.value.why
        with lab_lock(state, "other"):
            pass
    with lab_lock(state, "shop"):
        pass


def test_a_lesson_that_somebody_has_open_is_busy_and_its_lab_is_not(tmp_path: Path) -> None:
    """A learner types commands that change the lab while the lesson is open."""
    state = StateFolder(tmp_path / "state")
    with lesson_lock(state, "shop"):
        with pytest.raises(LabBusy) as caught, lesson_lock(state, "shop"):
            pass
        assert caught.value.exit_code == BUSY
        assert f"(process {os.getpid()})" in caught.value.why
        with lab_lock(state, "shop"), lesson_lock(state, "other"):
            pass
    with lesson_lock(state, "shop"):
        pass


def test_who_holds_a_lab_is_told_also_in_the_first_moment(tmp_path: Path) -> None:
    """The lock is taken before its holder has written who it is."""
    state = StateFolder(tmp_path / "state")
    path = state.private(state.root / "locks") / "shop.lock"
    with path.open("w") as holder, ThreadPoolExecutor(1) as pool:
        fcntl.flock(holder, fcntl.LOCK_EX)
        second = pool.submit(_take, state)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.1)
        holder.write("4711")
        holder.flush()
        with pytest.raises(LabBusy) as caught:
            second.result(timeout=60)
    assert caught.value.why == "another process works on it (process 4711)"


def test_the_clean_up_after_a_dead_command_is_waited_for(tmp_path: Path) -> None:
    """It holds the lab for a moment only, and nobody has asked for it: no reason to say busy."""
    state = StateFolder(tmp_path / "state")
    cleaning = lab_lock(state, "shop", cleaning=True)
    cleaning.__enter__()
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(_take, state)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.1)
        cleaning.__exit__(None, None, None)
        assert second.result(timeout=60)


def _take(state: StateFolder) -> bool:
    with lab_lock(state, "shop"):
        return True


def test_a_lab_is_free_after_an_error(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with pytest.raises(RuntimeError), lab_lock(state, "shop"):
        raise RuntimeError
    with lab_lock(state, "shop"):
        pass


def test_the_state_folder_is_closed_to_others(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with lab_lock(state, "shop"):
        assert state.root.stat().st_mode & 0o777 == 0o700


def test_a_run_that_lives_or_ended_well_is_not_dead(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert list(dead_runs(state)) == []
    run = Run(state)
    run.begin()
    assert list(dead_runs(state)) == []
    run.end()
    run.end()
    assert list(dead_runs(state)) == []


@pytest.mark.slow
def test_a_run_whose_process_died_is_dead_until_it_is_forgotten(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    died = subprocess.run(
        (sys.executable, "-c", DIES_INSIDE, str(state.root)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == 9
    assert list(dead_runs(state)) == [died.stdout.strip()]
    forget_run(state, died.stdout.strip())
    forget_run(state, died.stdout.strip())
    assert list(dead_runs(state)) == []


def test_a_run_that_ends_well_while_somebody_looks_for_dead_ones_is_not_dead(tmp_path: Path) -> None:
    """Its lab stands: `sweep` in another window would remove it."""
    state = StateFolder(tmp_path / "state")
    run = Run(state)
    run.begin()
    (state.root / "runs" / "0").touch()
    looking = dead_runs(state)
    assert next(looking) == "0"
    run.end()
    assert list(looking) == []
    assert [one.name for one in (state.root / "runs").iterdir()] == ["0"]


@pytest.mark.slow
def test_two_processes_may_look_at_a_run_at_the_same_time(tmp_path: Path) -> None:
    """A dead run is dead for both of them: a look takes nothing away from the other one."""
    state = StateFolder(tmp_path / "state")
    program = (sys.executable, "-c", DIES_INSIDE, str(state.root))
    dead = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    with (state.root / "runs" / dead).open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert list(dead_runs(state)) == [dead]
    living = Run(state)
    living.begin()
    assert list(dead_runs(state)) == [dead]
    living.end()


def test_a_run_that_has_no_name_yet_is_not_a_dead_one(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    (state.private(state.root / "runs") / ".4711-abc").touch()
    assert list(dead_runs(state)) == []


def test_a_run_that_the_disk_has_no_room_for_leaves_no_file(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: the kernel takes not one byte."""
    state = StateFolder(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            Run(state).begin()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_was_killed_before_it_had_a_name_goes_after_a_while(tmp_path: Path) -> None:
    """Not one that somebody holds, nor a young one."""
    state = StateFolder(tmp_path)
    runs = state.private(tmp_path / "runs")
    old, young, held = runs / ".old", runs / ".young", runs / ".held"
    for path in (old, young, held):
        path.touch()
    holding = hold(held)
    for path in (old, held):
        os.utime(path, (0, 0))
    assert list(dead_runs(state)) == []
    assert sorted(runs.iterdir()) == [held, young]
    assert holding is not None
    os.close(holding)
