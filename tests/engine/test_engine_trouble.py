"""The engine is killed, frozen, restarted or out of room while a command uses it.

One engine of the tests' own, in a machine within the machine, serves all rows. Its data and the state folder lie on a
small file system in memory, so that a test can fill it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

import docker
import pytest
from lab_bench import Engine, Ran, eventually
from machine import NEEDS_ENGINE_OF_ITS_OWN, Machine, fresh_machine
from small_scenario import SMALL_NODES

pytestmark = [
    pytest.mark.endurance,
    pytest.mark.waits,
    *NEEDS_ENGINE_OF_ITS_OWN,
]
DEADLINE = 240.0
FIRST_MOMENT, LAST_MOMENT = 0.3, 1.8
# Seconds after which a command says that the engine does not answer, on a machine that is not busy.
TOLD_WITHIN = 10.0
# The images of the lab and of the recorder, unpacked, and some room.
DISK = "900m"
SMALL = (
    SMALL_NODES
    + """\
  - {name: The client finds itself, from: client, resolves: client.shop.lab, to: client}
  - {name: A program that takes long, from: client, runs: [sleep, "20"], within: 100}
"""
)
LESSON = """\
---
title: Ask for a name
minutes: 5
shell: [client]
tasks:
  look-up:
    title: Ask the DNS server for the address of client.shop.lab.
    observe: {from: client, resolves: client.shop.lab, to: client}
    solve: {from: client, run: [dig, client.shop.lab]}
---
::task{look-up}
"""
STANDING = {"dns": "running", "client": "running"}
# So long that the engine is in trouble meanwhile.
LONG = ("sleep", "20")
LASTING = ("check", "exec", "trace")
COMMANDS: dict[str, tuple[str, ...]] = {
    "up": (),
    "down": (),
    "check": (),
    "inject": ("stop", "client"),
    "heal": (),
    "exec": ("client", *LONG),
    "trace": ("--", *LONG),
    "capture": (),
    "learn": ("--no-web",),
}


@dataclass(frozen=True)
class Lab:
    """The small lab on the engine of the tests' own."""

    machine: Machine
    scenario: Path

    def words(self, command: str, *more: str) -> tuple[str, ...]:
        name = ("capture", "start") if command == "capture" else (command,)
        return (*name, str(self.scenario), *more)

    def begin(self, command: str, *more: str) -> subprocess.Popen[str]:
        return self.machine.command(*self.words(command, *more))

    def cli(self, command: str, *more: str) -> Ran:
        return ended(self.begin(command, *more))

    @property
    def state(self) -> Path:
        """The state folder as this process sees it."""
        return Path(f"/proc/{self.machine.first}/root{self.machine.state}")

    @property
    def url(self) -> str:
        return f"unix://{self.state}/engine/docker.sock"

    def things(self) -> dict[str, str]:
        """Containers of the lab with their state, networks and volumes."""
        client = docker.DockerClient(base_url=self.url, timeout=60)
        try:
            ours = {"label": "wirelab.lab=small"}
            containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
            others = (*client.networks.list(filters=ours), *client.volumes.list(filters=ours))
            nodes = {c.labels["wirelab.node"]: c.status for c in containers if "wirelab.node" in c.labels}
            return nodes | {str(thing.name): "there" for thing in others}
        finally:
            client.close()

    def nodes(self) -> dict[str, str]:
        return {name: state for name, state in self.things().items() if state != "there"}

    def open_runs(self) -> list[str]:
        return os.listdir(self.state / "runs") if (self.state / "runs").is_dir() else []


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=DEADLINE)
    return Ran(process.returncode, out, err)


@pytest.fixture(scope="module")
def small(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, down, and its engine, up, with the images that it needs."""
    folder = tmp_path_factory.mktemp("trouble") / "small"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(SMALL)
    (folder / "lesson.md").write_text(LESSON)
    with fresh_machine() as machine:
        machine.plain("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(machine.state))
        lab = Lab(machine, folder)
        machine.engine("up")
        copy_images(engine, lab.url)
        try:
            yield lab
        finally:
            machine.engine("down", "--purge")


def copy_images(engine: Engine, url: str) -> None:
    """Give the engine at the address the images that the other one has."""
    from orchestrator.host.images.files import images_folder, tags_of

    tags = list(tags_of(("dns", "client", "capture"), images_folder()).values())
    client = docker.DockerClient(base_url=url, timeout=DEADLINE)
    try:
        saving = engine.client.api
        saved = saving._get(saving._url("/images/get"), params={"names": tags}, stream=True)
        loaded = client.api._post(client.api._url("/images/load"), data=saved.iter_content(1 << 20))
        loaded.raise_for_status()
    finally:
        client.close()


def kill(machine: Machine) -> None:
    machine.kill("dockerd")


def freeze(machine: Machine) -> None:
    machine.send("STOP", "dockerd")


def restart(machine: Machine) -> None:
    machine.engine("down")
    machine.engine("up")


def fill(machine: Machine) -> None:
    machine.plain("sh", "-c", f"cat /dev/zero > {machine.state}/full 2>&- || true")


def recover(machine: Machine) -> None:
    """End what trouble a person would end: `up` does the rest."""
    machine.go_on()
    machine.plain("rm", "-f", f"{machine.state}/full")


def row(round_number: int, first: str) -> tuple[str, float]:
    """The command of a round, and when in it the trouble begins: spread evenly, by multiples of the golden ratio."""
    names = list(COMMANDS)
    command = names[(names.index(first) + round_number) % len(names)]
    return command, FIRST_MOMENT + round_number * 0.6180339887 % 1 * (LAST_MOMENT - FIRST_MOMENT)


def in_trouble(lab: Lab, command: str, moment: float, trouble: Callable[[Machine], None]) -> tuple[Ran, float]:
    """The command during which the trouble began, and after how many seconds it ended; then the trouble is over."""
    ready = lab.cli("down" if command == "up" else "up")
    assert ready.code == 0, ready.err
    if command == "heal":
        assert lab.cli("inject", "stop", "client").code == 0
    before = set(lab.machine.pids("sleep"))
    process = lab.begin(command, *COMMANDS[command])
    if command in LASTING:
        assert eventually(lambda: bool(set(lab.machine.pids("sleep")) - before), DEADLINE)
    else:
        time.sleep(moment)
    begun = time.monotonic()
    trouble(lab.machine)
    ran = ended(process)
    seconds = time.monotonic() - begun
    recover(lab.machine)
    return ran, seconds


def assert_told(command: str, ran: Ran) -> None:
    """The command had ended, or had begun the engine anew; or it says what is wrong, in three lines or of a check."""
    assert ran.code in ((0, 1, 3) if command == "learn" else (0, 3)), ran.err
    if command == "check" and not ran.err:
        # An engine that was away for a moment: what could not be asked meanwhile is unknown.
        assert ran.code == 0 or ("could not be asked" in ran.out and " try: wirelab " in ran.out), ran.out
    elif ran.code == 3:
        assert [line.partition(":")[0] for line in ran.err.splitlines()[-3:]] == ["error", "why", "try"], ran.err


def assert_repaired(lab: Lab) -> None:
    """`up` makes the lab whole, and nothing is left of the command."""
    repaired = lab.cli("up")
    assert repaired.code == 0, repaired.err
    assert lab.cli("heal").code == 0
    assert lab.nodes() == STANDING
    assert eventually(lambda: not lab.open_runs(), DEADLINE), lab.open_runs()


@dataclass(frozen=True)
class Trouble:
    """What happens to the engine, and the first command during which it does: `make test` runs one round of each."""

    begin: Callable[[Machine], None]
    first: str
    # One of these stands in the error, where there is one.
    words: tuple[str, ...] = ("",)


TROUBLES = {
    "is killed": Trouble(kill, "exec"),
    "is frozen": Trouble(freeze, "check"),
    "is restarted": Trouble(restart, "down"),
    "has no room on its disk": Trouble(fill, "up", ("no room", "No space left")),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.rounds(1, full=27)
def test_an_engine_in_trouble(
    small: Lab, trouble: str, round_number: int, record_property: Callable[[str, object], None]
) -> None:
    """The engine {trouble} during a command: it does its work, or exit 3 with the reason; `up` repairs afterwards."""
    what = TROUBLES[trouble]
    command, moment = row(round_number, what.first)
    ran, seconds = in_trouble(small, command, moment, what.begin)
    record_property("seconds", seconds)
    # Who did the work all the same took as long as that takes.
    record_property("limit", TOLD_WITHIN if ran.code else inf)
    assert_told(command, ran)
    assert ran.code != 3 or any(words in ran.err for words in what.words), ran.err
    assert_repaired(small)


def test_an_engine_that_is_frozen_goes_on_with_up(small: Lab) -> None:
    """A frozen engine of wirelab's own: `engine up` lets it go on, and the containers have seen nothing of it."""
    assert small.cli("up").code == 0
    before = small.nodes()
    freeze(small.machine)
    _, said = small.machine.engine("up")
    assert "it goes on now" in said
    assert small.nodes() == before == STANDING
