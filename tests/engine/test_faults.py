"""Faults are put in, judged, and healed, on a real engine."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator

import pytest

LAB = f"faults-{secrets.token_hex(4)}"
CLAIM = """
name: claims
title: One claim that holds during a fault, and one that does not
nodes:
  dns: {role: dns}
  app: {role: app}
  client: {role: client, uses: [app]}
checks:
  - {name: holds, from: client, resolves: app.wire.lab, to: app}
  - {name: fails during the fault, during: {stop: dns}, from: client, resolves: app.wire.lab, to: app, within: 1}
  - {name: holds during the fault, during: {stop: dns}, from: client, http: "http://${app}/health", status: 200}
  - name: one of two is healed
    during: [{stop: dns}, {cut: {from: client, to: app, port: 80}}, {heal: stop-dns}]
    within: 30
    from: client
    cannot_connect: "app.wire.lab:80"
"""


def wirelab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "orchestrator", *arguments), capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def claims(engine: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab of the claims above, with a name of its own."""
    del engine
    folder = tmp_path_factory.mktemp("claims")
    (folder / "scenario.yaml").write_text(CLAIM)
    assert wirelab("up", str(folder), "--lab", LAB).returncode == 0
    yield str(folder)
    assert wirelab("down", str(folder), "--lab", LAB).returncode == 0


@pytest.fixture
def lab(claims: str) -> Iterator[str]:
    """The same lab for each test, whole at its beginning."""
    yield claims
    assert wirelab("heal", claims, "--lab", LAB).returncode == 0


def states(folder: str) -> dict[str, str]:
    document = json.loads(wirelab("ps", folder, "--lab", LAB, "--json").stdout)
    return {node["node"]: node["state"] for node in document["nodes"]}


def test_a_check_during_a_fault_is_judged_while_it_is_in_and_the_lab_is_healed_afterwards(lab: str) -> None:
    """With the DNS server stopped a name does not resolve, an address still answers; afterwards all nodes are ready.

    What failed is explained while the fault is in.
    """
    done = wirelab("check", lab, "--lab", LAB, "--json")
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["fails during the fault"]["why"]["sentence"].startswith("The DNS server dns is stopped")
    found = {name: finding["verdict"] for name, finding in findings.items()}
    assert found == {
        "holds": "pass",
        "fails during the fault": "fail",
        "holds during the fault": "pass",
        "one of two is healed": "pass",
    }
    assert done.returncode == 1
    assert set(states(lab).values()) == {"ready"}


@pytest.mark.parametrize(("fault", "state"), [(("stop", "app"), "stopped"), (("pause", "app"), "paused")])
def test_a_fault_is_seen_and_healed(lab: str, fault: tuple[str, ...], state: str) -> None:
    """A node that is stopped or frozen is said to be so, and heal makes it ready again."""
    assert wirelab("inject", lab, *fault, "--lab", LAB).returncode == 0
    assert states(lab)["app"] == state
    assert wirelab("heal", lab, "--lab", LAB).returncode == 0
    assert states(lab)["app"] == "ready"


def test_what_was_never_up_is_neither_broken_nor_mended(lab: str) -> None:
    """A slip in the lab's name makes no second lab."""
    for words in (("inject", lab, "stop", "app"), ("heal", lab), ("check", lab)):
        ran = wirelab(*words, "--lab", f"{LAB}-slip")
        assert (ran.returncode, "is not up" in ran.stderr) == (3, True)


def test_inject_and_heal_tell_their_steps_as_json(lab: str) -> None:
    """One document each, as of `up`; nothing else stands on standard output."""
    put_in = json.loads(wirelab("inject", lab, "pause", "app", "--lab", LAB, "--json").stdout)
    assert put_in.pop("heal").startswith("wirelab heal ")
    assert put_in == {"schema": 1, "lab": LAB, "steps": [{"id": "pause:app", "why": "fault"}], "id": "pause-app"}
    healed = json.loads(wirelab("heal", lab, "--lab", LAB, "--json").stdout)
    steps = [{"id": "unpause:app", "why": "paused"}]
    assert healed == {"schema": 1, "lab": LAB, "steps": steps, "healed": ["pause-app"]}


def test_a_pulled_cable_cuts_and_healing_gives_the_same_address_back(lab: str) -> None:
    """After disconnect the node has no address; after heal it has the one that it had."""
    before = json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout)
    assert wirelab("inject", lab, "disconnect", "client", "--lab", LAB).returncode == 0
    during = json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout)
    assert [n["addresses"] for n in during["nodes"] if n["node"] == "client"] == [[]]
    assert wirelab("heal", lab, "--lab", LAB).returncode == 0
    assert json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout) == before


def faults(folder: str) -> list[str]:
    document = json.loads(wirelab("faults", folder, "--lab", LAB, "--json").stdout)
    return [fault["id"] for fault in document["faults"]]


def hears(folder: str, seconds: int = 60) -> bool:
    """Whether the client gets an answer from the app within a time."""
    argv = ("curl", "-s", "-m", str(seconds), "http://app.wire.lab/health")
    return wirelab("exec", folder, "client", "--lab", LAB, "--", *argv).returncode == 0


def fault_events() -> list[str]:
    lines = wirelab("events", "--lab", LAB).stdout.splitlines()
    return [line.partition("  fault    ")[2] for line in lines if "  fault    " in line]


def test_two_faults_of_one_node_are_healed_one_at_a_time(lab: str) -> None:
    """The cut of a node that is stopped stays when the node starts again; `up` keeps both, and says so."""
    for words in (("stop", "app"), ("cut", "client", "app"), ("disconnect", "dns")):
        assert wirelab("inject", lab, *words, "--lab", LAB).returncode == 0
    assert faults(lab) == ["stop-app", "cut-client-app", "disconnect-dns"]
    up = wirelab("up", lab, "--lab", LAB)
    assert "nothing to do" in up.stderr
    assert "3 faults stay in: stop-app, cut-client-app, disconnect-dns; to heal: wirelab heal" in up.stderr
    assert states(lab)["app"] == "stopped"
    assert wirelab("heal", lab, "disconnect-dns", "stop-app", "--lab", LAB).returncode == 0
    assert (states(lab)["app"], states(lab)["dns"], faults(lab)) == ("ready", "ready", ["cut-client-app"])
    assert not hears(lab, 2)
    assert wirelab("heal", lab, "cut-client-app", "--lab", LAB).returncode == 0
    assert (hears(lab), faults(lab)) == (True, [])
    again = wirelab("heal", lab, "cut-client-app", "--lab", LAB)
    assert (again.returncode, "this lab has no fault" in again.stderr) == (2, True)
    assert sorted(fault_events()[-6:]) == [
        "in: cut client app [cut-client-app]",
        "in: disconnect dns [disconnect-dns]",
        "in: stop app [stop-app]",
        "out: cut client app [cut-client-app], put in by command line",
        "out: disconnect dns [disconnect-dns], put in by command line",
        "out: stop app [stop-app], put in by command line",
    ]


@pytest.mark.parametrize("seconds", [0.2, 0.35, 0.5, 0.65, 0.8, 1.0])
def test_an_inject_that_is_killed_leaves_a_fault_that_can_be_healed(lab: str, seconds: float) -> None:
    """Whenever it is killed: what it may have done is written down, and healing it gives back the whole lab."""
    argv = (sys.executable, "-m", "orchestrator", "inject", lab, "cut", "client", "app,dns", "--lab", LAB)
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    for fault in faults(lab):
        assert fault == "cut-client-app"
        assert wirelab("heal", lab, fault, "--lab", LAB).returncode == 0
    assert hears(lab)
    # A helper that was at work is taken away by `up`; of the fault nothing is left for it.
    left = json.loads(wirelab("up", lab, "--lab", LAB, "--json").stdout)["steps"]
    assert [step for step in left if step["why"] != "left by an earlier command"] == []


def test_a_fault_that_is_none_is_refused(lab: str) -> None:
    """Exit 2, with the faults that there are, and the nearest node."""
    done = wirelab("inject", lab, "explode", "app", "--lab", LAB)
    assert done.returncode == 2
    assert "the faults are cut, disconnect, pause, record, stop" in done.stderr
    done = wirelab("inject", lab, "stop", "ap", "--lab", LAB)
    assert (done.returncode, "did you mean 'app'?" in done.stderr) == (2, True)
