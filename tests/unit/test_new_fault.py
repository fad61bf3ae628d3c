"""A new kind of fault is one file under model/faults/: nothing else of the program changes (CONTRIBUTING)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULT = '''\
"""isolate: a node hears nobody."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.faults.fault import BaseFault, machines
from orchestrator.model.topology_view import TopologyView
from orchestrator.model.values import Machines


class Isolate(BaseFault):
    """The node hears nobody."""

    kind: ClassVar[str] = "isolate"

    isolate: Machines = Field(description="The node.", examples=["app"])

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        return {"isolate": words[0]} if len(words) == 1 else None

    @property
    def words(self) -> tuple[str, ...]:
        return ("isolate", self.isolate)

    def effect(self, topology: TopologyView) -> FaultEffect:
        own = machines(topology, self.isolate)
        others = {str(address) for node in topology.scenario.nodes if node not in own
                  for address in topology.addresses_of(node)}
        return FaultEffect(blocked=dict.fromkeys(own, frozenset(others)))


FAULT = Isolate
'''
SCENARIO = """\
name: shop
title: A node hears nobody for a while
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  dns:    {role: dns}
  client: {role: client}
checks:
  - {name: Silence, during: {isolate: dns}, from: client, cannot_connect: "dns.shop.lab:53"}
"""
PLAN = """\
import sys
from pathlib import Path
from faulty import healed, injected
from observed_labs import scenario, standing
from orchestrator.operations.faults import fault_of_words

text = Path(sys.argv[1]).read_text()
plan, broken = injected(text, standing(text), fault_of_words(("isolate", "dns"), scenario(text)))
print(plan)
print(*(fault.id for fault in broken.faults))
print(healed(text, broken, "isolate-dns")[0])
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a copy of the program, and a scenario with a check during the fault `isolate`."""
    shutil.copytree(ROOT / "orchestrator", tmp_path / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "scenario.yaml").write_text(SCENARIO, "utf-8")
    return tmp_path


def python(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(program), str(ROOT / "tests" / "support")))
    environment = {**os.environ, "PYTHONPATH": path, "WIRELAB_STATE": str(program / "state")}
    argv = [sys.executable, *words]
    return subprocess.run(argv, cwd=program, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_file_adds_a_kind_of_fault(program: Path) -> None:
    """The scenario is valid, the schema and the help know the kind, and it is planned and healed."""
    (program / "orchestrator" / "model" / "faults" / "isolate.py").write_text(FAULT, "utf-8")
    validated = python(program, "-m", "orchestrator", "validate", "shop")
    assert validated.returncode == 0, validated.stderr
    assert '"isolate"' in python(program, "-m", "orchestrator", "schema").stdout
    assert "isolate NODE" in python(program, "-m", "orchestrator", "inject", "--help").stdout
    done = python(program, "-c", PLAN, "shop/scenario.yaml")
    assert done.stdout.splitlines() == ["cut:dns from client  (fault)", "isolate-dns", "mend:dns  (cut from client)"]


@pytest.mark.slow
def test_without_its_file_there_is_no_such_kind(program: Path) -> None:
    validated = python(program, "-m", "orchestrator", "validate", "shop")
    assert validated.returncode == 2
    assert "unknown key 'isolate'" in validated.stderr
    assert "isolate" not in python(program, "-m", "orchestrator", "inject", "--help").stdout
