"""How a person calls wirelab: in this terminal, and in a new one, where no environment is activated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.cli.own_command import own_command


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment in a folder, in which we stand."""
    program = tmp_path / ".venv" / "bin" / "wirelab"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    return program


def test_where_it_is_activated_the_name_is_enough_and_not_in_a_new_terminal(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment.parent))
    assert own_command() == "wirelab"
    assert own_command(in_new_terminal=True) == ".venv/bin/wirelab"


@pytest.mark.usefixtures("environment")
def test_where_it_is_not_activated_its_path_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert own_command() == own_command(in_new_terminal=True) == ".venv/bin/wirelab"


def test_what_is_installed_otherwise_is_in_each_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert own_command(in_new_terminal=True) == "wirelab"
