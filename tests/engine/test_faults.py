"""Faults are put in, judged, and healed, on a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LAB = f"faults-{os.getpid()}"
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
"""


def wirelab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "orchestrator", *arguments), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def lab(engine: object, tmp_path: Path) -> Iterator[str]:
    """A lab of the claims above, with a name of its own."""
    del engine
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(CLAIM)
    assert wirelab("up", str(folder), "--lab", LAB).returncode == 0
    yield str(folder)
    assert wirelab("down", str(folder), "--lab", LAB).returncode == 0


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
    assert found == {"holds": "pass", "fails during the fault": "fail", "holds during the fault": "pass"}
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
    assert put_in == {"schema": 1, "lab": LAB, "steps": [{"id": "pause:app", "why": "fault"}]}
    mended = json.loads(wirelab("heal", lab, "--lab", LAB, "--json").stdout)
    assert mended == {"schema": 1, "lab": LAB, "steps": [{"id": "unpause:app", "why": "paused"}]}


def test_a_pulled_cable_cuts_and_healing_gives_the_same_address_back(lab: str) -> None:
    """After disconnect the node has no address; after heal it has the one that it had."""
    before = json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout)
    assert wirelab("inject", lab, "disconnect", "client", "--lab", LAB).returncode == 0
    during = json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout)
    assert [n["addresses"] for n in during["nodes"] if n["node"] == "client"] == [[]]
    assert wirelab("heal", lab, "--lab", LAB).returncode == 0
    assert json.loads(wirelab("ps", lab, "--lab", LAB, "--json").stdout) == before


def test_a_fault_that_is_none_is_refused(lab: str) -> None:
    """Exit 2, with the faults that there are, and the nearest node."""
    done = wirelab("inject", lab, "explode", "app", "--lab", LAB)
    assert done.returncode == 2
    assert "stop NODE" in done.stderr
    done = wirelab("inject", lab, "stop", "ap", "--lab", LAB)
    assert (done.returncode, "did you mean 'app'?" in done.stderr) == (2, True)
