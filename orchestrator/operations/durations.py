"""Durations as people write them: 45s, 90m, 2h, 1h30m, 2d."""

from __future__ import annotations

import re

from orchestrator.errors import UsageInvalid

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
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


def duration_text(seconds: float) -> str:
    """A duration in its one or two largest units: 45s, 12m, 2h 5m, 3d 4h."""
    remaining = max(0, int(seconds))
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, remaining = divmod(remaining, SECONDS[unit])
        if count:
            parts.append((unit, count))
    if not parts:
        return "0s"
    first, *others = parts
    # Seconds say nothing beside hours, nor minutes beside days.
    order = "dhms"
    second = next((part for part in others if order.index(part[0]) == order.index(first[0]) + 1), None)
    printed = [first, second] if second and first[0] in "dh" else [first]
    return " ".join(f"{count}{unit}" for unit, count in printed)
