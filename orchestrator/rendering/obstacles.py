"""What stands in the way in a lab although wirelab did not make it, for people."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.obstacles import Obstacle


def obstacles_text(obstacles: Sequence[Obstacle], lab: LabRef) -> str:
    """A line for each, and behind those of a node the command that starts it anew."""
    lines = ["this is not as wirelab made it, and only a new start of the node puts it right:"]
    for node in dict.fromkeys(obstacle.node for obstacle in obstacles):
        lines += [f"  {obstacle}" for obstacle in obstacles if obstacle.node == node]
        lines.append(f"  try: {lab.command('inject', 'stop', node)} && {lab.command('heal')}  # starts {node} anew")
    return "\n".join(lines)
