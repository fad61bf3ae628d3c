"""From one SSH server on to the next: a way into a network on which one does not stand."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

SCENARIO = """
name: ssh-jump
title: One SSH server is the way to another
domain: jump.lab
networks: {front: {}, back: {}}
nodes:
  dns:   {role: dns}
  inner: {role: ssh, networks: [back]}
  jump:  {role: ssh, networks: [front, back], uses: [inner]}
  admin: {role: client, networks: [front], uses: [jump, inner]}
checks:
  - {name: the inner one is out of reach, from: admin, cannot_connect: "${inner}:22"}
  - {name: one goes on from there, from: admin, runs: [ssh, jump, ssh, inner, hostname], contains: inner, within: 15}
  - {name: it carries a connection, from: admin, runs: [ssh, -J, jump, inner, hostname], contains: inner, within: 15}
  - name: the inner one sees the jump host
    node: inner
    sees: jump
    first: [{name: again, from: admin, runs: [ssh, jump, ssh, inner, "true"], within: 15}]
  - name: and never the one who sits at the keyboard
    node: inner
    sees: admin
    within: 0.5
    first: [{name: again, from: admin, runs: [ssh, -J, jump, inner, "true"], within: 15}]
"""


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    """A lab of the scenario above; nothing of it may be left."""
    folder = tmp_path / "ssh-jump"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(SCENARIO)
    one = Bench(engine, f"t{secrets.token_hex(4)}", str(folder), seconds=180)
    yield one
    assert one.cli("down").code == 0
    assert one.left() == []


def test_who_uses_an_ssh_server_logs_in_to_it_also_from_another_one(bench: Bench) -> None:
    """`ssh NODE` finds its key and the host key on every node that has a client, an SSH server too."""
    bench.up()
    _, found = bench.verdicts()
    wrong = found.pop("and never the one who sits at the keyboard")
    assert {name: one["actual"] for name, one in found.items() if one["verdict"] != "pass"} == {}
    assert (wrong["verdict"], wrong["actual"].split(" it saw ")[0]) == ("fail", "by its log")
