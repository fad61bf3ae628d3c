"""Every kind of check is judged by the function that bears its name."""

from __future__ import annotations

from orchestrator.checks import kinds
from orchestrator.model.checks import KINDS


def test_every_kind_has_its_function() -> None:
    """Found in a file of the folder, and by no other name that a file happens to hold."""
    assert set(kinds.CHECK_FUNCTIONS) == set(KINDS)
    for name, function in kinds.CHECK_FUNCTIONS.items():
        assert function.__name__ == name
        assert function.__module__.startswith("orchestrator.checks.kinds.")
