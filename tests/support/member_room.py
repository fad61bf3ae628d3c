"""The members `a` and `b`, engines in machines within the machine, and a state folder that knows them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
from gated import GATED
from lab_bench import Bench, Engine, Ran, eventually, piped
from machine import Machine, fresh_machine
from small_scenario import SMALL_NODES

DEADLINE = 120.0
SMALL = (
    SMALL_NODES
    + """\
  - {name: The client finds itself, from: client, resolves: client.shop.lab, to: client, within: 3}
"""
)


@dataclass(frozen=True)
class Room:
    """Two members and the state folder that knows them; `b` does not see the files of this machine."""

    engine: Engine
    machines: dict[str, Machine]
    small: Path
    slow: Path

    @property
    def state(self) -> Path:
        return Path(self.engine.environ["WIRELAB_STATE"])

    def url(self, member: str) -> str:
        return f"unix://{self.machines[member].state}/engine/docker.sock"

    def run(self, *words: str, code: int = 0) -> Ran:
        ran = self.engine.wirelab(*words, seconds=DEADLINE)
        assert ran.code == code, f"{words}: exit code {ran.code}\n{ran.out}{ran.err}"
        return ran

    def up(self, lab: str, *words: str) -> Ran:
        return self.run("up", str(self.small), "--lab", lab, *words)

    def labels_on(self, member: str) -> list[dict[str, str]]:
        """The labels of all containers, networks and volumes of labs on an engine, asked without wirelab."""
        with closing(docker.DockerClient(base_url=self.url(member), timeout=60)) as client:
            ours = {"label": "wirelab.lab"}
            containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
            others = [thing.attrs["Labels"] for thing in (*client.networks.list(filters=ours), *client.volumes.list())]
            every = [container.labels for container in containers] + [labels for labels in others if labels]
            return [labels for labels in every if "wirelab.lab" in labels]

    def labs_on(self, member: str) -> set[str]:
        """The labs of which an engine has anything."""
        return {labels["wirelab.lab"] for labels in self.labels_on(member)}

    def nodes_on(self, member: str, lab: str) -> set[str]:
        """The nodes of a lab that stand on a member."""
        own = [labels for labels in self.labels_on(member) if labels["wirelab.lab"] == lab]
        return {labels["wirelab.node"] for labels in own if "wirelab.node" in labels}

    def listed(self, code: int = 0) -> dict[str, str]:
        """Lab -> member, as `ls` prints it; only the labs of this state folder."""
        labs = self.run("ls", "--json", code=code).document["labs"]
        return {lab["lab"]: lab["member"] or "" for lab in labs if lab["owner"]}


def side_by_side(do: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
    """Do it to two of them at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(do, things))


@contextmanager
def short_folder() -> Iterator[str]:
    """A state folder in which sockets have room."""
    folder = tempfile.mkdtemp(prefix="wl-")
    yield folder
    shutil.rmtree(folder)


def kill_a_command(room: Room, *words: str) -> None:
    """SIGKILL while a lab comes up where these words say: its watchdog removes it there."""
    bench = Bench(room.engine, "killed", str(room.slow))
    with bench.start("up", *words) as process:
        assert any("node:slow" in line for line in piped(process.stderr))
        assert any("killed" in room.labs_on(name) for name in room.machines)
        process.kill()

    def is_gone() -> bool:
        return not any("killed" in room.labs_on(name) for name in room.machines) and not bench.open_runs()

    assert eventually(is_gone, DEADLINE)
    assert not bench.folder.exists()


@contextmanager
def member_room(engine: Engine, folder: Path, *, in_swarm: bool = False) -> Iterator[Room]:
    """Two fresh members beside the engine of all tests; with `in_swarm` `a` manages a Docker Swarm of both."""
    for name, text in (("small", SMALL), ("gated", GATED)):
        (folder / name).mkdir()
        (folder / name / "scenario.yaml").write_text(text)
    with ExitStack() as stack:
        machines = {name: stack.enter_context(fresh_machine()) for name in ("a", "b")}
        if in_swarm:
            connect(machines)
        stack.callback(side_by_side, lambda machine: machine.engine("down", "--purge"), machines.values())
        side_by_side(lambda machine: machine.engine("up"), machines.values())
        own = engine.with_state(Path(stack.enter_context(short_folder())))
        own = replace(own, environ={**own.environ, "DOCKER_HOST": engine.url})
        room = Room(own, machines, folder / "small", folder / "gated")
        if in_swarm:
            join_swarm(room)
        # The engine of b is as on another machine: it does not see the files of this one.
        machines["b"].plain("mount", "-t", "tmpfs", "tmpfs", str(room.state))
        stack.callback(machines["b"].plain, "umount", str(room.state))
        for name in machines:
            room.run("members", "add", name, room.url(name))
        yield room


ADDRESSES = {"a": "10.200.0.1", "b": "10.200.0.2"}


def connect(machines: dict[str, Machine]) -> None:
    """A cable between the two machines; it goes with them."""
    left, right = (str(machines[name].first) for name in ADDRESSES)
    words = ("ip", "link", "add", "cable", "netns", left, "type", "veth", "peer", "name", "cable", "netns", right)
    subprocess.run(words, check=True)
    for name, address in ADDRESSES.items():
        machines[name].plain("ip", "address", "add", f"{address}/24", "dev", "cable")
        machines[name].plain("ip", "link", "set", "cable", "up")


def join_swarm(room: Room) -> None:
    """Make a Docker Swarm of the members."""
    with (
        closing(docker.DockerClient(base_url=room.url("a"), timeout=60)) as manager,
        closing(docker.DockerClient(base_url=room.url("b"), timeout=60)) as worker,
    ):
        manager.swarm.init(advertise_addr=ADDRESSES["a"])
        manager.swarm.reload()
        token = manager.swarm.attrs["JoinTokens"]["Worker"]
        worker.swarm.join([f"{ADDRESSES['a']}:2377"], token, advertise_addr=ADDRESSES["b"])
