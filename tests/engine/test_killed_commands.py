"""Commands on a standing lab that end before they are done: by SIGKILL, by a signal that they see, by a closed pipe."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest
from lab_bench import Bench, eventually, piped
from settling import record_settled, seconds_until

DEADLINE = 240.0
FIRST_MOMENT, LAST_MOMENT = 0.1, 1.6
STANDING = dict.fromkeys(("dns", "db", "app", "client"), "running")
# What follows each command that is killed.
KILLED: dict[str, tuple[str, ...]] = {
    "inject": ("stop", "app"),
    "heal": (),
    "trace": ("--", "curl", "-sS", "http://app.shop.lab/items"),
    "capture": ("start",),
    "down": (),
}
# How a command ends that is sent this, or whose reader goes.
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGPIPE: 130}


def moment(round_number: int) -> float:
    """A moment of its own for each round, spread evenly over any number of rounds (multiples of the golden ratio)."""
    return FIRST_MOMENT + round_number * 0.6180339887 % 1 * (LAST_MOMENT - FIRST_MOMENT)


def begun(bench: Bench, command: str, *words: str) -> subprocess.Popen[str]:
    if command == "capture":
        return bench.begin(command, *words, bench.scenario, "--lab", bench.lab)
    return bench.start(command, *words)


def ends_by(process: subprocess.Popen[str], seconds: float, end: Callable[[], None]) -> str:
    """Let the process go on for so long, then end it; return what it wrote on standard error."""
    with process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            end()
        return process.communicate()[1]


def states(bench: Bench) -> dict[str, str]:
    return {container.name.rpartition("_")[2]: container.status for container in bench.containers()}


@pytest.mark.endurance
@pytest.mark.sampled(5)
@pytest.mark.parametrize("command", KILLED)
@pytest.mark.rounds(1, full=60)
def test_a_killed_command_leaves_what_the_next_one_completes(
    repaired: Bench, command: str, round_number: int, record_property: Callable[[str, object], None]
) -> None:
    """`{command}` killed at any moment: `sweep` and `heal` make the lab whole, and nothing that stands is taken down.

    What `down` began `sweep` completes.
    """
    if command == "heal":
        assert repaired.cli("inject", "stop", "app").code == 0
    process = begun(repaired, command, *KILLED[command])
    ends_by(process, moment(round_number), process.kill)
    record_settled(record_property, seconds_until(lambda: not repaired.open_runs(), DEADLINE))
    assert repaired.run("sweep").code == 0
    if command == "down":
        assert not repaired.left() or states(repaired) == STANDING
        repaired.up()
    elif command == "capture":
        begun(repaired, command, "stop").communicate()
    else:
        assert repaired.cli("heal").code == 0
    assert states(repaired) == STANDING
    assert repaired.run("faults", repaired.lab, "--json").document["faults"] == []


@pytest.mark.endurance
@pytest.mark.rounds(1, full=200)
def test_a_command_that_is_told_to_end_says_so(repaired: Bench, round_number: int) -> None:
    """SIGINT, SIGTERM, SIGHUP or a closed pipe at any moment of `check`: its exit code, no hang, nothing left."""
    number, code = list(CODES.items())[round_number % len(CODES)]
    process = repaired.start("check")

    def end() -> None:
        piped(process.stdout).close() if number is signal.SIGPIPE else process.send_signal(number)

    errors = ends_by(process, moment(round_number), end)
    # Before Python has come to our first line, the signal ends it by itself; or Python does so, with its own traceback.
    by_python = number is signal.SIGINT and errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode in (0, code, -number) or (by_python and process.returncode == 1), errors
    assert eventually(lambda: not repaired.open_runs(), DEADLINE)
    assert states(repaired) == STANDING
