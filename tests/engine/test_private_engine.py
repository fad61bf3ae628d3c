"""wirelab's own engine, started and ended for real, in a machine within the machine.

Each test has network, mount and process namespaces of its own, so that the engine under test meets no other dockerd.
What is left behind is judged with `ps`, `ip`, `nft`, `sysctl` and the mount table, by no code of ours.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from machine import NEEDS_ENGINE_OF_ITS_OWN, Machine, fresh_machine

pytestmark = [
    pytest.mark.sampled(3),
    *NEEDS_ENGINE_OF_ITS_OWN,
    pytest.mark.skipif(
        shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None,
        reason="nft is not installed; setup/programs installs it",
    ),
]


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A fresh machine; when the test is over, all of it goes, whatever happened."""
    with fresh_machine() as made:
        yield made


def command_of(running: subprocess.Popen[str]) -> int:
    """The pid of a command on the machine; nsenter(1) waits for it as its only child."""
    (pid,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return int(pid)


def sleeper(url: str) -> docker.DockerClient:
    """A client of the engine, which has made two networks and runs one container on both."""
    client = docker.DockerClient(base_url=url, timeout=120)
    client.api.import_image_from_data(_tiny_image(), repository="sleeper", tag="1")
    pool = docker.types.IPAMPool
    front = client.networks.create(
        "front",
        internal=True,
        enable_ipv6=True,
        ipam=docker.types.IPAMConfig(pool_configs=[pool("192.168.201.0/24"), pool("fd00:201::/64")]),
    )
    outside = client.networks.create("outside", ipam=docker.types.IPAMConfig(pool_configs=[pool("192.168.202.0/24")]))
    container = client.containers.create(
        "sleeper:1",
        ["/sleep", "1000"],
        ports={"80/tcp": 8080},
        network=outside.id,
        name="sleeper",
        stop_signal="SIGKILL",
    )
    front.connect(container)
    container.start()
    return client


def _tiny_image() -> bytes:
    """An image that holds `sleep` and the libraries it names, and nothing else."""
    program = shutil.which("sleep") or "/bin/sleep"
    listed = subprocess.run(("ldd", program), capture_output=True, text=True, check=True).stdout
    files = {"/sleep": program} | {path: path for path in re.findall(r"(/\S+) \(0x", listed)}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", dereference=True) as archive:
        for inside, path in files.items():
            archive.add(path, arcname=inside.lstrip("/"))
    return raw.getvalue()


def url_of(machine: Machine) -> str:
    out, _ = machine.engine("env")
    return out.strip().removeprefix("export DOCKER_HOST=")


def assert_same(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    """Compare part by part, so that a failure names what was left."""
    for part, lines in before.items():
        assert after[part] == lines, f"{part} changed"


def test_it_survives_its_command_and_is_found_again_and_down_leaves_the_machine_as_it_was(
    machine: Machine,
) -> None:
    """`up` starts it, `status` and `env` of later processes find it, `down` undoes all, and images stay."""
    before = machine.look()
    _, said = machine.engine("up")
    assert f"engine: unix://{machine.state}/engine/docker.sock (the private engine of wirelab)" in said
    out, _ = machine.engine("status", "--json")
    status = json.loads(out)
    assert status["schema"] == 1
    assert status["private"]["answers"]
    assert status["private"]["pid"] == machine.pids("dockerd")[0]
    client = sleeper(url_of(machine))
    during = machine.look()
    for part in before:
        assert during[part] != before[part], f"the engine was expected to change {part}"
    client.close()
    machine.engine("down")
    assert_same(before, machine.look())
    _, said = machine.engine("down")
    assert "does not run" in said
    machine.engine("status", expect=3)

    machine.engine("up")
    again = docker.DockerClient(base_url=url_of(machine))
    assert [image.tags for image in again.images.list()] == [["sleeper:1"]]
    again.close()
    machine.engine("down", "--purge")
    assert_same(before, machine.look())
    assert not (machine.state / "engine").exists()


LISTENER = """
import os, socket, sys, threading
v4 = socket.create_server(("0.0.0.0", 9)); v6 = socket.create_server(("::", 9), family=socket.AF_INET6)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("0.0.0.0", 9))
def accept(server):
    while True: server.accept()[0].close()
for server in (v4, v6): threading.Thread(target=accept, args=(server,), daemon=True).start()
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print("ready", flush=True)
while True: udp.sendto(b"x", udp.recvfrom(9)[1])
"""
TRIAL = """
import socket, sys
for address in sys.argv[1:]:
    try:
        if address.startswith("udp:"):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.settimeout(2)
            udp.sendto(b"x", (address[4:], 9)); udp.recv(9)
        else:
            socket.create_connection((address, 9), timeout=2).close()
        print(address)
    except OSError:
        pass
"""


def test_a_node_reaches_no_service_of_the_machine_and_the_machine_reaches_it(machine: Machine) -> None:
    """From a bridge of a lab nothing answers, over TCP, UDP and IPv6, at no address. From another bridge all do."""
    machine.engine("up")
    client = sleeper(url_of(machine))
    pool = docker.types.IPAMPool
    ipam = docker.types.IPAMConfig(pool_configs=[pool("192.168.203.0/24"), pool("fd00:203::/64")])
    options = {"com.docker.network.bridge.name": "wl-0123456789ab"}
    lab = client.networks.create("lab", internal=True, enable_ipv6=True, ipam=ipam, options=options)
    node = client.containers.run("sleeper:1", ["/sleep", "1000"], network="lab", detach=True, stop_signal="SIGKILL")
    node.reload()
    address = node.attrs["NetworkSettings"]["Networks"]["lab"]["IPAddress"]
    other = client.containers.get("sleeper")
    other.reload()
    addresses = ["192.168.203.1", "192.168.201.1", "fd00:203::1", "udp:192.168.203.1", "udp:192.168.201.1"]
    listeners = [listening(machine), listening(machine, node.attrs["State"]["Pid"])]
    try:
        assert reached(machine, addresses, node.attrs["State"]["Pid"]) == []
        assert reached(machine, ["192.168.201.1", "udp:192.168.201.1"], other.attrs["State"]["Pid"]) != []
        assert reached(machine, [address, f"udp:{address}"]) == [address, f"udp:{address}"]
        # It is the table that does it.
        machine.plain("nft", "delete", "table", "inet", "wirelab_host")
        assert reached(machine, addresses, node.attrs["State"]["Pid"]) != []
    finally:
        for listener in listeners:
            listener.communicate(timeout=240)  # the end of its input ends it
        client.close()
        machine.engine("down")
    assert "wirelab_host" not in machine.plain("nft", "list", "tables")
    assert lab.id


def listening(machine: Machine, pid: int | None = None) -> subprocess.Popen[str]:
    """Listeners on port 9 of the machine, or in the network of a process of its engine."""
    running = subprocess.Popen(
        (*inside(machine, pid), LISTENER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    return running


def reached(machine: Machine, addresses: list[str], pid: int | None = None) -> list[str]:
    """Those that answer on port 9, asked from the machine or from the network of a process of its engine."""
    argv = (*inside(machine, pid), TRIAL, *addresses)
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=240).stdout.split()


def inside(machine: Machine, pid: int | None) -> tuple[str, ...]:
    """The pid is as the engine numbers it, which lives in the machine's own numbering."""
    network = ("nsenter", "-t", str(pid), "--net") if pid else ()
    return (*machine.argv(*network), sys.executable, "-c")


@pytest.mark.parametrize(
    "killed",
    [("dockerd",), ("dockerd", "containerd", "containerd-shim")],
    ids=["dockerd", "dockerd-containerd-and-shims"],
)
def test_down_cleans_up_after_sigkill(machine: Machine, killed: tuple[str, ...]) -> None:
    """SIGKILL leaves processes, mounts, bridges and rules; a later `down` finds and removes every one."""
    before = machine.look()
    machine.engine("up")
    sleeper(url_of(machine)).close()
    for name in killed:
        machine.kill(name)
    out, _ = machine.engine("status", expect=3)
    assert "ended without cleaning up" in out
    left = machine.look()
    assert any("/sleep 1000" in line for line in left["processes"])
    assert left["nftables"] != before["nftables"]
    machine.engine("down")
    assert_same(before, machine.look())


def test_up_replaces_an_engine_that_was_killed(machine: Machine) -> None:
    """After SIGKILL the next `up` clears the remains and starts anew, with the same images."""
    before = machine.look()
    machine.engine("up")
    sleeper(url_of(machine)).close()
    machine.kill("dockerd")
    machine.engine("up")
    assert len(machine.pids("dockerd")) == 1
    assert len(machine.pids("containerd")) == 1
    client = docker.DockerClient(base_url=url_of(machine))
    assert client.containers.get("sleeper").status == "exited"
    client.close()
    machine.engine("down")
    assert_same(before, machine.look())


def test_two_ups_at_once_give_one_engine(machine: Machine) -> None:
    """One command starts it, the others wait and use the same."""
    running = [machine.start("up") for _ in range(3)]
    said = [each.communicate(timeout=240)[1] for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], said
    assert len(machine.pids("dockerd")) == 1
    assert sum("starting wirelab's own" in text for text in said) == 1


def test_an_up_that_meets_a_start_under_way_waits_for_it(machine: Machine) -> None:
    """dockerd is there and does not answer yet: it is ours, so it is no reason to refuse."""
    first = machine.start_held()
    second = machine.start("up")
    assert second.stderr is not None
    while "waiting for another wirelab process" not in (line := second.stderr.readline()):
        assert line, "the second command did not wait"
    machine.go_on()
    assert first.communicate(timeout=240)[1].count("engine: unix://") == 1
    assert second.communicate(timeout=240)[1].count("engine: unix://") == 1
    assert len(machine.pids("dockerd")) == 1


def test_it_refuses_to_start_beside_another_dockerd(machine: Machine) -> None:
    """A second engine in one network namespace would erase the first one's rules: exit 3, naming it."""
    machine.engine("up")
    rules = machine.look()["nftables"]
    other = machine.state / "other"
    _, said = machine.engine("up", state=other, expect=3)
    assert f"dockerd, pid {machine.pids('dockerd')[0]}" in said
    assert f"export DOCKER_HOST=unix://{machine.state}/engine/docker.sock" in said
    assert machine.look()["nftables"] == rules
    assert not (other / "engine" / "before.json").exists()
    machine.engine("status")


def test_a_stale_pid_file_whose_pid_is_somebody_elses_fools_nobody(machine: Machine) -> None:
    """A pid file that names a stranger: the stranger lives on, and the engine starts."""
    machine.engine("up")
    machine.kill("dockerd")
    stranger = subprocess.Popen(machine.argv("sleep", "4321"))
    deadline = time.monotonic() + 120
    while not (pids := [pid for pid in machine.pids("sleep") if pid != 1]) and time.monotonic() < deadline:
        time.sleep(0.02)
    (machine.state / "engine" / "docker.pid").write_text(str(pids[0]))
    machine.engine("status", expect=3)
    machine.engine("up")
    machine.engine("down")
    assert machine.pids("sleep")[-1] == pids[0]
    assert stranger.poll() is None
    stranger.send_signal(signal.SIGKILL)
    stranger.wait()


def test_a_state_folder_with_a_very_long_name_works(machine: Machine) -> None:
    """Sockets have a limit of 108 bytes for their path; the sockets then live in a short folder of /run."""
    before = machine.look()
    state = machine.state / ("long" * 30)
    _, said = machine.engine("up", state=state)
    assert "unix:///run/wirelab-" in said
    machine.engine("status", state=state)
    machine.engine("down", "--purge", state=state)
    assert_same(before, machine.look())


def test_rules_and_tables_of_other_people_stay(machine: Machine) -> None:
    """`down` takes out the engine's own rules, not those that were there before, nor those that came meanwhile."""
    machine.plain("iptables", "-P", "FORWARD", "DROP")
    machine.plain("iptables", "-A", "FORWARD", "-s", "10.9.0.0/16", "-j", "ACCEPT")
    machine.plain("nft", "add", "table", "inet", "mine")
    before = machine.look()
    machine.engine("up")
    machine.plain("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9999", "-j", "DROP")
    machine.engine("down")
    assert "--dport 9999 -j DROP" in machine.plain("iptables-save")
    machine.plain("iptables", "-D", "INPUT", "-p", "tcp", "--dport", "9999", "-j", "DROP")
    machine.plain("iptables", "-X", "INPUT")
    assert_same(before, machine.look())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])
def test_an_up_that_is_interrupted_takes_back_what_it_began(machine: Machine, number: int, code: int) -> None:
    """Ctrl-C while the engine starts: the exit code says so, and nothing is left."""
    before = machine.look()
    running = machine.start_held()
    os.kill(command_of(running), number)
    machine.go_on()
    running.communicate(timeout=240)
    assert running.returncode == code
    assert_same(before, machine.look())


def test_an_up_that_is_killed_is_cleaned_up_by_the_next_down(machine: Machine) -> None:
    """SIGKILL between the first process and the first answer."""
    before = machine.look()
    running = machine.start_held()
    os.kill(command_of(running), signal.SIGKILL)
    machine.go_on()
    running.communicate(timeout=240)
    machine.engine("down")
    assert_same(before, machine.look())


def test_an_engine_that_cannot_start_leaves_nothing(machine: Machine) -> None:
    """A data root that cannot be used: exit 3 with dockerd's own words, and the machine as it was."""
    before = machine.look()
    folder = machine.state / "engine" / "data"
    folder.mkdir(parents=True)
    (folder / "containers").write_text("in the way")
    _, said = machine.engine("up", expect=3)
    assert "did not start" in said
    assert "not a directory" in said
    assert_same(before, machine.look())
