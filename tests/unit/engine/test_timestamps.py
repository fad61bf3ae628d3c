"""The times that an engine tells, wherever it stands."""

from __future__ import annotations

import pytest

from orchestrator.engine.timestamps import unix_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.25Z", 1.25),
        ("1970-01-01T00:00:01.000000250Z", 1.00000025),
        ("1970-01-01T01:00:01.5+01:00", 1.5),
        ("1969-12-31T14:30:02-09:30", 2.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
    ],
)
def test_a_time_is_seconds_since_1970_in_any_zone(text: str, seconds: float) -> None:
    """RFC 3339; a container's times are in UTC, the engine's own is in the zone of its machine; "never" is 0."""
    assert unix_seconds(text) == seconds
