"""Rules about databases that depend on one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.reading.document import Violation
from orchestrator.reading.raw_scenario import RawScenario


def passwords_have_one_owner(raw: RawScenario) -> Iterator[Violation]:
    """`same_password_as` names a database with a password of its own: another one, or one of the node's replicas."""
    for node, values in raw.nodes.items():
        owner = values.get("same_password_as")
        at = ("nodes", node, "same_password_as")
        if owner == node and node not in raw.groups:
            yield Violation(at, f"{node!r} has its own password already; leave same_password_as out")
        elif isinstance(owner, str) and raw.machines.get(owner) != node:
            further = _text(raw.values_of(owner).get("same_password_as"))
            if further == node:
                message = f"{node!r} and {owner!r} each name the other; one of them has a password of its own"
                yield Violation(at, message)
            elif further and further != owner:
                message = f"{owner!r} has no password of its own, but that of {further!r}; write {further}"
                yield Violation(at, message)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
