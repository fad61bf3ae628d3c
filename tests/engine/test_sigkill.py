"""SIGKILL at any moment: the watchdog, a process of its own, leaves nothing of what was being made. And Ctrl-C."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from gated import NODES, gated, let_go
from lab_bench import CHECKOUT, Bench, Engine, eventually, piped
from settling import record_settled, seconds_until

# How long it takes is measured by the bench; here a machine that does other work, too, has time enough.
DEADLINE = 240.0
# Kills come this many seconds after the start of the command, or later.
FIRST_MOMENT, LAST_MOMENT = 0.1, 1.6
STANDING = dict.fromkeys(("dns", "db", "app", "client"), "running")
SUITE = """\
import pytest

@pytest.mark.lab("basic")
def test_it(lab):
    assert lab.node("client").run("true").exit_code == 0
    print("standing", flush=True)
    while True:
        pass
"""


def moment(round_number: int) -> float:
    """A moment of its own for each round, spread evenly over any number of rounds (multiples of the golden ratio)."""
    return FIRST_MOMENT + round_number * 0.6180339887 % 1 * (LAST_MOMENT - FIRST_MOMENT)


@pytest.mark.endurance
@pytest.mark.rounds(3, full=60)
def test_up_killed(bench: Bench, round_number: int, record_property: Callable[[str, object], None]) -> None:
    """`up` killed at any moment: nothing is left; if it was done by then, the whole lab stands."""
    with bench.start("up") as process:
        try:
            process.wait(timeout=moment(round_number))
        except subprocess.TimeoutExpired:
            process.kill()
    record_settled(record_property, nothing_or_all(bench, process))


@pytest.mark.endurance
@pytest.mark.rounds(1, full=15)
@pytest.mark.parametrize("step", ["network:lab", "node:", "ready:dns", "ready:client"])
def test_up_killed_at_a_step(bench: Bench, step: str) -> None:
    """`up` killed just after a certain step was done: nothing is left."""
    with bench.start("up") as process:
        for line in piped(process.stderr):
            if " ok " in line and step in line:
                break
        process.kill()
    nothing_or_all(bench, process)


@pytest.mark.endurance
@pytest.mark.rounds(1, full=25)
@pytest.mark.parametrize("step", ["network:lab", "node:"])
def test_up_interrupted_again_and_again(bench: Bench, tmp_path: Path, step: str) -> None:
    """Ctrl-C, and more of them while what was under way still ends: exit 130 all the same, and nothing is left."""
    bench = gated(bench, tmp_path)
    with bench.start("up") as process:
        for line in piped(process.stderr):
            if " ok " in line and step in line:
                break
        for _ in range(5):
            process.send_signal(signal.SIGINT)
            time.sleep(0.03)
        process.communicate()
    assert process.returncode == 130
    assert bench.nothing_within(DEADLINE), bench.left()
    assert eventually(lambda: not open_runs(bench), DEADLINE)


def nothing_or_all(bench: Bench, process: subprocess.Popen[str]) -> float:
    """Nothing is left; or the command was done, and had only to exit: then no run is open and the whole lab stands.

    The seconds until it was so.
    """
    assert process.returncode in (-signal.SIGKILL, 0)
    if process.returncode == 0 or not open_runs(bench):
        assert stands(bench) or (process.returncode and bench.nothing_within(DEADLINE)), bench.left()
        return 0.0
    return seconds_until(lambda: bench.is_gone() and not open_runs(bench), DEADLINE)


def open_runs(bench: Bench) -> list[str]:
    """The commands that are under way, or died and are not cleaned up after."""
    return [path.name for path in (Path(bench.engine.environ["WIRELAB_STATE"]) / "runs").glob("*")]


def stands(bench: Bench) -> bool:
    return states(bench) == STANDING


@pytest.mark.endurance
@pytest.mark.rounds(1, full=60)
def test_check_killed_in_its_fault(
    repaired: Bench, tmp_path: Path, round_number: int, record_property: Callable[[str, object], None]
) -> None:
    """`check` killed at any moment of its own fault: the fault ends with it, and one that `inject` put in stays."""
    check = breaking(repaired, tmp_path).start("check", "--only", "while the database")
    with check:
        if round_number == 0:
            assert eventually(lambda: repaired.container("db").status == "exited", DEADLINE)
            assert repaired.cli("inject", "pause", "client").code == 0
        else:
            time.sleep(moment(round_number))
        check.kill()
    record_settled(record_property, seconds_until(lambda: not repaired.open_runs(), DEADLINE))
    by_hand = {"client": "paused"} if round_number == 0 else {}
    assert states(repaired) == {**STANDING, **by_hand}
    assert [fault["id"] for fault in repaired.run("faults", repaired.lab, "--json").document["faults"]] == [
        f"pause-{node}" for node in by_hand
    ]
    assert list(repaired.healed()) == [f"unpause:{node}" for node in by_hand]


@pytest.mark.endurance
@pytest.mark.rounds(1, full=10)
def test_check_and_its_watchdog_killed(repaired: Bench, tmp_path: Path) -> None:
    """Both killed in the fault of a check: `sweep` heals it, and takes nothing down."""
    before = repaired.ids()
    with breaking(repaired, tmp_path).start("check", "--only", "while the database") as check:
        assert eventually(lambda: repaired.container("db").status == "exited", DEADLINE)
        kill_with_watchdog(check)
    swept = sweep(repaired)
    assert (swept.returncode, swept.stderr.splitlines()[-1]) == (0, "healed 1 fault of checks that were killed")
    assert (repaired.ids(), states(repaired), repaired.open_runs()) == (before, STANDING, set())


def breaking(bench: Bench, folder: Path) -> Bench:
    """The same lab, with a check that stops the database and is not judged before somebody kills it."""
    shutil.copytree(CHECKOUT / "scenarios" / "basic", folder / "basic")
    with (folder / "basic" / "scenario.yaml").open("a") as file:
        file.write("  - {name: while the database is away, during: {stop: db}, from: app, runs: [sleep, '300'],\n")
        file.write("     within: 300}\n")
    return replace(bench, scenario=str(folder / "basic"))


def states(bench: Bench) -> dict[str, str]:
    return {container.labels["wirelab.node"]: container.status for container in bench.containers()}


def kill_with_watchdog(process: subprocess.Popen[str]) -> None:
    (watchdog,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(watchdog), signal.SIGKILL)
    process.kill()


def test_a_killed_repair_takes_only_its_own(standing: Bench) -> None:
    """An `up` that repairs is killed: what stood before goes on standing."""
    before = standing.ids()
    standing.container("client").remove(force=True)
    with standing.start("up") as process:
        for line in piped(process.stderr):
            if " ok " in line:
                break
        process.kill()
    before.pop("client")
    assert eventually(lambda: not open_runs(standing), DEADLINE)
    assert {node: one for node, one in standing.ids().items() if node != "client"} == before


def test_a_lab_that_was_repaired_after_a_kill_survives_sweep(bench: Bench, tmp_path: Path) -> None:
    """`up` and its watchdog are killed when two nodes run; the next `up` completes the lab, and `sweep` leaves it."""
    bench = gated(bench, tmp_path)
    with bench.start("up") as process:
        nodes = (line for line in piped(process.stderr) if " ok " in line and "node:" in line)
        for _ in NODES:
            next(nodes)
        kill_with_watchdog(process)
    (dead,) = open_runs(bench)
    with bench.start("up") as process:
        let_go(bench)
        process.communicate()
    assert process.returncode == 0
    before = bench.ids()
    assert bench.cli("check").code == 0
    swept = sweep(bench)
    assert (swept.returncode, swept.stderr.splitlines()[-1]) == (0, "nothing to sweep")
    assert dead not in open_runs(bench)
    assert (bench.ids(), bench.steps()) == (before, {})


def sweep(bench: Bench) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "orchestrator", "sweep"),
        env=bench.engine.environ,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.endurance
@pytest.mark.rounds(3, full=60)
def test_pytest_killed(
    engine: Engine, tmp_path: Path, round_number: int, record_property: Callable[[str, object], None]
) -> None:
    """A test process killed at any moment, in the first round while its lab stands: nothing of its labs is left."""
    name = f"killed-{secrets.token_hex(4)}"
    shutil.copytree(CHECKOUT / "scenarios" / "basic", tmp_path / "scenarios" / "basic")
    file = tmp_path / "scenarios" / "basic" / "scenario.yaml"
    file.write_text(file.read_text().replace("name: basic\n", f"name: {name}\n"))
    (tmp_path / "test_suite.py").write_text(SUITE)
    own = tmp_path / "state"
    with subprocess.Popen(
        (
            *engine.pytest,
            "-q",
            "-s",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path / "test_suite.py"),
        ),
        env={**engine.environ, "WIRELAB_STATE": str(own)},
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        if round_number == 0:
            assert any("standing" in line for line in piped(process.stdout))
            assert left_of(engine, own, name)
        else:
            time.sleep(moment(round_number))
        process.kill()
    record_settled(record_property, seconds_until(lambda: not left_of(engine, own, name), DEADLINE))


def left_of(engine: Engine, state: Path, scenario: str) -> list[str]:
    """The containers, networks and volumes of a scenario, and the runs and labs of a state folder."""
    ours, client = {"label": f"wirelab.scenario={scenario}"}, engine.client
    containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
    made = (*containers, *client.networks.list(filters=ours), *client.volumes.list(filters=ours))
    folders = [state / "runs", state / "labs"]
    return [*(one.name for one in made), *(path.name for folder in folders for path in folder.glob("*"))]
