"""Whether a live capture has begun: the program that captures says so once each of its interfaces is open."""

from __future__ import annotations

from collections.abc import Sequence

MESSAGE = "wirelab: listening"


def is_listening(errors: Sequence[str]) -> bool:
    """Whether the pieces of its standard error, which end anywhere, hold the message."""
    return MESSAGE in "".join(errors)
