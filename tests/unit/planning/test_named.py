"""The commands that wirelab proposes can be typed as they stand, for the lab that is meant."""

from __future__ import annotations

import pytest

from orchestrator.planning.named import Named


@pytest.mark.parametrize(
    ("named", "typed"),
    [
        (Named("basic"), "wirelab capture start basic --node app"),
        (Named("basic", "basic-2"), "wirelab capture start basic --node app --lab basic-2"),
        (Named("my labs/basic"), "wirelab capture start 'my labs/basic' --node app"),
    ],
)
def test_a_command_names_the_scenario_and_a_lab_of_another_name(named: Named, typed: str) -> None:
    """The lab's own name stands only where it is not the scenario's; a shell takes the whole as it is."""
    assert named.typed("capture start", "--node", "app") == typed
