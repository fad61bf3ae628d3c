"""A lab whose node is not ready before the test lets it: until then `up` is under way, however slow the test is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab_bench import Bench, eventually

GATED = """\
name: gated
title: A node that waits
domain: shop.lab
nodes:
  dns: {role: dns}
  slow:
    role: service
    command: [bash, -c, "until [ -e /tmp/go ]; do sleep 0.1; done; exec nc -lk 8080"]
    listens: [{port: 8080}]
checks:
  - {name: It serves, from: slow, connects: "slow.shop.lab:8080"}
"""
NODES = {"dns", "slow"}


def gated(bench: Bench, folder: Path) -> Bench:
    """The lab, which is not up."""
    (folder / "gated").mkdir()
    (folder / "gated" / "scenario.yaml").write_text(GATED)
    return replace(bench, scenario=str(folder / "gated"))


def let_go(bench: Bench) -> None:
    """Let the node become ready as soon as it runs."""

    def opened() -> bool:
        slow = [container for container in bench.containers() if container.labels.get("wirelab.node") == "slow"]
        return any(c.status == "running" and c.exec_run(("touch", "/tmp/go")).exit_code == 0 for c in slow)

    assert eventually(opened, bench.seconds)
