"""The story of a command is told from packets that really crossed the wire."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ROLES_CHECKS = """\
checks:
  - name: It holds
    first:
      - {name: The client asks, from: client, http: "http://app.shop.lab/items"}
      - {name: The app asks, from: app, resolves: db.shop.lab}
      - {name: The app connects, from: app, connects: "db.shop.lab:5432"}
    roles: {app: {server_to: [client], client_of: [db, dns]}}
  - {name: It does not, within: 0.5, roles: {db: {client_of: [app]}}}
"""
LAB = f"trace-{secrets.token_hex(4)}"


def wirelab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "orchestrator", *arguments), capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def lab(engine: object) -> Iterator[str]:
    """basic, under a name of its own."""
    del engine
    done = wirelab("up", "basic", "--lab", LAB)
    assert done.returncode == 0, done.stderr
    yield LAB
    assert wirelab("down", "basic", "--lab", LAB).returncode == 0


def test_one_request_is_told_from_the_first_question_to_the_statement(lab: str) -> None:
    """client -> dns -> app -> dns -> db -> answer: each stands in the story, nested under what caused it."""
    done = wirelab("trace", "basic", "--lab", lab, "--", "curl", "-s", "http://app.shop.lab/items")
    assert done.returncode == 0, done.stderr
    parts = ("client asks dns for app.shop.lab A", "client connects to app:80", "GET /items -> 200", "SELECT")
    places = [done.stdout.find(part) for part in parts]
    assert -1 not in places, done.stdout
    assert places == sorted(places)


@pytest.mark.parametrize(
    "arguments",
    [
        ("trace", "basic", "--filter", "tcp prt 80", "--", "true"),
        ("trace", "-f", "basic", "--filter", "tcp prt 80"),
        ("capture", "start", "basic", "--filter", "tcp prt 80"),
        ("capture", "start", "basic", "--live", "--filter", "tcp prt 80"),
    ],
)
def test_a_filter_that_means_nothing_is_a_mistake_of_the_command_line(lab: str, arguments: tuple[str, ...]) -> None:
    """Whoever hears the wire says so, and nothing is left of it."""
    place = arguments.index("basic") + 1
    done = wirelab(*arguments[:place], "--lab", lab, *arguments[place:])
    assert (done.returncode, done.stdout) == (2, "")
    assert "this is no filter" in done.stderr
    assert "tcp prt 80" in done.stderr
    assert "no capture" in wirelab("capture", "status", "basic", "--lab", lab).stdout


def test_a_capture_that_runs_is_not_said_to_be_narrowed(lab: str) -> None:
    """Asked for anew it is there; asked for with a filter it is refused, for it goes on to record everything."""
    try:
        assert [wirelab("capture", "start", "basic", "--lab", lab).returncode for _ in range(2)] == [0, 0]
        done = wirelab("capture", "start", "basic", "--lab", lab, "--filter", "tcp port 80")
        assert done.returncode == 2
        assert "is not changed\nwhy:   it records everything\n" in done.stderr
    finally:
        wirelab("capture", "stop", "basic", "--lab", lab)


@pytest.mark.parametrize(
    "arguments", [("capture", "start", "basic"), ("capture", "start", "basic", "--live"), ("trace", "-f", "basic")]
)
@pytest.mark.usefixtures("engine")
def test_what_is_not_up_cannot_be_heard(arguments: tuple[str, ...]) -> None:
    """Exit 3, and the way to a lab."""
    done = wirelab(*arguments, "--lab", f"{LAB}-none")
    assert done.returncode == 3
    up = f"wirelab up basic --lab {LAB}-none"
    assert done.stderr.endswith(f"error: the lab '{LAB}-none' is not up\ntry:   {up}\n")


def test_a_capture_that_cannot_be_written_or_read_is_a_mistake_of_the_command_line(lab: str, tmp_path: Path) -> None:
    """No folder to save in; a text instead of packets."""
    assert wirelab("capture", "start", "basic", "--lab", lab).returncode == 0
    done = wirelab("capture", "save", "basic", str(tmp_path / "away" / "x.pcapng"), "--lab", lab)
    assert wirelab("capture", "stop", "basic", "--lab", lab).returncode == 0
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    (tmp_path / "text").write_text("hello\n")
    done = wirelab("trace", "basic", "--lab", lab, "--read", str(tmp_path / "text"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no capture" in done.stderr


def test_a_capture_that_was_narrowed_is_said_to_hear_no_more(lab: str) -> None:
    """Whoever reads a story, roles or a picture made from it must not take what is missing for what never happened."""
    assert wirelab("capture", "start", "basic", "--lab", lab, "--filter", "udp").returncode == 0
    told = [wirelab(*command, "--lab", lab) for command in (("trace", "basic"), ("roles", "basic"), ("graph", "basic"))]
    told.append(wirelab("trace", "basic", "--lab", lab, "--", "curl", "-s", "http://app.shop.lab/items"))
    status = wirelab("capture", "status", "basic", "--lab", lab).stdout
    assert wirelab("capture", "stop", "basic", "--lab", lab).returncode == 0
    assert all("records only udp" in done.stderr for done in told)
    assert "narrowed to: udp" in status


def test_trace_of_a_missing_program_fails_as_exec_does(lab: str) -> None:
    """Exit 127 with the nearest name; no story of nothing, and no recorder left."""
    done = wirelab("trace", "basic", "--lab", lab, "--", "crul", "-s", "http://app.shop.lab/items")
    assert (done.returncode, done.stdout) == (127, "")
    assert "error: there is no program 'crul' in the node" in done.stderr
    assert "did you mean 'curl'?" in done.stderr
    assert wirelab("capture", "status", "basic", "--lab", lab).stdout == "no capture is there\n"


def test_a_refused_connection_is_told_as_refused(lab: str) -> None:
    """An RST is no silence, and the command's own failure does not fail the trace."""
    argv = ("bash", "-c", "exec 3<>/dev/tcp/db.shop.lab/81")
    done = wirelab("trace", "basic", "--lab", lab, "--from", "app", "--", *argv)
    assert done.returncode == 0, done.stderr
    assert "refused (RST)" in done.stdout


def test_roles_come_from_the_packets_and_not_from_the_declaration(lab: str, tmp_path: Path) -> None:
    """A file without `app uses db`, and with `client uses db`: the packets contradict both, and roles says so.

    The check `roles` of basic holds by the capture; one that claims what no packet shows fails.
    """
    assert wirelab("capture", "start", "basic", "--lab", lab).returncode == 0
    wirelab("exec", "basic", "client", "--lab", lab, "--", "curl", "-s", "http://app.shop.lab/items")
    fresh = "for n in db.shop.lab; do getent hosts $n; done; exec 3<>/dev/tcp/db.shop.lab/5432"
    assert wirelab("exec", "basic", "app", "--lab", lab, "--", "bash", "-c", fresh).returncode == 0
    altered = tmp_path / "basic" / "scenario.yaml"
    shutil.copytree(SCENARIOS / "basic", altered.parent)
    text = altered.read_text().replace("uses: [db]", "uses: []").replace("uses: [app]", "uses: [app, db]")
    altered.write_text(text.partition("checks:")[0] + ROLES_CHECKS)

    declared = json.loads(wirelab("roles", "basic", "--lab", lab, "--json").stdout)
    nodes = {node["node"]: node for node in declared["nodes"]}
    assert nodes["app"]["both"]
    assert not nodes["client"]["both"]
    assert (declared["undeclared"], declared["unseen"]) == ([], [])
    contradicted = json.loads(wirelab("roles", str(altered), "--lab", lab, "--json").stdout)
    assert contradicted["undeclared"] == [{"client": "app", "server": "db"}]
    assert contradicted["unseen"] == [{"client": "client", "server": "db"}]

    checked = wirelab("check", str(altered), "--lab", lab, "--json")
    held, failed = json.loads(checked.stdout)["findings"]
    assert held["verdict"] == "pass", held
    assert all(line.startswith("capture: ") for line in held["evidence"])
    assert (failed["verdict"], failed["actual"]) == ("fail", "no packet shows db as a client of app")
    assert wirelab("capture", "stop", "basic", "--lab", lab).returncode == 0


def test_a_capture_that_runs_is_read_without_ending_it_and_changes_no_plan(lab: str) -> None:
    """With `capture start`, a trace has its last packets, `up` still plans nothing, and the capture goes on."""
    assert wirelab("capture", "start", "basic", "--lab", lab).returncode == 0
    done = wirelab("trace", "basic", "--lab", lab, "--format", "json", "--", "curl", "-s", "http://app.shop.lab/whoami")
    kinds = [json.loads(line) for line in done.stdout.splitlines()]
    assert any("/whoami" in json.dumps(line) for line in kinds), done.stdout
    assert "nothing to do" in wirelab("plan", "basic", "--lab", lab).stdout
    assert json.loads(wirelab("capture", "status", "basic", "--lab", lab, "--json").stdout)["capture"] == "running"
    assert wirelab("capture", "stop", "basic", "--lab", lab).returncode == 0


def test_without_a_capture_there_is_no_story(lab: str) -> None:
    """Exit 2 with the command that begins one."""
    done = wirelab("trace", "basic", "--lab", lab)
    assert (done.returncode, f"try:   wirelab capture start basic --lab {lab}\n" in done.stderr) == (2, True)


def test_a_node_in_front_of_the_program_is_not_taken_for_one(lab: str) -> None:
    """Exit 2 with the option that names a node, for `exec` and `shell` take it as a word; no capture stays."""
    done = wirelab("trace", "basic", "--lab", lab, "app", "--", "curl", "-s", "http://app.shop.lab/health")
    assert (done.returncode, f"--from app --lab {lab} -- curl -s http" in done.stderr) == (2, True), done.stderr
    assert json.loads(wirelab("capture", "status", "basic", "--lab", lab, "--json").stdout)["capture"] == "none"


def test_an_interrupt_ends_the_command_and_tells_the_story_until_then(lab: str) -> None:
    """Ctrl-C during a command that does not end: its story, 130, and nothing of it goes on in the node."""

    def going_on() -> bool:
        processes = ("sh", "-c", "cat /proc/[0-9]*/cmdline")
        return "54321" in wirelab("exec", "basic", "client", "--lab", lab, "--", *processes).stdout

    program = "curl -s http://app.shop.lab/items; sleep 54321 & exec sleep 54321"
    argv = (sys.executable, "-m", "orchestrator", "trace", "basic", "--lab", lab, "--", "sh", "-c", program)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tracing:
        assert any(going_on() for _ in range(100))
        tracing.send_signal(signal.SIGINT)
        out, err = tracing.communicate(timeout=240)
    assert tracing.returncode == 130, err
    assert "interrupted; this is the story until then" in err
    assert "GET /items -> 200" in out
    assert not going_on()


def test_a_recorder_that_has_ended_is_said_to_have_ended(lab: str) -> None:
    """What it had recorded is gone; another takes its place, for a command or by `capture start`."""
    start = ("capture", "start", "basic", "--lab", lab)
    story = ("trace", "basic", "--lab", lab)
    assert wirelab(*start).returncode == 0
    kill_recorder(lab)
    for asked in (story, ("roles", "basic", "--lab", lab), ("capture", "save", "basic", os.devnull, "--lab", lab)):
        done = wirelab(*asked)
        assert (done.returncode, "has ended by itself" in done.stderr) == (3, True), done.stderr
    assert wirelab("graph", "basic", "--lab", lab).returncode == 0
    assert "client asks dns" in wirelab(*story, "--", "curl", "-s", "http://app.shop.lab/items").stdout
    assert wirelab(*start).returncode == 0
    kill_recorder(lab)
    assert wirelab(*start).stderr.startswith("recording")
    assert wirelab("capture", "stop", "basic", "--lab", lab).returncode == 0


def kill_recorder(lab: str) -> None:
    """From outside, as a full memory would."""
    client = docker.from_env()
    (recorder,) = client.containers.list(filters={"label": [f"wirelab.lab={lab}", "wirelab.capture=on"]})
    recorder.kill()
    recorder.wait()
    client.close()
