"""Durations as people write them, 45s, 90m, 2h, 1h30m, 2d, and moments: so long ago, or 2026-01-31T12:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import UsageInvalid
from orchestrator.rendering.quantities import SECONDS, duration_text

PART = re.compile(r"([0-9]{1,9})([smhd])")
WHOLE = re.compile(rf"(?:{PART.pattern})+")
LONGEST = 30 * 86400
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Moment:
    """A time in seconds since 1970, or so many seconds before now."""

    at: float | None = None
    ago: float = 0.0

    def seconds(self, now: float) -> float:
        """The moment in seconds since 1970."""
        return now - self.ago if self.at is None else self.at


def parse_moment(text: str, option: str) -> Moment:
    """A duration before now, or a date with a time (ISO 8601), local unless it names a zone. Raises UsageInvalid."""
    if not DATE.match(text.strip()):
        return Moment(ago=parse_duration(text, option))
    try:
        return Moment(datetime.fromisoformat(text.strip()).timestamp())
    except (ValueError, OverflowError) as error:
        hint = f"{option} 2026-01-31T12:00, or {option} 90m"
        raise UsageInvalid(f"{option} {text[:40]!r} is no time", why=str(error), hint=hint) from error


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
