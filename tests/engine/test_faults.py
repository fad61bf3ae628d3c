"""Faults are put in, judged, and healed, on a real engine."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lab_bench import Bench, Engine

pytestmark = pytest.mark.sampled(3)

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
    during:
      - {stop: dns}
      - {check: {name: by its address it is reached, from: client, connects: "${app}:80"}}
      - {cut: {from: client, to: app, port: 80}}
      - {heal: stop-dns}
      - {check: {name: the name is told again, from: client, resolves: app.wire.lab, to: app, within: 30}}
    within: 30
    from: client
    cannot_connect: "app.wire.lab:80"
"""


@pytest.fixture(scope="module")
def claims(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A lab of the claims above, with a name of its own."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "scenario.yaml").write_text(CLAIM)
    one = Bench(engine, f"faults-{secrets.token_hex(4)}", str(folder))
    one.up()
    yield one
    assert one.cli("down").code == 0


@pytest.fixture
def lab(claims: Bench) -> Iterator[Bench]:
    """The same lab for each test, whole at its beginning."""
    yield claims
    assert claims.cli("heal").code == 0


def states(lab: Bench) -> dict[str, str]:
    return {node["node"]: node["state"] for node in lab.cli("ps", "--json").document["nodes"]}


def test_a_check_during_a_fault_is_judged_while_it_is_in_and_the_lab_is_healed_afterwards(lab: Bench) -> None:
    """With the DNS server stopped a name does not resolve, an address still answers; afterwards all nodes are ready.

    What failed is explained while the fault is in.
    """
    done = lab.cli("check", "--json")
    findings = {finding["check"]: finding for finding in done.document["findings"]}
    assert findings["fails during the fault"]["why"]["sentence"].startswith("The DNS server dns is stopped")
    found = {name: finding["verdict"] for name, finding in findings.items()}
    assert found == {
        "holds": "pass",
        "fails during the fault": "fail",
        "holds during the fault": "pass",
        "one of two is healed": "pass",
    }
    assert done.code == 1
    assert set(states(lab).values()) == {"ready"}


@pytest.mark.parametrize(("fault", "state"), [(("stop", "app"), "stopped"), (("pause", "app"), "paused")])
def test_a_fault_is_seen_and_healed(lab: Bench, fault: tuple[str, ...], state: str) -> None:
    """A node that is stopped or frozen is said to be so, and heal makes it ready again."""
    assert lab.cli("inject", *fault).code == 0
    assert states(lab)["app"] == state
    assert lab.cli("heal").code == 0
    assert states(lab)["app"] == "ready"


def test_what_was_never_up_is_neither_broken_nor_mended(lab: Bench) -> None:
    """A slip in the lab's name makes no second lab."""
    slip = replace(lab, lab=f"{lab.lab}-slip")
    for words in (("inject", "stop", "app"), ("heal",), ("check",)):
        ran = slip.cli(*words)
        assert (ran.code, "is not up" in ran.err) == (3, True)


def test_inject_and_heal_tell_their_steps_as_json(lab: Bench) -> None:
    """One document each, as of `up`; nothing else stands on standard output."""
    put_in = lab.cli("inject", "pause", "app", "--json").document
    assert put_in.pop("heal").startswith("wirelab heal ")
    assert put_in == {"schema": 1, "lab": lab.lab, "steps": [{"id": "pause:app", "why": "fault"}], "id": "pause-app"}
    healed = lab.cli("heal", "--json").document
    steps = [{"id": "unpause:app", "why": "paused"}]
    assert healed == {"schema": 1, "lab": lab.lab, "steps": steps, "healed": ["pause-app"]}


def test_a_pulled_cable_cuts_and_healing_gives_the_same_address_back(lab: Bench) -> None:
    """After disconnect the node has no address; after heal it has the one that it had."""
    before = lab.cli("ps", "--json").document
    assert lab.cli("inject", "disconnect", "client").code == 0
    during = lab.cli("ps", "--json").document
    assert [n["addresses"] for n in during["nodes"] if n["node"] == "client"] == [[]]
    assert lab.cli("heal").code == 0
    assert lab.cli("ps", "--json").document == before


def faults(lab: Bench) -> list[str]:
    return [fault["id"] for fault in lab.cli("faults", "--json").document["faults"]]


def hears(lab: Bench, seconds: int = 60) -> bool:
    """Whether the client gets an answer from the app within a time."""
    argv = ("curl", "-s", "-m", str(seconds), "http://app.wire.lab/health")
    return lab.cli("exec", "client", "--", *argv).code == 0


def fault_events(lab: Bench) -> list[str]:
    lines = lab.run("events", "--lab", lab.lab).out.splitlines()
    return [line.partition("  fault    ")[2] for line in lines if "  fault    " in line]


def test_two_faults_of_one_node_are_healed_one_at_a_time(lab: Bench) -> None:
    """The cut of a node that is stopped stays when the node starts again; `up` keeps both, and says so."""
    for words in (("stop", "app"), ("cut", "client", "app"), ("disconnect", "dns")):
        assert lab.cli("inject", *words).code == 0
    assert faults(lab) == ["stop-app", "cut-client-app", "disconnect-dns"]
    up = lab.cli("up")
    assert f"the lab '{lab.lab}' is up already" in up.err
    assert "3 faults stay in: stop-app, cut-client-app, disconnect-dns; to heal: wirelab heal" in up.err
    assert states(lab)["app"] == "stopped"
    assert lab.cli("heal", "disconnect-dns", "stop-app").code == 0
    assert (states(lab)["app"], states(lab)["dns"], faults(lab)) == ("ready", "ready", ["cut-client-app"])
    assert not hears(lab, 2)
    assert lab.cli("heal", "cut-client-app").code == 0
    assert (hears(lab), faults(lab)) == (True, [])
    again = lab.cli("heal", "cut-client-app")
    assert (again.code, "this lab has no fault" in again.err) == (2, True)
    assert sorted(fault_events(lab)[-6:]) == [
        "in: cut client app [cut-client-app]",
        "in: disconnect dns [disconnect-dns]",
        "in: stop app [stop-app]",
        "out: cut client app [cut-client-app], put in by command line",
        "out: disconnect dns [disconnect-dns], put in by command line",
        "out: stop app [stop-app], put in by command line",
    ]


@pytest.mark.parametrize("seconds", [0.2, 0.35, 0.5, 0.65, 0.8, 1.0])
def test_an_inject_that_is_killed_leaves_a_fault_that_can_be_healed(lab: Bench, seconds: float) -> None:
    """Whenever it is killed: what it may have done is written down, and healing it gives back the whole lab."""
    with lab.start("inject", "cut", "client", "app,dns") as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    for fault in faults(lab):
        assert fault == "cut-client-app"
        assert lab.cli("heal", fault).code == 0
    assert hears(lab)
    # A helper that was at work is taken away by `up`; of the fault nothing is left for it.
    left = lab.cli("up", "--json").document["steps"]
    assert [step for step in left if step["why"] != "left by an earlier command"] == []


def test_a_fault_that_is_none_is_refused(lab: Bench) -> None:
    """Exit 2, with the faults that there are, and the nearest node."""
    done = lab.cli("inject", "explode", "app")
    assert done.code == 2
    assert "the faults are cut, disconnect, pause, promote, record, stop" in done.err
    done = lab.cli("inject", "stop", "ap")
    assert (done.code, "did you mean 'app'?" in done.err) == (2, True)
