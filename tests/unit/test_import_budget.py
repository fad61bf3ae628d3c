"""What commands do not load: each of these takes longer to import than a whole command may add to its start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# jsonschema and yaml only read files; cryptography makes certificates; the Docker SDK (with requests and urllib3)
# builds and pulls images; the others belong to other commands.
SDK = {"docker", "requests", "urllib3"}
NEVER = SDK | {"jsonschema", "rich", "asyncio", "psutil", "pyroute2", "testcontainers", "pytest", "starlette"}
UNCHANGED_FILE = NEVER | {"pydantic", "pydantic_core", "yaml", "cryptography", "dns"}
PRINT_MODULES = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
KEEP = """
from pathlib import Path
import os
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.compiled_scenarios import CompiledScenarios
from orchestrator.operations.scenario_library import load_scenario
loaded = load_scenario("basic", Path.cwd())
CompiledScenarios(StateFolder.of(os.environ)).keep(loaded.text, loaded.reading)
"""
# What a command loads and does before its first call to an engine, and what it has loaded for the calls themselves.
FIND = """
from pathlib import Path
import os
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.lab_target import LabFinder
target = LabFinder(StateFolder.of(os.environ), Path.cwd()).find("basic", None, file_needed=True)
assert target.scenario.reading.compiled is COMPILED
"""
COMMAND = "import orchestrator.cli.main, orchestrator.cli.lab_commands, orchestrator.cli.workspace\n"
UP = """
import orchestrator.operations.lifecycle, orchestrator.operations.workspace, orchestrator.lab.lab
import orchestrator.lab.guard, orchestrator.engine.docker, orchestrator.host.find, orchestrator.lab.journal
import orchestrator.host.images.catalog, orchestrator.rendering.plans
"""
CHECK = """
import orchestrator.operations.checks, orchestrator.lab.check_runner, orchestrator.lab.probe_runner
import orchestrator.rendering.findings
"""
DOWN = """
import orchestrator.operations.lifecycle, orchestrator.operations.workspace, orchestrator.lab.take_down
import orchestrator.engine.docker, orchestrator.host.find, orchestrator.lab.journal, orchestrator.lab.watchdog
"""


def loaded_by(script: str, state: Path) -> set[str]:
    """The top modules that a fresh interpreter has after the script."""
    environ = {**os.environ, "WIRELAB_STATE": str(state), "PYTHONPATH": str(ROOT)}
    argv = (sys.executable, "-c", f"{script}\n{PRINT_MODULES}")
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("command", [UP, UP + CHECK], ids=["up", "check"])
def test_an_unchanged_file_loads_no_validator(command: str, tmp_path: Path) -> None:
    """Neither the YAML parser nor pydantic, for the scenario is taken as it was compiled."""
    loaded_by(KEEP, tmp_path)
    script = COMMAND + FIND.replace("COMPILED", "True") + command
    assert loaded_by(script, tmp_path) & UNCHANGED_FILE == set()


@pytest.mark.slow
def test_a_new_file_is_validated(tmp_path: Path) -> None:
    """The same without what an earlier command kept: the test above does not pass for another reason."""
    loaded = loaded_by(COMMAND + FIND.replace("COMPILED", "False"), tmp_path)
    assert {"pydantic", "yaml"} <= loaded
    assert loaded & NEVER == set()


@pytest.mark.slow
def test_down_loads_neither_the_validator_nor_the_scenario_language(tmp_path: Path) -> None:
    language = "import sys\nassert 'orchestrator.model.scenario' not in sys.modules\n"
    assert loaded_by(COMMAND + DOWN + language, tmp_path) & UNCHANGED_FILE == set()


@pytest.mark.slow
def test_help_loads_no_engine(tmp_path: Path) -> None:
    script = "from click.testing import CliRunner\nfrom orchestrator.cli.main import cli\n"
    script += "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
    assert loaded_by(script, tmp_path) & (UNCHANGED_FILE | {"http", "ssl"}) == set()


@pytest.mark.slow
def test_check_without_a_capture_loads_no_reader_of_packets(tmp_path: Path) -> None:
    script = "import orchestrator.checks.kinds, orchestrator.lab.faults, orchestrator.lab.lab\nimport sys\n"
    script += "assert not [name for name in sys.modules if name.startswith('orchestrator.traffic')]\n"
    loaded_by(COMMAND + UP + CHECK + script, tmp_path)
