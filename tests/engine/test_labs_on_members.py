"""Labs on members: two engines in namespaces of their own beside the engine of all tests, one also behind an sshd."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lab_bench import Bench, Engine, Ran, eventually, piped
from learner import Learner
from machine import NEEDS_ENGINE_OF_ITS_OWN
from member_room import DEADLINE, SMALL, Room, kill_a_command, member_room, short_folder, side_by_side

pytestmark = [
    pytest.mark.waits,
    pytest.mark.sampled(3),
    *NEEDS_ENGINE_OF_ITS_OWN,
]
SUITE = """\
from pathlib import Path

import pytest

@pytest.mark.lab("../small")
def test_where(lab):
    assert lab.node("client").run("dig", "+short", "client.shop.lab").out.strip() == lab.address("client")
    Path(__file__).with_suffix(".member").write_text(lab.member)
"""
LESSON = """\
---
title: Two names
minutes: 1
shell: [client]
tasks:
  client:
    title: Ask for the address of the client.
    observe: {from: client, resolves: client.shop.lab, to: client}
    solve: {from: client, run: [dig, client.shop.lab]}
  dns:
    title: Ask for the address of the DNS server.
    observe: {from: client, resolves: dns.shop.lab, to: dns}
    solve: {from: client, run: [dig, dns.shop.lab]}
---
::task{client}

::task{dns}
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


@pytest.fixture(scope="module")
def room(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with member_room(engine, tmp_path_factory.mktemp("members")) as room:
        yield room


@pytest.mark.sampled(1)
def test_six_labs_on_two_members_survive_a_killed_command_and_a_killed_engine(room: Room) -> None:
    """Nothing is left on any engine: of the killed command at once, of the killed engine when it is back."""
    homes = {f"m{number}": "ab"[number % 2] for number in range(6)}
    side_by_side(lambda lab: room.up(lab, "--member", homes[lab]), ["m0", "m1"])  # these send the images
    ups = side_by_side(lambda lab: room.up(lab, "--members", homes[lab]), ["m2", "m3", "m4", "m5"])
    assert not any("images: sending" in up.err for up in ups)
    assert room.listed() == homes
    assert {name: room.labs_on(name) for name in "ab"} == {
        name: {lab for lab, home in homes.items() if home == name} for name in "ab"
    }
    refused = room.run("up", str(room.small), "--lab", "m0", "--member", "b", code=2)
    assert "error: the lab 'm0' stands on the member 'a'" in refused.err
    kill_a_command(room, "--member", "a")
    kill_an_engine(room, homes)
    side_by_side(lambda lab: room.run("down", lab), ["m0", "m1", "m2", "m3", "m4"])
    room.run("sweep")
    assert {name: room.labs_on(name) for name in "ab"} == {"a": set(), "b": set()}
    assert list((room.state / "labs").iterdir()) == list((room.state / "runs").iterdir()) == []


def kill_an_engine(room: Room, homes: dict[str, str]) -> None:
    """The member is named, its labs too; the others go on; what was to be removed there goes when it is back."""
    machine = room.machines["b"]
    shell = ("sh", "-c", "echo begun; sleep 99")
    with Bench(room.engine, "m1", str(room.small)).start("exec", "client", "--", *shell) as process:
        assert next(piped(process.stdout)) == "begun\n"
        machine.kill("dockerd")
        _, said = process.communicate(timeout=DEADLINE)
    assert (process.returncode, "the member 'b' does not answer" in said) == (3, True), said
    assert "wirelab members doctor b" in said
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
    passed_over = suite(room, "b,a", "test_one.py")
    assert (passed_over.code, passed_over.out.count("the member 'b' does not answer: passed over")) == (0, 1)
    assert placed(room) == {"test_one": "a"}
    alone = suite(room, "b", "test_one.py")
    assert (alone.code, "error: the member 'b' does not answer" in alone.out) == (1, True), alone.out
    machine.engine("up")
    assert "removed" in room.run("sweep").err
    assert room.labs_on("b") == {"m1", "m3"}
    assert "1 check: 1 passed" in room.run("run", "m3").out


def suite(room: Room, members: str, *words: str) -> Ran:
    """Run pytest in a folder of two modules, each of which has a lab and writes down where it stands."""
    folder = room.small.parent / "tests"
    folder.mkdir(exist_ok=True)
    for name in ("test_one.py", "test_two.py"):
        (folder / name).write_text(SUITE)
    argv = (*room.engine.pytest, "-p", "no:cacheprovider", "--rootdir", str(folder), "--lab-members", members)
    done = subprocess.run(
        (*argv, *words),
        env=room.engine.environ, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def placed(room: Room) -> dict[str, str]:
    """Module -> member, of the last suite that ran."""
    files = list((room.small.parent / "tests").glob("*.member"))
    members = {file.stem: file.read_text() for file in files}
    for file in files:
        file.unlink()
    return members


def test_the_labs_of_two_workers_of_a_suite_are_spread_over_two_members(room: Room) -> None:
    ran = suite(room, "a,b", "-n", "2", "--dist", "loadfile")
    assert (ran.code, "2 passed" in ran.out) == (0, True), ran.out
    assert sorted(placed(room).values()) == ["a", "b"]
    assert room.listed() == {}
    assert room.labs_on("a") == room.labs_on("b") == set()


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


def test_a_lesson_on_a_member_goes_on_where_its_lab_comes_up_next(room: Room) -> None:
    """The packets are read on a member that does not see our files; what is done stays done on another engine."""
    (room.small / "lesson.md").write_text(LESSON)
    bench = Bench(room.engine, "taught", str(room.small))
    try:
        with Learner(bench, seed=3, more=("--member", "b")) as learner:
            learner.hears("task 1 of 2")
            room.run("exec", "taught", "client", "--", "dig", "client.shop.lab")
            learner.hears("task 2 of 2")
            learner.types("quit")
            assert learner.process.wait(DEADLINE) == 1
        assert room.listed()["taught"] == "b"
        room.run("down", "taught")
        with Learner(bench, seed=3, more=("--members", "local")) as learner:
            learner.hears("task 2 of 2")
            assert "task 1 of 2" not in learner.said
            room.run("exec", "taught", "client", "--", "dig", "dns.shop.lab")
            assert learner.process.wait(DEADLINE) == 0
        assert room.listed()["taught"] == ""
    finally:
        room.run("down", "taught")
    assert "taught" not in room.labs_on("b")


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
