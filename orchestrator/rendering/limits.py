"""The note of `up` about an engine that enforces no limits on nodes."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import doctor_command
from orchestrator.reading.message_parts import listed


def unlimited_text(unlimited: Sequence[str], member: str = "") -> str:
    """What the new nodes have no limit on, what that means, and the command that describes the engine."""
    engine = f"the member {member!r}" if member else "the engine"
    return (
        f"note: {engine} sets no limit on {listed(unlimited)}: a node may use all that its machine has\n"
        f"      details: {doctor_command(member)}"
    )
