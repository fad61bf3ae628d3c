"""Where a lab stands, as a name: a member, `big`, or for a split lab its members in one word, `big+small`."""

from __future__ import annotations

from collections.abc import Iterable

JOINT = "+"
# How the address of several members begins, which stands where the address of an engine does.
SPLIT_SCHEME = "members:"


def joined(members: Iterable[str]) -> str:
    """The name under which a split lab stands on these members."""
    return JOINT.join(sorted(set(members)))


def parts(member: str) -> tuple[str, ...]:
    """The members in this name: one, or for a split lab several."""
    return tuple(member.split(JOINT))


def is_split(member: str) -> bool:
    """Whether the name is that of several members."""
    return JOINT in member
