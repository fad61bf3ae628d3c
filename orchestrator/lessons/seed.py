"""What differs from learner to learner: orders and choices that follow from a seed, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def shuffled(items: Iterable[str], seed: int, purpose: str) -> tuple[str, ...]:
    """The items in an order that depends on the seed and on what it is for."""
    return tuple(sorted(items, key=lambda item: sha256(f"{seed} {purpose} {item}".encode()).digest()))
