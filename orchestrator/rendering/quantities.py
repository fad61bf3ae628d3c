"""Numbers with what they count, and durations."""

from __future__ import annotations

# The units of durations.
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 check`, `2 checks`; `many` is the plural where it is not the noun with an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or f'{noun}s'}"


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
