"""How long it takes until what a killed command began has come to its end, for the table of `make endurance`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

# Seconds in which nothing of a killed command is to be left; where the machine is as busy as this, it has longer.
SETTLED_WITHIN, BUSY_LOAD, SETTLED_WHEN_BUSY = 2.0, 20.0, 5.0


def seconds_until(holds: Callable[[], bool], deadline: float) -> float:
    """The seconds until `holds`, by the first of two looks in a row. Raises AssertionError at the deadline."""
    begun = time.monotonic()
    first = None
    while (now := time.monotonic() - begun) < deadline:
        if not holds():
            first = None
        elif first is not None:
            return first
        else:
            first = now
        time.sleep(0.1)
    raise AssertionError(f"not so after {deadline:g} s")


def record_settled(record_property: Callable[[str, object], None], seconds: float) -> None:
    """Record how long it took, and how long it may take on a machine as busy as this one is now."""
    record_property("seconds", seconds)
    record_property("limit", SETTLED_WHEN_BUSY if os.getloadavg()[0] >= BUSY_LOAD else SETTLED_WITHIN)
