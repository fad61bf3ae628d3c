"""The commands that wirelab proposes can be command as they stand, for the lab that is meant."""

from __future__ import annotations

import pytest

from orchestrator.planning.lab_ref import LabRef


@pytest.mark.parametrize(
    ("named", "command"),
    [
        (LabRef("basic"), "wirelab capture start basic --node app"),
        (LabRef("basic", "basic-2"), "wirelab capture start basic --node app --lab basic-2"),
        (LabRef("my labs/basic"), "wirelab capture start 'my labs/basic' --node app"),
    ],
)
def test_a_command_names_the_scenario_and_a_lab_of_another_name(named: LabRef, command: str) -> None:
    """The lab's own name stands only where it is not the scenario's; a shell takes the whole as it is."""
    assert named.command("capture start", "--node", "app") == command
