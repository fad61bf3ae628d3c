"""Labs on members: two engines in namespaces of their own beside the engine of all tests, one also behind an sshd."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest
from gated import GATED
from lab_bench import Bench, Engine, Ran, eventually, piped
from machine import NEEDS_ENGINE_OF_ITS_OWN, Machine, fresh_machine

pytestmark = [
    pytest.mark.waits,
    pytest.mark.sampled(3),
    *NEEDS_ENGINE_OF_ITS_OWN,
]
DEADLINE = 120.0
SMALL = """\
name: small
title: A client and a DNS server
domain: shop.lab
nodes:
  dns: {role: dns}
  client: {role: client}
checks:
  - {name: The client finds itself, from: client, resolves: client.shop.lab, to: client, within: 3}
"""
SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey /ssh/host
AuthorizedKeysFile /ssh/client.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
"""
SSH = """\
IdentityFile {folder}/client
IdentitiesOnly yes
UserKnownHostsFile {folder}/known_hosts
GlobalKnownHostsFile none
StrictHostKeyChecking yes
"""


@dataclass(frozen=True)
class Room:
    """The members `a` and `b`, and a state folder that knows them; `b` does not see the files of this machine."""

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

    def labs_on(self, member: str) -> set[str]:
        """The labs of which an engine has anything, asked without wirelab."""
        with closing(docker.DockerClient(base_url=self.url(member), timeout=60)) as client:
            ours = {"label": "wirelab.lab"}
            containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
            others = [thing.attrs["Labels"] for thing in (*client.networks.list(filters=ours), *client.volumes.list())]
            every = [container.labels for container in containers] + [labels for labels in others if labels]
            return {labels["wirelab.lab"] for labels in every if "wirelab.lab" in labels}

    def listed(self, code: int = 0) -> dict[str, str]:
        """Lab -> member, as `ls` prints it; only the labs of this state folder."""
        labs = self.run("ls", "--json", code=code).document["labs"]
        return {lab["lab"]: lab["member"] or "" for lab in labs if lab["owner"]}


@pytest.fixture(scope="module")
def room(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("members")
    for name, text in (("small", SMALL), ("gated", GATED)):
        (folder / name).mkdir()
        (folder / name / "scenario.yaml").write_text(text)
    with ExitStack() as stack:
        machines = {name: stack.enter_context(fresh_machine()) for name in ("a", "b")}
        for machine in machines.values():
            machine.engine("up")
            stack.callback(machine.engine, "down", "--purge")
        own = engine.with_state(Path(stack.enter_context(short_folder())))
        own = replace(own, environ={**own.environ, "DOCKER_HOST": engine.url})
        room = Room(own, machines, folder / "small", folder / "gated")
        # The engine of b is as on another machine: it does not see the files of this one.
        machines["b"].plain("mount", "-t", "tmpfs", "tmpfs", str(room.state))
        stack.callback(machines["b"].plain, "umount", str(room.state))
        for name in machines:
            room.run("members", "add", name, room.url(name))
        yield room


@contextmanager
def short_folder() -> Iterator[str]:
    """A state folder in which sockets have room."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="wl-")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.sampled(1)
def test_six_labs_on_two_members_survive_a_killed_command_and_a_killed_engine(room: Room) -> None:
    """Nothing is left on any engine: of the killed command at once, of the killed engine when it is back."""
    homes = {f"m{number}": "ab"[number % 2] for number in range(6)}
    for lab in ("m0", "m1"):  # these send the images that no earlier test has sent
        room.up(lab, "--member", homes[lab])
    with ThreadPoolExecutor(2) as pool:
        ups = list(pool.map(lambda lab: room.up(lab, "--members", homes[lab]), ["m2", "m3", "m4", "m5"]))
    assert not any("images: sending" in up.err for up in ups)
    assert room.listed() == homes
    assert {name: room.labs_on(name) for name in "ab"} == {
        name: {lab for lab, home in homes.items() if home == name} for name in "ab"
    }
    refused = room.run("up", str(room.small), "--lab", "m0", "--member", "b", code=2)
    assert "error: the lab 'm0' stands on the member 'a'" in refused.err
    kill_a_command(room)
    kill_an_engine(room, homes)
    for lab in ("m0", "m2", "m4", "m1", "m3"):
        room.run("down", lab)
    room.run("sweep")
    assert {name: room.labs_on(name) for name in "ab"} == {"a": set(), "b": set()}
    assert list((room.state / "labs").iterdir()) == list((room.state / "runs").iterdir()) == []


def kill_a_command(room: Room) -> None:
    """SIGKILL while a lab comes up on a member: its watchdog removes it there."""
    bench = Bench(room.engine, "killed", str(room.slow))
    with bench.start("up", "--member", "a") as process:
        assert any("node:slow" in line for line in piped(process.stderr))
        assert "killed" in room.labs_on("a")
        process.kill()
    assert eventually(lambda: "killed" not in room.labs_on("a") and not bench.open_runs(), DEADLINE)
    assert not bench.folder.exists()


def kill_an_engine(room: Room, homes: dict[str, str]) -> None:
    """The member is named, its labs too; the others go on; what was to be removed there goes when it is back."""
    machine = room.machines["b"]
    machine.kill("dockerd")
    assert eventually(lambda: not machine.pids("dockerd"), DEADLINE)
    silent = room.run("ls", code=3)
    assert "error: the member 'b' does not answer" in silent.err
    assert "its labs are m1, m3, m5" in silent.err
    assert room.listed(code=3) == {lab: home for lab, home in homes.items() if home == "a"}
    room.run("check", "m0")
    assert "the member 'b' does not answer" in room.run("check", "m1", code=3).err
    postponed = room.run("down", "m5", code=6)
    assert "error: the lab 'm5' is not removed yet: the member 'b' does not answer" in postponed.err
    assert "the member 'b' does not answer, and is not swept" in room.run("sweep", code=6).err
    assert "passed over" in room.up("new", "--members", "b,a").err
    room.run("down", "new")
    machine.engine("up")
    assert "removed" in room.run("sweep").err
    assert room.labs_on("b") == {"m1", "m3"}
    assert "1 check: 1 passed" in room.run("run", "m3").out


def test_a_lab_on_a_member_is_checked_broken_explained_and_recorded(room: Room) -> None:
    room.up("seen", "--member", "a", "--capture")
    try:
        room.run("check", "seen")
        story = room.run("trace", "seen", "--", "dig", "+short", "client.shop.lab").out
        assert "client.shop.lab" in story
        room.run("inject", "seen", "stop", "dns")
        failed = room.run("check", "seen", code=1).out
        assert "why:" in failed
        assert "dns" in failed
        room.run("heal", "seen")
        room.run("check", "seen")
        assert [row["role"] for row in room.run("ps", "seen", "--json").document["nodes"]] == ["dns", "client"]
    finally:
        room.run("down", "seen")
    assert "seen" not in room.labs_on("a")


def test_changed_files_reach_a_member_that_does_not_see_ours(room: Room, tmp_path: Path) -> None:
    """The copy of a running node's file is written in place, as the file here; with the lab the copies go."""
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SMALL.replace("small", "copied"))
    room.run("up", str(scenario), "--member", "b")
    try:
        room.run("check", "copied")
        assert "nothing to do" in room.run("up", "copied").err
        more = "  other: {role: client}\nchecks:\n"
        scenario.write_text(scenario.read_text().replace("checks:\n", more).replace("client.shop", "other.shop"))
        scenario.write_text(scenario.read_text().replace("to: client", "to: other"))
        changed = room.run("up", "copied").err
        assert "reload:dns" in changed
        assert "node:dns" not in changed
        room.run("check", "copied")
        room.run("reset", "copied")  # the files go with the lab, and come again
        room.run("check", "copied")
    finally:
        room.run("down", "copied")
    assert "copied" not in room.labs_on("b")


def test_what_a_member_has_is_measured(room: Room) -> None:
    measured = room.run("members", "doctor", "--json").document["members"]
    near, far = ({row["name"]: (row["verdict"], row["value"]) for row in member["rows"]} for member in measured)
    assert near["files of labs"] == ("ok", "it sees the state folder of this machine")
    assert far["files of labs"] == ("ok", "it does not see the state folder of this machine")
    rows = near
    assert rows["swarm"] == ("ok", "it is part of no swarm")
    assert rows["architecture"][0] == rows["clock"][0] == "ok"
    hidden = replace(room.engine, environ={**room.engine.environ, "WIRELAB_STATE": str(room.state / "other")})
    assert "is a member already" in room.run("members", "add", "a", room.url("b"), code=2).err
    assert "is the engine in use" in hidden.wirelab("members", "add", "x", room.engine.url).err


@dataclass(frozen=True)
class SshServer:
    """A real sshd on loopback, which lets root of this machine in by a key, and forwards to an engine's socket."""

    folder: Path
    port: int
    container: object

    @property
    def environ(self) -> dict[str, str]:
        return {"WIRELAB_SSH": f"ssh -F {shlex.quote(str(self.folder / 'ssh_config'))}"}

    def logins(self) -> int:
        return str(self.container.logs()).count("Accepted publickey")  # type: ignore[attr-defined]


@contextmanager
def ssh_server(engine: Engine, engine_socket: str, folder: Path) -> Iterator[SshServer]:
    from orchestrator.host.images.files import images_folder, tags_of

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("host", "client"):
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)), check=True)
    (folder / "sshd_config").write_text(SSHD.format(port=port))
    (folder / "ssh_config").write_text(SSH.format(folder=folder))
    (folder / "known_hosts").touch()
    container = engine.client.containers.run(
        tags_of(("ssh",), images_folder())["ssh"],
        ["/usr/sbin/sshd", "-D", "-e", "-f", "/ssh/sshd_config"],
        user="root",
        network_mode="host",
        detach=True,
        tmpfs={"/run/sshd": "mode=0755"},
        volumes=[f"{folder}:/ssh:ro", f"{engine_socket}:/var/run/docker.sock"],
    )
    try:
        assert eventually(lambda: b"Server listening" in container.logs(), DEADLINE), container.logs()
        yield SshServer(folder, port, container)
    finally:
        container.remove(force=True)


def test_a_member_behind_ssh(room: Room, tmp_path: Path) -> None:
    """The user's known hosts decide; one connection serves all commands, comes back when it was ended, and goes."""
    engine_socket = str(room.machines["a"].state / "engine" / "docker.sock")
    with ssh_server(room.engine, engine_socket, tmp_path) as server, short_folder() as state:
        environ = {**room.engine.environ, **server.environ, "WIRELAB_STATE": state}
        far = replace(room, engine=replace(room.engine, environ=environ))
        add = ("members", "add", "far", f"ssh://root@127.0.0.1:{server.port}")
        assert "Host key verification failed." in far.run(*add, code=3).err
        host_key = (tmp_path / "host.pub").read_text()
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {host_key}")
        far.run(*add)
        try:
            far.up("far", "--member", "far")
            far.run("check", "far")
            assert server.logins() == 1
            control = f"{state}/members/far.ctl"
            subprocess.run(("ssh", "-S", control, "-O", "exit", "x"), capture_output=True, check=True)
            far.run("check", "far")
            assert server.logins() == 2
        finally:
            far.run("down", "far")
            far.run("members", "rm", "far")
        assert list((Path(state) / "members").iterdir()) == []
        assert "far" not in room.labs_on("a")
