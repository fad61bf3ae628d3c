"""The names under which labs stand on members: `big`, or in a split lab those of several in one word, `big+small`."""

from __future__ import annotations

from collections.abc import Iterable

JOINT = "+"
# How the address of several members begins, which stands where the address of an engine does.
SPLIT_SCHEME = "members:"


def joined(members: Iterable[str]) -> str:
    """The name under which a split lab stands on these members."""
    return JOINT.join(sorted(set(members)))


def parts(member: str) -> tuple[str, ...]:
    """The members of which this name is made; one, unless it is that of several."""
    return tuple(member.split(JOINT))


def is_split(member: str) -> bool:
    """Whether the name is that of several members."""
    return JOINT in member
