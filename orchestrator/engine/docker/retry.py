"""Calls that an engine refuses for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable

from orchestrator.errors import EngineRefused

FIRST_PAUSE_SECONDS = 0.02


def retry_while(
    busy: type[EngineRefused], call: Callable[[], None], tries: int, between: Callable[[], None] = lambda: None
) -> None:
    """Call again as long as the engine refuses it for this reason; the last refusal is raised.

    Each pause is twice as long as the one before it.
    """
    for attempt in range(tries):
        try:
            call()
            return
        except busy:
            if attempt == tries - 1:
                raise
        between()
        time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
