"""What a lesson says where the container engine does not answer in time."""

from __future__ import annotations

import time
from collections.abc import Callable

from orchestrator.errors import WirelabError
from orchestrator.lessons.messages import Note

# So long nothing more is said of it: a busy machine may answer one question and not the next.
QUIET_SECONDS = 60.0


class SlowEngine:
    """When it was said last that the engine does not answer."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._quiet_until: float | None = None

    def note(self, error: WirelabError) -> Note | None:
        """What is said; None where it was said not long ago."""
        now = self._monotonic()
        if self._quiet_until is not None and now < self._quiet_until:
            return None
        self._quiet_until = now + QUIET_SECONDS
        return Note(
            f"The container engine is slow, or does not answer ({error.what}). The lesson goes on when it answers. "
            "Type again what you typed last, if nothing comes of it."
        )
