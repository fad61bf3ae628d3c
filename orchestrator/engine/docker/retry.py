"""Calls that an engine refuses for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from orchestrator.errors import EngineRefused

FIRST_PAUSE_SECONDS = 0.02


Answer = TypeVar("Answer")


def retry_while(
    busy: type[EngineRefused], call: Callable[[], Answer], tries: int, between: Callable[[], None] = lambda: None
) -> Answer:
    """Call again as long as the engine refuses it for this reason; the last refusal is raised.

    Each pause is twice as long as the one before it.
    """
    for attempt in range(tries - 1):
        try:
            return call()
        except busy:
            between()
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    return call()
