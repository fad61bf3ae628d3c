"""Numbers with what they count."""

from __future__ import annotations


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 check`, `2 checks`; `many` is the plural where it is not the noun with an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or f'{noun}s'}"
