"""A scenario of an address becomes a lab like any other, and needs its address no more."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from lab_bench import Bench, Engine
from scenario_server import make_repository

SCENARIO = """\
name: small
title: A name and who asks for it
domain: shop.lab
nodes:
  dns:    {role: dns}
  client: {role: client}
checks:
  - {name: The name resolves, from: client, resolves: dns.shop.lab}
"""


def test_a_lab_from_a_pinned_commit_is_found_by_its_name(engine: Engine, tmp_path: Path) -> None:
    """The second `up` works without the repository; `down` leaves nothing."""
    engine = replace(engine, environ={**engine.environ, "WIRELAB_STATE": str(tmp_path / "state")})
    repository, commit = make_repository(tmp_path / "there", {"labs/small/scenario.yaml": SCENARIO})
    lab = f"t-url-{secrets.token_hex(3)}"
    words = ("up", f"file://{repository}#{commit}", "--yes", "--lab", lab)
    try:
        ran = engine.wirelab(*words)
        assert ran.code == 0, ran.err
        assert "images     of wirelab: client, dns" in ran.err
        shutil.rmtree(tmp_path / "there")
        again = engine.wirelab(*words)
        assert (again.code, "nothing to do" in again.err) == (0, True), again.err
        assert engine.wirelab("check", lab).code == 0
        assert [node["node"] for node in engine.wirelab("ps", lab, "--json").document["nodes"]] == ["dns", "client"]
    finally:
        assert engine.wirelab("down", lab).code == 0
    assert Bench(engine, lab).left() == []
