"""`--untrusted` refuses what a scenario file of somebody else could use, and lets all else come up."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from observed_labs import BASIC, scenario

from orchestrator.cli.main import cli
from orchestrator.errors import UsageInvalid
from orchestrator.operations.untrusted import require_bounded

IMAGE = BASIC + "  web: {role: service, image: 'nginx:1'}\n"
OPEN = BASIC.replace("nodes:", "networks: {lab: {internal: false}}\nnodes:", 1)


def test_a_scenario_of_our_own_images_on_closed_networks_is_let_in() -> None:
    require_bounded(scenario(BASIC))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (IMAGE, "the node 'web' runs the image 'nginx:1' on a writable root file system"),
        (OPEN, "the network 'lab' lets nodes out (internal: false)"),
    ],
)
def test_what_is_not_bounded_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageInvalid) as caught:
        require_bounded(scenario(text))
    assert (caught.value.why, caught.value.exit_code) == (why, 2)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["up", "run"])
def test_the_command_refuses_before_it_looks_for_an_engine(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRELAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    (tmp_path / "scenario.yaml").write_text(OPEN.replace(", seed: seed.sql", ""))
    result = CliRunner().invoke(cli, [command, str(tmp_path), "--untrusted"])
    assert isinstance(result.exception, UsageInvalid)
    assert "asks for more than an untrusted file may" in result.exception.what
