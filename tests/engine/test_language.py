"""What authors can say, in one lab on a real engine: each claim beside one that is asked in the same way and false."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

NODES = """
name: language
title: What authors can say
domain: shop.lab
nodes:
  dns:    {role: dns}
  app:    {role: app, replicas: 2}
  web:    {role: proxy, uses: [app]}
  client: {role: client, uses: [web]}
"""
TRUE = """
checks:
  - {name: both apps, from: client, http: "http://web.shop.lab/", requests: 8, succeed: {at_least: 6}, servers: [app]}
  - {name: a header, from: client, http: "http://app-1.shop.lab/", response_headers: {Content-Type: {contains: json}}}
  - {name: a status, from: client, http: "http://app-1.shop.lab/nothing", status: [2xx, 404]}
"""
FALSE = """
checks:
  - {name: one app answers, from: client, http: "http://web.shop.lab/", requests: 8, servers: [app-1], within: 1}
  - {name: no header, from: client, http: "http://app-1.shop.lab/", response_headers: {Content-Type: null}, within: 1}
  - {name: no status, from: client, http: "http://app-1.shop.lab/nothing", status: [2xx, 410], within: 1}
"""


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("language")
    path = folder / "scenario.yaml"
    path.write_text(NODES + TRUE)
    bench = Bench(engine, f"language-{secrets.token_hex(3)}", str(path))
    try:
        up = bench.cli("up")
        assert up.code == 0, up.err
        yield bench
    finally:
        assert bench.cli("down").code == 0
    assert bench.left() == []


def verdicts(lab: Bench, checks: str) -> dict[str, tuple[str, str]]:
    """Check -> verdict, and what was seen."""
    Path(lab.scenario).write_text(NODES + checks)
    document = lab.cli("check", "--json").document
    return {found["check"]: (found["verdict"], found["actual"]) for found in document["findings"]}


def test_what_is_true_holds(lab: Bench) -> None:
    wrong = {name: found for name, found in verdicts(lab, TRUE).items() if found[0] != "pass"}
    assert not wrong


def test_what_is_false_does_not_hold(lab: Bench) -> None:
    found = verdicts(lab, FALSE)
    assert {name: verdict for name, (verdict, _) in found.items()} == dict.fromkeys(found, "fail"), found
