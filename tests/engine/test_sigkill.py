"""SIGKILL at any moment: the watchdog, a process of its own, leaves nothing of what was being made."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# The promise is two seconds; the deadline leaves room for a machine that does other work, too.
DEADLINE = 8.0
MOMENTS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.4, 1.6)
SUITE = """\
import pytest

@pytest.mark.lab("basic")
def test_it(lab):
    assert lab.node("client").run("true").exit_code == 0
    print("standing", flush=True)
    while True:
        pass
"""


@pytest.mark.parametrize("moment", MOMENTS)
def test_up_killed(bench, moment):
    """`up` killed after so many seconds: nothing is left; if it was done by then, the whole lab stands."""
    with bench.start("up") as process:
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
    if process.returncode == 0:
        assert set(bench.ids()) == {"dns", "db", "app", "client"}
    else:
        assert process.returncode == -signal.SIGKILL
        assert bench.nothing_within(DEADLINE), bench.left()


@pytest.mark.parametrize("step", ["network:lab", "node:", "ready:dns", "ready:client"])
def test_up_killed_at_a_step(bench, step):
    """`up` killed just after a certain step was done: nothing is left."""
    with bench.start("up") as process:
        for line in process.stderr:
            if " ok " in line and step in line:
                break
        process.kill()
    assert process.returncode in (-signal.SIGKILL, 0)
    if process.returncode:
        assert bench.nothing_within(DEADLINE), bench.left()


def test_a_killed_repair_takes_only_its_own(standing):
    """An `up` that repairs is killed: what stood before goes on standing."""
    before = standing.ids()
    standing.container("client").remove(force=True)
    with standing.start("up") as process:
        for line in process.stderr:
            if " ok " in line:
                break
        process.kill()
    before.pop("client")
    assert all(standing.ids().get(node) == container for node, container in before.items())


@pytest.mark.parametrize("moment", MOMENTS)
def test_pytest_killed(engine, tmp_path, moment):
    """A test process killed so many seconds after its start, or while its lab stands: nothing of its labs is left."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    own = tmp_path / "state"
    environ = {**engine.environ, "WIRELAB_STATE": str(own)}
    argv = (*engine.pytest, "-q", "-s", "-p", "no:cacheprovider")
    with subprocess.Popen(
        (*argv, "--rootdir", str(tmp_path), str(tmp_path)),
        env=environ,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        if moment == MOMENTS[-1]:
            assert any("standing" in line for line in process.stdout)
        else:
            time.sleep(moment)
        process.kill()
    assert nothing_of(engine, own)


def nothing_of(engine, state: Path) -> bool:
    """Whether, before the deadline, no container mounts a file of this state folder, and no run or lab is in it."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if not _left(engine, state) and not _left(engine, state):
            return True
        time.sleep(0.1)
    return False


def _left(engine, state: Path) -> list[str]:
    containers = engine.client.containers.list(all=True, filters={"label": "wirelab.lab"}, ignore_removed=True)
    mounted = [c.name for c in containers if any(m["Source"].startswith(str(state)) for m in c.attrs["Mounts"])]
    runs = state / "runs"
    labs = state / "labs"
    return [
        *mounted,
        *(os.listdir(runs) if runs.is_dir() else ()),
        *(os.listdir(labs) if labs.is_dir() else ()),
    ]
