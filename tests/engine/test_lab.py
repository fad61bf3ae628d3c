"""The lab commands from end to end, as a person or a CI job calls them: what they print and how they exit."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from engine_proxy import EngineProxy
from gated import NODES, gated, let_go
from lab_bench import Bench, Engine, eventually, piped

pytestmark = pytest.mark.sampled(3)

CHECKOUT = Path(__file__).resolve().parents[2]
ABSENT = """\
name: absent
title: A node whose image nobody has
domain: shop.lab
nodes:
  dns: {role: dns}
  one: {role: service, image: "wirelab.invalid/nobody:1"}
checks:
  - {name: Never asked, from: one, resolves: dns.shop.lab, to: dns}
"""
ENDS = """\
name: ends
title: A node whose command ends at once
domain: shop.lab
nodes:
  dns: {role: dns}
  one:
    role: service
    command: [bash, -c, "echo the cupboard is bare; exit 7"]
    listens: [{port: 8080}]
  two: {role: client, uses: [one]}
checks:
  - {name: Never asked, from: two, connects: "one.shop.lab:8080"}
"""
WRONG_HOPE = """\
name: hope
title: A check that does not hold
domain: shop.lab
nodes:
  dns: {role: dns}
  client: {role: client}
checks:
  - {name: The name is known, from: client, resolves: client.shop.lab, to: client}
  - {name: The unknown name is known, from: client, resolves: nobody.shop.lab, rcode: NOERROR, within: 1}
"""


@pytest.fixture
def of_text(bench: Bench, tmp_path: Path) -> Callable[[str], Bench]:
    """A lab of a scenario that is written here."""

    def make(text: str) -> Bench:
        (tmp_path / "scenario.yaml").write_text(text)
        return replace(bench, scenario=str(tmp_path))

    return make


def lines_of_error(err: str) -> list[str]:
    """The three lines: what, why, try."""
    return [line for line in err.splitlines() if line.startswith(("error:", "why:", "try:"))]


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/dev/null/state", "Not a directory: /dev/null/state"),
        ("/proc/state", "No such file or directory: /proc/state"),
        ("{}/link", "File exists: {}/link"),
    ],
)
def test_a_state_folder_that_cannot_be_written_is_told(bench: Bench, tmp_path: Path, folder: str, why: str) -> None:
    """Exit 3 and three lines, as for every refusal of the world; and nothing is left."""
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    ran = bench.cli("up", WIRELAB_STATE=folder.format(tmp_path), DOCKER_HOST=bench.engine.url)
    assert (ran.code, [line[:7] for line in ran.err.splitlines()[-3:]]) == (3, ["error: ", "why:   ", "try:   "])
    assert why.format(tmp_path) in ran.err
    assert bench.left() == []


def test_up_look_down(bench: Bench) -> None:
    """up, ps, inspect, exec, logs, down: each tells the same lab, and after down nothing of it is left."""
    bench.up()
    nodes = {node["node"]: node for node in bench.cli("ps", "--json").document["nodes"]}
    assert {name: node["state"] for name, node in nodes.items()} == dict.fromkeys(
        ("dns", "db", "app", "client"), "ready"
    )
    assert {name: node["container"] for name, node in nodes.items()} == bench.ids()
    assert nodes["app"]["addresses"] == [bench.address("app")]
    assert bench.cli("inspect").document["domain"] == "shop.lab"
    assert bench.cli("inspect", "--json").document["schema"] == 1
    assert bench.cli("exec", "client", "--", "dig", "+short", "app.shop.lab").out.strip() == bench.address("app")
    assert bench.cli("exec", "client", "--", "false").code == 1
    assert "app.shop.lab" in bench.cli("logs", "dns").out
    assert bench.cli("down").code == 0
    assert bench.left() == []


def test_exec_hands_on_what_comes_as_it_comes(shared: Bench) -> None:
    """Output before the program ends; errors apart; the exit code kept; what is piped in, of any size, is its input."""
    argv = (sys.executable, "-m", "orchestrator", "exec", "basic", "client", "--lab", shared.lab, "--")
    ways: dict[str, Any] = {
        "env": shared.engine.environ,
        "cwd": CHECKOUT,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    script = "echo first; read -r line; echo $line >&2; exit 7"
    command = (*argv, "bash", "-c", script)
    process: subprocess.Popen[bytes]
    with subprocess.Popen(command, stdin=subprocess.PIPE, **ways) as process:
        assert process.stdout
        assert process.stdout.readline() == b"first\n"  # it waits for input now
        out, err = process.communicate(b"second\n", timeout=240)
    assert (process.returncode, out, err.splitlines()[-1]) == (7, b"", b"second")
    much = secrets.token_bytes(3_000_000)
    with subprocess.Popen((*argv, "cat"), stdin=subprocess.PIPE, **ways) as process:
        assert process.communicate(much, timeout=240)[0] == much
    assert shared.cli("exec", "client", "--", "cat").out == ""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("a closed pipe", 130)])
def test_a_program_of_exec_ends_with_it(shared: Bench, name: str, code: int) -> None:
    """Ctrl-C, a polite end, or a reader who has gone: neither the program nor what it has begun goes on in the node."""

    def going_on() -> bool:
        return "sleep 600" in str(shared.container("client").top())

    script = "echo begun; sleep 600 & while sleep 0.1; do echo more; done"
    with shared.start("exec", "client", "--", "sh", "-c", script) as process:
        assert piped(process.stdout).readline() == "begun\n"
        assert going_on()
        if name.startswith("SIG"):
            process.send_signal(getattr(signal, name))
            process.communicate(timeout=240)
        piped(process.stdout).close()
        assert process.wait(timeout=240) == code
    assert not going_on()


def test_a_lab_stands_in_any_folder_whatever_the_locale(of_text: Callable[[str], Bench], tmp_path: Path) -> None:
    """Blanks and letters that are not ASCII in the state's path; the engine takes UTF-8 also where Python does not."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    state = str(tmp_path / "Öde Wüste")
    ran = of_text(WRONG_HOPE).cli("run", "--rm", WIRELAB_STATE=state, **ascii_only)
    assert ran.code == 1, ran.err
    assert "2 checks: 1 passed, 1 failed" in ran.out


def test_the_engine_is_named_where_a_lab_is_made_or_changed_and_not_before_each_answer(shared: Bench) -> None:
    """`up` and `heal` say which engine is used; what only looks says nothing but its answer."""
    for command in ("up", "heal"):
        assert shared.cli(command).err.splitlines()[0].startswith(f"engine: {shared.engine.url} (")
    looks = (("ps",), ("plan",), ("inspect",), ("graph",), ("logs", "dns"), ("exec", "client", "--", "true"))
    assert {words: shared.cli(*words).err for words in looks} == dict.fromkeys(looks, "")
    assert shared.cli("check", "--only", "NXDOMAIN, at once").out.splitlines()[-1].startswith("2 checks: 2 passed")


def test_down_of_nothing(bench: Bench) -> None:
    """`down` of a lab that is not there is fine."""
    ran = bench.cli("down")
    assert (ran.code, ran.out) == (0, "")
    assert "was not up" in ran.err


def test_run_and_remove(bench: Bench) -> None:
    """`run --rm` proves all checks, exits 0 and leaves nothing."""
    ran = bench.cli("run", "--rm", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["verdict"] == "pass"
    assert len(ran.document["findings"]) >= 15
    assert bench.left() == []


def test_run_leaves_the_lab_running(bench: Bench) -> None:
    """`run` without --rm leaves the lab for a look around, and says how to look."""
    ran = bench.cli("run")
    assert ran.code == 0, ran.err
    assert f"--lab {bench.lab}" in ran.err
    assert set(bench.ids()) == {"dns", "db", "app", "client"}


def test_a_check_that_fails(of_text: Callable[[str], Bench]) -> None:
    """The lab stands and one check does not hold: exit 1, and only that check failed."""
    bench = of_text(WRONG_HOPE)
    ran = bench.cli("run", "--json")
    assert ran.code == 1, ran.err
    verdicts = {finding["check"]: finding["verdict"] for finding in ran.document["findings"]}
    assert verdicts == {"The name is known": "pass", "The unknown name is known": "fail"}
    (failed,) = [finding for finding in ran.document["findings"] if finding["verdict"] == "fail"]
    assert "NXDOMAIN" in failed["actual"]


def test_an_image_that_nobody_has(of_text: Callable[[str], Bench]) -> None:
    """The lab does not stand because an image is not there: exit 3, three lines that name it, nothing left."""
    bench = of_text(ABSENT)
    ran = bench.cli("run")
    assert ran.code == 3, ran.err
    what, _why, _hint = lines_of_error(ran.err)
    assert "wirelab.invalid/nobody:1" in what
    assert ran.out == ""
    assert bench.left() == []
    assert not bench.folder.exists()


def test_a_node_that_ends(of_text: Callable[[str], Bench]) -> None:
    """A node whose program ends at once: exit 3 with its last log lines; what waited for it is skipped."""
    bench = of_text(ENDS)
    ran = bench.cli("up")
    assert ran.code == 3, ran.err
    assert len(lines_of_error(ran.err)) == 3
    assert "'one' ended with exit code 7" in ran.err
    assert "the cupboard is bare" in ran.err
    assert any("skip" in line and "ready:two" in line for line in ran.err.splitlines())
    assert bench.left() == []
    assert not bench.folder.exists()


def test_keep(of_text: Callable[[str], Bench]) -> None:
    """With --keep what was made stays for a look, and `logs` shows why it failed."""
    bench = of_text(ENDS)
    assert bench.cli("up", "--keep").code == 3
    assert "the cupboard is bare" in bench.cli("logs", "one").out


def test_a_failed_repair_leaves_the_rest(repaired: Bench) -> None:
    """An `up` that fails takes back what it made itself, not what stood before."""
    before = repaired.ids()
    taken = repaired.container("app").image.id
    repaired.container("client").remove(force=True)
    name = f"wirelab-{repaired.lab}_client"
    client = repaired.engine.client
    squatter = client.containers.create(taken, name=name, command="true")
    try:
        ran = repaired.cli("up")
        assert ran.code == 3
        before.pop("client")
        assert repaired.ids() == before
    finally:
        squatter.remove(force=True)


def test_two_processes_on_one_lab(bench: Bench, tmp_path: Path) -> None:
    """While one process works on a lab, the second says busy at once, exit 5; the first is not disturbed."""
    bench = gated(bench, tmp_path)
    with bench.start("up") as first:
        first_step(first)
        with ThreadPoolExecutor(3) as pool:
            others = list(pool.map(lambda words: bench.cli(*words), (("up",), ("down",), ("run", "--rm"))))
        assert [other.code for other in others] == [5, 5, 5]
        assert str(first.pid) in others[0].err
        let_go(bench)
        assert first.wait(timeout=240) == 0
    assert set(bench.ids()) == NODES


def test_a_lab_of_somebody_else_is_left_alone(shared: Bench, tmp_path: Path) -> None:
    """People who share an engine have labs of the same name: the second is told to take another, and breaks nothing."""
    before = shared.ids()
    for command in ("up", "check", "heal", "down"):
        ran = shared.cli(command, WIRELAB_STATE=str(tmp_path))
        assert (ran.code, "of somebody else" in ran.err, "--lab" in ran.err) == (3, True, True)
    assert shared.ids() == before
    assert shared.cli("check").code == 0


def test_the_lock_dies_with_its_holder(bench: Bench, tmp_path: Path) -> None:
    """A process that was killed holds nobody up: there is no lock to remove by hand."""
    bench = gated(bench, tmp_path)
    with bench.start("up") as first:
        first_step(first)
        first.kill()
    assert bench.nothing_within(240)
    with bench.start("up") as second:
        let_go(bench)
        assert second.wait(timeout=240) == 0


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_interrupted(bench: Bench, tmp_path: Path, name: str, code: int) -> None:
    """Ctrl-C, or a polite end, in the middle of `up`: all is taken back before the command exits, never with 0."""
    bench = gated(bench, tmp_path)
    with bench.start("up") as process:
        first_step(process)
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=240)
        assert process.returncode == code, err
    assert bench.left() == []
    assert not bench.folder.exists()


def test_interrupted_run(bench: Bench, tmp_path: Path) -> None:
    """Ctrl-C in `run --rm` leaves nothing either."""
    bench = gated(bench, tmp_path)
    with bench.start("run", "--rm") as process:
        first_step(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=240)
        assert process.returncode == 130, err
    assert bench.left() == []


@pytest.mark.parametrize(("seconds", "code"), [(0.3, 0), (0, 6)])
def test_a_volume_that_is_in_use(bench: Bench, seconds: float, code: int) -> None:
    """For a moment, as the engine may say of a container that has just gone: it is waited for. By a container of
    somebody's own: `down` says so, names the volume, and a second one removes it once it is free."""
    bench.up()
    volume = next(one["Name"] for one in bench.container("db").attrs["Mounts"] if one["Type"] == "volume")
    image = bench.container("client").attrs["Image"]
    own = bench.engine.client.containers.create(image, volumes={volume: {"bind": "/data"}})
    timer = threading.Timer(seconds, own.remove)
    if code == 0:
        timer.start()
    ran = bench.cli("down")
    timer.cancel()
    assert ran.code == code, ran.err
    if code:
        assert f"{volume}: volume is in use" in ran.err
        assert bench.left() == [volume]
        own.remove()
        assert bench.cli("down").code == 0
    assert bench.left() == []


PATIENT = WRONG_HOPE.replace("within: 1}", "within: 60}")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_interrupted_check(of_text: Callable[[str], Bench], name: str, code: int) -> None:
    """Ctrl-C while a check waits for what never comes: its own exit code, no verdict, and the lab is as it was."""
    bench = of_text(PATIENT)
    bench.up()
    before = bench.ids()
    with bench.start("check", "--json") as process:
        asked(bench, "nobody.shop.lab")
        process.send_signal(getattr(signal, name))
        out, _ = process.communicate(timeout=240)
    assert (process.returncode, out) == (code, "")
    assert bench.ids() == before
    assert {container.status for container in bench.containers()} == {"running"}
    assert bench.cli("check", "--only", "The name is known").code == 0


def test_the_engine_goes_away_during_a_check(of_text: Callable[[str], Bench], engine: Engine, tmp_path: Path) -> None:
    """Exit 3 in three lines with the way out, and no finding: nobody knows what holds. What it made is swept."""
    bench = of_text(PATIENT)
    bench.up()
    proxy = EngineProxy(engine.url, tmp_path / "engine.sock").open()
    before = bench.open_runs()
    with bench.start("check", "--json", DOCKER_HOST=proxy.url) as process:
        asked(bench, "nobody.shop.lab")
        proxy.shut()
        out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (3, ""), err
    what, _why, hint = lines_of_error(err)
    assert "engine does not answer" in what
    assert "wirelab engine" in hint
    swept = (sys.executable, "-m", "orchestrator", "sweep")
    assert subprocess.run(swept, env=engine.environ, cwd=CHECKOUT, check=False).returncode == 0
    assert bench.open_runs() <= before


def asked(bench: Bench, name: str) -> None:
    """Wait until the lab's DNS server has been asked for a name."""
    assert eventually(lambda: f"({name})" in bench.container("dns").logs().decode(), 60)


def first_step(process: subprocess.Popen[str]) -> None:
    """Wait until the command tells of its first step that is done: it holds the lab and has made something."""
    for line in piped(process.stderr):
        if " ok " in line:
            return
    pytest.fail(f"the command ended with {process.wait()} before it did anything")


def test_two_labs_of_one_scenario(bench: Bench) -> None:
    """The same scenario twice, under two names: other addresses, and each proves its checks."""
    other = replace(bench, lab=f"{bench.lab}b")
    bench.up()
    try:
        other.up()
        assert bench.address("app") != other.address("app")
        assert (bench.verdicts()[0], other.verdicts()[0]) == (0, 0)
    finally:
        assert other.cli("down").code == 0
    assert other.left() == []
    assert set(bench.ids()) == {"dns", "db", "app", "client"}


def test_addresses_stay(bench: Bench) -> None:
    """The same file gets the same addresses at each `up`, as long as they are free."""
    bench.up()
    before = {node: bench.address(node) for node in bench.ids()}

    def stay() -> bool:
        assert bench.cli("down").code == 0
        bench.up()
        return {node: bench.address(node) for node in bench.ids()} == before

    # A lab of somebody else's may take the range for a while.
    assert any(stay() for _ in range(5))


def test_nothing_is_published_and_nothing_is_privileged(shared: Bench) -> None:
    """Every node: no capabilities, no new privileges, read-only root, not root, limits; nothing published."""
    for container in shared.containers():
        host, config = container.attrs["HostConfig"], container.attrs["Config"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
        assert host["ReadonlyRootfs"] is True
        assert config["User"].split(":")[0] not in ("", "0", "root")
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] > 0
        assert not host["PortBindings"]
        assert not any("docker.sock" in mount["Source"] for mount in container.attrs["Mounts"])
        assert not any("assword" in value for value in config["Env"] if "=/" not in value)
    assert shared.network().attrs["Internal"] is True


def test_no_engine(bench: Bench) -> None:
    """A DOCKER_HOST that does not answer: exit 3 in three lines, and no other engine is taken instead."""
    ran = bench.cli("up", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (ran.code, ran.out) == (3, "")
    what, _why, hint = lines_of_error(ran.err)
    assert "/nowhere/docker.sock" in what
    assert "DOCKER_HOST" in hint
    assert bench.left() == []


def test_sweep(bench: Bench, engine: Engine) -> None:
    """`sweep` removes what a dead run left, found by label, and leaves labs that stand."""
    bench.up()
    runs = Path(engine.environ["WIRELAB_STATE"]) / "runs"
    runs.mkdir(exist_ok=True)
    dead = "deadbeef0001"
    (runs / dead).touch()
    labels = {"wirelab.lab": bench.lab, "wirelab.run": dead, "wirelab.node": "stray"}
    stray = engine.client.containers.create(bench.container("client").image.id, command="true", labels=labels)
    sweep = (sys.executable, "-m", "orchestrator", "sweep")
    ran = subprocess.run(
        sweep, env=engine.environ, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert stray.id not in bench.ids().values()
    assert set(bench.ids()) == {"dns", "db", "app", "client"}
    assert not (runs / dead).exists()


def test_a_range_that_is_taken(of_text: Callable[[str], Bench], engine: Engine) -> None:
    """The file names a range that another network has: exit 3, and the message says which network."""
    other, subnet = network_in_a_free_range(engine)
    bench = of_text(WRONG_HOPE + f"networks:\n  lab: {{subnet: {subnet}}}\n")
    try:
        ran = bench.cli("up")
        assert ran.code == 3, ran.err
        assert other.name in ran.err
        assert len(lines_of_error(ran.err)) == 3
    finally:
        other.remove()
    assert json.dumps(bench.left()) == "[]"


def network_in_a_free_range(engine: Engine) -> tuple[Any, str]:
    """A network of somebody else's, and its range."""
    for number in range(1, 200):
        subnet = f"10.253.{number}.0/24"
        config = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)])
        try:
            return engine.client.networks.create(f"other-{secrets.token_hex(4)}", ipam=config, internal=True), subnet
        except APIError as error:
            if "overlaps" not in str(error):
                raise
    pytest.fail("no range is free on this engine")
