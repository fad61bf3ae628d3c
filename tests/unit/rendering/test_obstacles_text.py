"""What only a new start of a node puts right is told with the command for that, once a node."""

from __future__ import annotations

from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.obstacles import Obstacle
from orchestrator.rendering.obstacles import obstacles_text


def test_each_node_has_one_command_behind_what_was_found_in_it() -> None:
    seen = (
        Obstacle("app", "has a rule"),
        Obstacle("dns", "has its interface eth0 down"),
        Obstacle("app", "has a route"),
    )
    assert obstacles_text(seen, LabRef("basic", "mine")).splitlines() == [
        "this is not as wirelab made it, and only a new start of the node puts it right:",
        "  app has a rule",
        "  app has a route",
        "  try: wirelab inject basic stop app --lab mine && wirelab heal basic --lab mine  # starts app anew",
        "  dns has its interface eth0 down",
        "  try: wirelab inject basic stop dns --lab mine && wirelab heal basic --lab mine  # starts dns anew",
    ]
