"""An engine's RFC 3339 timestamps as numbers."""

from __future__ import annotations

import re
from datetime import datetime


def unix_seconds(text: str) -> float:
    """A timestamp of nanosecond precision as seconds since 1970; "never" (the year 1), or no timestamp, is 0."""
    parts = re.fullmatch(r"([\d-]+T[\d:]+)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not parts:
        return 0.0
    whole, fraction, zone = parts.groups()
    return max(0.0, datetime.fromisoformat(whole + zone).timestamp() + float(fraction or 0))
