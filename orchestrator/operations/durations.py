"""Durations as people write them: 45s, 90m, 2h, 1h30m, 2d."""

from __future__ import annotations

import re

from orchestrator.errors import UsageInvalid
from orchestrator.rendering.quantities import SECONDS, duration_text

PART = re.compile(r"([0-9]{1,9})([smhd])")
WHOLE = re.compile(rf"(?:{PART.pattern})+")
LONGEST = 30 * 86400


def parse_duration(text: str, option: str) -> float:
    """The seconds of a duration. Raises UsageInvalid, which names the option and shows how to write it."""
    trimmed = text.strip().lower()
    if not WHOLE.fullmatch(trimmed):
        if re.fullmatch(r"[0-9]+", trimmed):
            hint = f"{option} {trimmed}m for minutes, {option} {trimmed}h for hours"
            raise UsageInvalid(
                f"{option} {text[:40]!r} has no unit", why="a duration is a number and a unit", hint=hint
            )
        why = "a duration is numbers with units: s seconds, m minutes, h hours, d days"
        raise UsageInvalid(f"{option} {text[:40]!r} is no duration", why=why, hint=f"{option} 90m, or {option} 1h30m")
    seconds = sum(int(number) * SECONDS[unit] for number, unit in PART.findall(trimmed))
    if not 0 < seconds <= LONGEST:
        why = f"a duration is more than 0 and at most {duration_text(LONGEST)}"
        raise UsageInvalid(f"{option} {text[:40]!r} is not possible", why=why, hint=f"{option} 2h")
    return float(seconds)
