"""What a shell proposes while a command is typed: commands, scenarios, labs, nodes, faults and checks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import LabSource, keep_source


def proposed(line: str, state: Path) -> list[str]:
    """What bash is told for a line whose last word is being typed."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_WIRELAB_COMPLETE": "bash_complete"}
    run = "from orchestrator.cli.main import main; main()"
    done = subprocess.run(
        (sys.executable, "-c", run), env={**os.environ, **words, "WIRELAB_STATE": str(state)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return [answer.partition(",")[2] for answer in done.stdout.splitlines() if answer]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("wirelab ru", ["run"]),
        ("wirelab up bas", ["basic"]),
        ("wirelab down my-la", ["my-lab"]),
        ("wirelab ps basic --lab my", ["my-lab"]),
        ("wirelab up basic --member bi", ["big"]),
        ("wirelab shell basic cl", ["client"]),
        ("wirelab inject basic sto", ["stop"]),
        ("wirelab inject basic stop d", ["dns", "db"]),
        (
            "wirelab why basic On",
            ["One machine plays both parts"],
        ),
        ("wirelab shell no-such-scenario cl", []),
    ],
)
def test_what_can_stand_there_is_proposed(line: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "labs" / "my-lab").mkdir(parents=True)
    add_member(StateFolder(tmp_path), Member("big", "ssh://me@big"))
    found = [name for name in proposed(line, tmp_path) if not name.startswith("On the ")]
    assert [name.partition(", ")[0] for name in found] == names


@pytest.mark.slow
def test_the_nodes_of_a_lab_are_proposed_by_its_name(tmp_path: Path) -> None:
    """Also where the scenario's file is gone."""
    text = "name: far\ntitle: Far\ndomain: far.lab\nnodes:\n  visitor: {role: client}\n"
    state = StateFolder(tmp_path)
    keep_source(state, "my-lab", LabSource("far", str(tmp_path / "far/scenario.yaml"), text, {}), 1.0)
    assert proposed("wirelab exec my-lab vis", tmp_path) == ["visitor"]


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_asks_wirelab(shell: str) -> None:
    run = f"from orchestrator.cli.main import main; main(['completion', '{shell}'])"
    done = subprocess.run((sys.executable, "-c", run), capture_output=True, text=True, check=False)
    assert (done.returncode, f"_WIRELAB_COMPLETE={shell}_complete" in done.stdout) == (0, True)


@pytest.mark.slow
def test_bash_proposes_the_name_of_a_check_as_one_word() -> None:
    """As it is typed in a shell, with its blanks quoted."""
    script = subprocess.run(
        (sys.executable, "-m", "orchestrator", "completion", "bash"), capture_output=True, text=True, check=True
    ).stdout
    proposed = "wirelab() { echo 'plain,The name, with blanks'; }; COMP_WORDS=(wirelab why basic ''); COMP_CWORD=3"
    shown = "_wirelab_completion wirelab; printf '%s|' \"${COMPREPLY[@]}\""
    done = subprocess.run(
        ("bash", "-c", f"{script}\n{proposed.replace('wirelab()', 'env()')}\n{shown}"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "The\\ name\\,\\ with\\ blanks|"
