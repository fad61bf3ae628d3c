"""Prints how many seconds it takes to plan 500 nodes on five networks: a fresh lab, and one that stands.

Only the planning, without the start of the interpreter and the reading of the file: the median of nine plans each, in
CPU seconds, for it is one thread that waits for nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from orchestrator.model.secret import Secret
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.plan import MakeNode, Plan
from orchestrator.planning.planner import up
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from observed_labs import made_by

ROUNDS = 9
NETWORKS = 5


def text(nodes: int) -> str:
    """A scenario of that many nodes; every third stands on two networks."""
    lines = ["name: large", "title: Large", "domain: shop.lab", "networks:"]
    lines += [f"  net{n}: {{subnet: 192.168.{2 * n}.0/23}}" for n in range(NETWORKS)]
    lines += ["nodes:", "  dns: {role: dns}"]
    for n in range(nodes - 1):
        there = [f"net{n % NETWORKS}", f"net{(n + 1) % NETWORKS}"][: 2 if n % 3 == 0 else 1]
        first = n - n % 5
        what = [
            f"db{n}: {{role: database",
            *[f"app{n}: {{role: app, uses: [db{first}]"] * 2,
            *[f"client{n}: {{role: client, uses: [app{first + 1}]"] * 2,
        ][n % 5]
        lines.append(f"  {what}, networks: [{', '.join(there)}]}}")
    return "\n".join(lines) + "\n"


def seconds(plan: Plan | None, scenario, observed: Snapshot) -> tuple[float, Plan]:  # type: ignore[no-untyped-def]
    """The median of the rounds, and the plan."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        plan = up(assign_addresses("large", scenario, observed, {}), observed)
        took.append(time.process_time() - began)
    assert plan is not None
    return sorted(took)[ROUNDS // 2], plan


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    scenario = read_scenario(text(500), file="large.yaml", read_companion=lambda _name: None).scenario
    images = dict.fromkeys(("dns", "database", "app", "client"), "image")
    nothing = Snapshot("/state/large", "run", images, secrets={name: Secret("x") for name in scenario.nodes})
    fresh, plan = seconds(None, scenario, nothing)
    assert sum(isinstance(step.action, MakeNode) for step in plan.steps) == 500
    second, empty = seconds(None, scenario, replace(made_by(plan, nothing), run="second"))
    assert not empty, empty
    print(json.dumps({"fresh": fresh, "second": second}))


if __name__ == "__main__":
    main()
