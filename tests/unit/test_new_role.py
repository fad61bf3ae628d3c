"""A new role is one folder under model/roles/: nothing else of the program changes (CONTRIBUTING, "How to add")."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROLE = '''\
"""greeter: an HTTP server that says good day."""

from typing import Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.node import Listener, Node
from orchestrator.model.roles.role import Role


class Greeter(Node):
    """A server that says good day."""

    role: Literal["greeter"]
    words: str = "good day"


ROLE = Role(
    name="greeter",
    summary="An HTTP server that says good day.",
    node=Greeter,
    image="client",
    user=10000,
    listeners=(Listener(port=8080),),
    serves=ApplicationProtocol.HTTP,
    ready="http:8080/greeting",
    files=lambda topology, node: {"greeting": topology.node(node).words},
)
'''
SCENARIO = """\
name: shop
title: A proxy passes requests on to a server of a new role
domain: shop.lab
nodes:
  dns:     {role: dns}
  greeter: {role: greeter, words: good evening}
  proxy:   {role: proxy, uses: [greeter]}
"""
PLAN = """\
import sys
from pathlib import Path
from observed_labs import nothing, planned
import orchestrator

topology, plan = planned(Path(sys.argv[1]).read_text(), nothing())
print(orchestrator.__file__)
print(topology.servers_of("HTTP"))
print(plan)
for step in plan.steps:
    print(step.id, getattr(step.action, "texts", ""), getattr(step.action, "probe", ""))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a copy of the program, and a scenario with a node of the role `greeter`."""
    shutil.copytree(ROOT / "orchestrator", tmp_path / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "scenario.yaml").write_text(SCENARIO, "utf-8")
    return tmp_path


def add_role(program: Path) -> None:
    folder = program / "orchestrator" / "model" / "roles" / "greeter"
    folder.mkdir()
    (folder / "__init__.py").write_text(ROLE, "utf-8")


def python(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(program), str(ROOT / "tests" / "support")))
    environment = {**os.environ, "PYTHONPATH": path, "WIRELAB_STATE": str(program / "state")}
    argv = [sys.executable, *words]
    return subprocess.run(argv, cwd=program, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_folder_adds_a_role(program: Path) -> None:
    """The scenario is valid, the help and the schema know the role, and other roles find its servers."""
    add_role(program)
    validated = python(program, "-m", "orchestrator", "validate", "shop")
    assert validated.returncode == 0, validated.stderr
    schema = python(program, "-m", "orchestrator", "schema")
    assert '"greeter"' in schema.stdout
    done = python(program, "-c", PLAN, "shop/scenario.yaml")
    assert done.returncode == 0, done.stderr
    module, servers, plan = done.stdout.split("\n", maxsplit=2)
    assert Path(module).is_relative_to(program)
    assert servers == "('greeter', 'proxy')"
    assert "http:8080/greeting" in plan
    assert "'greeting': 'good evening'" in plan
    assert "server greeter.shop.lab:8080" in plan


@pytest.mark.slow
def test_without_its_folder_there_is_no_such_role(program: Path) -> None:
    validated = python(program, "-m", "orchestrator", "validate", "shop")
    assert validated.returncode == 2
    assert "there is no role 'greeter'" in validated.stderr
