"""Compose files on a real engine: an exported lab comes up with Docker Compose, and imported files come up as labs."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from compose_imports import COME_UP, imported
from lab_bench import DEADLINE, Bench, Engine

# Where setup/programs unpacks it.
UNPACKED = Path(__file__).parents[2] / "build/programs/docker-compose"
# Another worker may take the range of addresses between the export and `docker compose up`.
RANGE_TRIES = 5


def compose_program() -> tuple[str, ...]:
    """How Docker Compose v2 is called here; nothing where it is not installed."""
    for argv in (("docker", "compose"), ("docker-compose",), (str(UNPACKED),)):
        if shutil.which(argv[0]):
            told = subprocess.run(
                (*argv, "version", "--short"), capture_output=True, text=True, timeout=60, check=False
            )
            if told.returncode == 0 and told.stdout.strip().lstrip("v").startswith(("2", "5")):
                return argv
    return ()


@dataclass(frozen=True)
class Project:
    """A Compose file of a test's own, and the engine on which it comes up."""

    bench: Bench
    scenario: str
    file: Path
    argv: tuple[str, ...]

    def compose(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "DOCKER_HOST": self.bench.engine.url}
        argv = (*self.argv, "-f", str(self.file), *words)
        return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=DEADLINE, check=False)

    def client(self, *words: str) -> str:
        return self.run_in("client", *words)

    def run_in(self, node: str, *words: str) -> str:
        return self.compose("exec", "-T", node, *words).stdout


@pytest.fixture
def project(bench: Bench, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    if not (argv := compose_program()):
        pytest.skip("Docker Compose v2 is not installed; setup/programs unpacks Debian's")
    project = Project(bench, request.param, tmp_path / "lab.yaml", argv)
    yield project
    project.compose("down", "--volumes", "--timeout", "0")
    ours = {"label": f"com.docker.compose.project={bench.lab}"}
    assert bench.engine.client.containers.list(all=True, filters=ours, ignore_removed=True) == []
    assert bench.engine.client.networks.list(filters=ours) == []


def export_and_up(project: Project) -> None:
    for _ in range(RANGE_TRIES):
        shutil.rmtree(project.file.parent / "lab-files", ignore_errors=True)
        ran = project.bench.run(
            "export", "compose", project.scenario, "--lab", project.bench.lab, "-o", str(project.file)
        )
        assert ran.code == 0, ran.err
        up = project.compose("up", "--wait")
        if up.returncode == 0 or "overlaps" not in up.stderr:
            break
        project.compose("down", "--volumes", "--timeout", "0")
    assert up.returncode == 0, up.stderr


@pytest.mark.waits
@pytest.mark.parametrize("project", ["basic"], indirect=True)
def test_an_exported_lab_comes_up_and_asks_its_own_dns_server(project: Project) -> None:
    """The page comes from the database; without the lab's DNS server no name is known, for Docker's is not asked."""
    export_and_up(project)
    assert "anvil" in project.client("curl", "-s", "http://app.shop.lab/items")
    assert "app.shop.lab" in project.client("getent", "hosts", "app")
    project.compose("stop", "--timeout", "0", "dns")
    assert project.client("timeout", "20", "getent", "hosts", "app.shop.lab") == ""


@pytest.mark.waits
@pytest.mark.parametrize("project", ["tiers"], indirect=True)
def test_an_exported_lab_has_its_routes_also_after_a_restart(project: Project) -> None:
    """The clerk reaches the app through the router; the visitor has no way at all."""
    export_and_up(project)
    for _ in range(2):
        assert "anvil" in project.run_in("clerk", "curl", "-s", "http://app.shop.lab/items")
        assert " via " not in project.run_in("visitor", "ip", "route")
        project.compose("restart", "--timeout", "0", "clerk", "visitor")
        project.compose("up", "--wait")


@pytest.fixture
def from_compose(
    engine: Engine, round_number: int, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, Bench]]:
    """The scenario of one of the Compose files that come up, by the seed of the run; nothing of it is left."""
    seed: int = request.config.getoption("truth_seed")
    name = COME_UP[(2 * seed + round_number) % len(COME_UP)]
    imported(name, tmp_path / name)
    bench = Bench(engine, f"compose-{secrets.token_hex(3)}", str(tmp_path / name))
    try:
        yield name, bench
    finally:
        assert bench.cli("down").code == 0
    assert bench.left() == []


@pytest.mark.truth
@pytest.mark.rounds(2, full=len(COME_UP))
def test_an_imported_compose_file_keeps_its_promises(from_compose: tuple[str, Bench]) -> None:
    """A Compose file of a public shape comes up as a scenario, and each check of what it promises holds."""
    name, bench = from_compose
    bench.up()
    code, found = bench.verdicts()
    assert {check: finding["actual"] for check, finding in found.items() if finding["verdict"] != "pass"} == {}
    assert (name, code, bool(found)) == (name, 0, True)
