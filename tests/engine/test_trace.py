"""The story of a command is told from packets that really crossed the wire."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from lab_bench import Bench, Engine

pytestmark = pytest.mark.sampled(3)

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


@pytest.fixture(scope="module")
def lab(engine: Engine) -> Iterator[Bench]:
    """basic, under a name of its own."""
    one = Bench(engine, f"trace-{secrets.token_hex(4)}")
    one.up()
    yield one
    assert one.cli("down").code == 0


def test_one_request_is_told_from_the_first_question_to_the_statement(lab: Bench) -> None:
    """client -> dns -> app -> dns -> db -> answer: each stands in the story, nested under what caused it."""
    done = lab.run("trace", "basic", "--lab", lab.lab, "--", "curl", "-s", "http://app.shop.lab/items")
    assert done.code == 0, done.err
    parts = ("client asks dns for app.shop.lab A", "client connects to app:80", "GET /items -> 200", "SELECT")
    places = [done.out.find(part) for part in parts]
    assert -1 not in places, done.out
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
def test_a_filter_that_means_nothing_is_a_mistake_of_the_command_line(lab: Bench, arguments: tuple[str, ...]) -> None:
    """Whoever hears the wire says so, and nothing is left of it."""
    place = arguments.index("basic") + 1
    done = lab.run(*arguments[:place], "--lab", lab.lab, *arguments[place:])
    assert (done.code, done.out) == (2, "")
    assert "this is no filter" in done.err
    assert "tcp prt 80" in done.err
    assert "no capture" in lab.run("capture", "status", "basic", "--lab", lab.lab).out


def test_a_capture_that_runs_is_not_said_to_be_narrowed(lab: Bench) -> None:
    """Asked for anew it is there; asked for with a filter it is refused, for it goes on to record everything."""
    try:
        assert [lab.run("capture", "start", "basic", "--lab", lab.lab).code for _ in range(2)] == [0, 0]
        done = lab.run("capture", "start", "basic", "--lab", lab.lab, "--filter", "tcp port 80")
        assert done.code == 2
        assert "is not changed\nwhy:   it records everything\n" in done.err
    finally:
        lab.run("capture", "stop", "basic", "--lab", lab.lab)


@pytest.mark.parametrize(
    "arguments", [("capture", "start", "basic"), ("capture", "start", "basic", "--live"), ("trace", "-f", "basic")]
)
def test_what_is_not_up_cannot_be_heard(engine: Engine, arguments: tuple[str, ...]) -> None:
    """Exit 3, and the way to a lab."""
    name = f"none-{secrets.token_hex(4)}"
    done = engine.wirelab(*arguments, "--lab", name)
    assert done.code == 3
    assert done.err.endswith(f"error: the lab '{name}' is not up\ntry:   wirelab up basic --lab {name}\n")


def test_a_capture_that_cannot_be_written_or_read_is_a_mistake_of_the_command_line(lab: Bench, tmp_path: Path) -> None:
    """No folder to save in; a text instead of packets."""
    assert lab.run("capture", "start", "basic", "--lab", lab.lab).code == 0
    done = lab.run("capture", "save", "basic", str(tmp_path / "away" / "x.pcapng"), "--lab", lab.lab)
    assert lab.run("capture", "stop", "basic", "--lab", lab.lab).code == 0
    assert done.code == 2
    assert "cannot be written" in done.err
    (tmp_path / "text").write_text("hello\n")
    done = lab.run("trace", "basic", "--lab", lab.lab, "--read", str(tmp_path / "text"))
    assert (done.code, done.out) == (2, "")
    assert "no capture" in done.err


def test_a_capture_that_was_narrowed_is_said_to_hear_no_more(lab: Bench) -> None:
    """Whoever reads a story, roles or a picture made from it must not take what is missing for what never happened."""
    assert lab.run("capture", "start", "basic", "--lab", lab.lab, "--filter", "udp").code == 0
    told = [
        lab.run(*command, "--lab", lab.lab) for command in (("trace", "basic"), ("roles", "basic"), ("graph", "basic"))
    ]
    told.append(lab.run("trace", "basic", "--lab", lab.lab, "--", "curl", "-s", "http://app.shop.lab/items"))
    status = lab.run("capture", "status", "basic", "--lab", lab.lab).out
    assert lab.run("capture", "stop", "basic", "--lab", lab.lab).code == 0
    assert all("records only udp" in done.err for done in told)
    assert "narrowed to: udp" in status


def test_trace_of_a_missing_program_fails_as_exec_does(lab: Bench) -> None:
    """Exit 127 with the nearest name; no story of nothing, and no recorder left."""
    done = lab.run("trace", "basic", "--lab", lab.lab, "--", "crul", "-s", "http://app.shop.lab/items")
    assert (done.code, done.out) == (127, "")
    assert "error: there is no program 'crul' in the node" in done.err
    assert "did you mean 'curl'?" in done.err
    assert lab.run("capture", "status", "basic", "--lab", lab.lab).out == "no capture is there\n"


def test_a_refused_connection_is_told_as_refused(lab: Bench) -> None:
    """An RST is no silence, and the command's own failure does not fail the trace."""
    argv = ("bash", "-c", "exec 3<>/dev/tcp/db.shop.lab/81")
    done = lab.run("trace", "basic", "--lab", lab.lab, "--from", "app", "--", *argv)
    assert done.code == 0, done.err
    assert "refused (RST)" in done.out


def test_roles_come_from_the_packets_and_not_from_the_declaration(lab: Bench, tmp_path: Path) -> None:
    """A file without `app uses db`, and with `client uses db`: the packets contradict both, and roles says so.

    The check `roles` of basic holds by the capture; one that claims what no packet shows fails.
    """
    assert lab.run("capture", "start", "basic", "--lab", lab.lab).code == 0
    lab.run("exec", "basic", "client", "--lab", lab.lab, "--", "curl", "-s", "http://app.shop.lab/items")
    fresh = "for n in db.shop.lab; do getent hosts $n; done; exec 3<>/dev/tcp/db.shop.lab/5432"
    assert lab.run("exec", "basic", "app", "--lab", lab.lab, "--", "bash", "-c", fresh).code == 0
    altered = tmp_path / "basic" / "scenario.yaml"
    shutil.copytree(SCENARIOS / "basic", altered.parent)
    text = altered.read_text().replace("uses: [db]", "uses: []").replace("uses: [app]", "uses: [app, db]")
    altered.write_text(text.partition("checks:")[0] + ROLES_CHECKS)

    declared = lab.run("roles", "basic", "--lab", lab.lab, "--json").document
    nodes = {node["node"]: node for node in declared["nodes"]}
    assert nodes["app"]["both"]
    assert not nodes["client"]["both"]
    assert (declared["undeclared"], declared["unseen"]) == ([], [])
    contradicted = lab.run("roles", str(altered), "--lab", lab.lab, "--json").document
    assert contradicted["undeclared"] == [{"client": "app", "server": "db"}]
    assert contradicted["unseen"] == [{"client": "client", "server": "db"}]

    checked = lab.run("check", str(altered), "--lab", lab.lab, "--json")
    held, failed = checked.document["findings"]
    assert held["verdict"] == "pass", held
    assert all(line.startswith("capture: ") for line in held["evidence"])
    assert (failed["verdict"], failed["actual"]) == ("fail", "no packet shows db as a client of app")
    assert lab.run("capture", "stop", "basic", "--lab", lab.lab).code == 0


def test_a_capture_that_runs_is_read_without_ending_it_and_changes_no_plan(lab: Bench) -> None:
    """With `capture start`, a trace has its last packets, `up` still plans nothing, and the capture goes on."""
    assert lab.run("capture", "start", "basic", "--lab", lab.lab).code == 0
    done = lab.run(
        "trace", "basic", "--lab", lab.lab, "--format", "json", "--", "curl", "-s", "http://app.shop.lab/whoami"
    )
    kinds = [json.loads(line) for line in done.out.splitlines()]
    assert any("/whoami" in json.dumps(line) for line in kinds), done.out
    assert "nothing to do" in lab.run("plan", "basic", "--lab", lab.lab).out
    assert lab.run("capture", "status", "basic", "--lab", lab.lab, "--json").document["capture"] == "running"
    assert lab.run("capture", "stop", "basic", "--lab", lab.lab).code == 0


def test_without_a_capture_there_is_no_story(lab: Bench) -> None:
    """Exit 2 with the command that begins one."""
    done = lab.run("trace", "basic", "--lab", lab.lab)
    assert (done.code, f"try:   wirelab capture start basic --lab {lab.lab}\n" in done.err) == (2, True)


def test_a_node_in_front_of_the_program_is_not_taken_for_one(lab: Bench) -> None:
    """Exit 2 with the option that names a node, for `exec` and `shell` take it as a word; no capture stays."""
    done = lab.run("trace", "basic", "--lab", lab.lab, "app", "--", "curl", "-s", "http://app.shop.lab/health")
    assert (done.code, f"--from app --lab {lab.lab} -- curl -s http" in done.err) == (2, True), done.err
    assert lab.run("capture", "status", "basic", "--lab", lab.lab, "--json").document["capture"] == "none"


def test_an_interrupt_ends_the_command_and_tells_the_story_until_then(lab: Bench) -> None:
    """Ctrl-C during a command that does not end: its story, 130, and nothing of it goes on in the node."""

    def going_on() -> bool:
        processes = ("sh", "-c", "cat /proc/[0-9]*/cmdline")
        return "54321" in lab.run("exec", "basic", "client", "--lab", lab.lab, "--", *processes).out

    program = "curl -s http://app.shop.lab/items; sleep 54321 & exec sleep 54321"
    with lab.start("trace", "--", "sh", "-c", program) as tracing:
        assert any(going_on() for _ in range(100))
        tracing.send_signal(signal.SIGINT)
        out, err = tracing.communicate(timeout=240)
    assert tracing.returncode == 130, err
    assert "interrupted; this is the story until then" in err
    assert "GET /items -> 200" in out
    assert not going_on()


def test_a_recorder_that_has_ended_is_said_to_have_ended(lab: Bench) -> None:
    """What it had recorded is gone; another takes its place, for a command or by `capture start`."""
    start = ("capture", "start", "basic", "--lab", lab.lab)
    story = ("trace", "basic", "--lab", lab.lab)
    assert lab.run(*start).code == 0
    kill_recorder(lab)
    for asked in (
        story,
        ("roles", "basic", "--lab", lab.lab),
        ("capture", "save", "basic", os.devnull, "--lab", lab.lab),
    ):
        done = lab.run(*asked)
        assert (done.code, "has ended by itself" in done.err) == (3, True), done.err
    assert lab.run("graph", "basic", "--lab", lab.lab).code == 0
    assert "client asks dns" in lab.run(*story, "--", "curl", "-s", "http://app.shop.lab/items").out
    assert lab.run(*start).code == 0
    kill_recorder(lab)
    assert lab.run(*start).err.startswith("recording")
    assert lab.run("capture", "stop", "basic", "--lab", lab.lab).code == 0


def kill_recorder(lab: Bench) -> None:
    """From outside, as a full memory would."""
    client = docker.from_env()
    (recorder,) = client.containers.list(filters={"label": [f"wirelab.lab={lab.lab}", "wirelab.capture=on"]})
    recorder.kill()
    recorder.wait()
    client.close()
