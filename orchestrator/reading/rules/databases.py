"""Rules about databases that depend on one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.model.postgresql_settings import OWN_SETTINGS
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
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


def replicas_have_a_primary(raw: RawScenario) -> Iterator[Violation]:
    """`replica_of` names another database, which is no replica itself."""
    for node in raw.nodes:
        primary = raw.primary(node)
        at = ("nodes", node, "replica_of")
        if primary is None:
            continue
        if raw.machines.get(primary, primary) == node:
            yield Violation(at, f"{node!r} cannot be a replica of itself; name another database")
        elif further := raw.primary(primary):
            if raw.machines.get(further, further) == node:
                further = "another database"
            yield Violation(at, f"{primary!r} is a replica itself; a replica follows a primary, so write {further}")


def replicas_take_all_from_their_primary(raw: RawScenario) -> Iterator[Violation]:
    """A replica has the rows and the password of its primary, and both run PostgreSQL as wirelab sets it up."""
    for node, values in raw.nodes.items():
        primary = raw.primary(node)
        if primary is None:
            continue
        at = ("nodes", node)
        if values.get("seed") is not None:
            yield Violation((*at, "seed"), f"a replica has the rows of its primary; give the seed to {primary!r}")
        if values.get("same_password_as") is not None:
            message = "a replica has the password of its primary; leave same_password_as out"
            yield Violation((*at, "same_password_as"), message)
    for node in _replicating(raw):
        for key in ("image", "command"):
            if raw.values_of(node).get(key) is not None:
                message = f"a primary and its replicas run wirelab's own PostgreSQL; leave {key} out, or replica_of"
                yield Violation(("nodes", node, key), message)


def _replicating(raw: RawScenario) -> Iterator[str]:
    """The declared nodes that have a primary or are one, each once."""
    replicas = [node for node in raw.nodes if raw.primary(node)]
    primaries = {raw.machines.get(primary, primary) for node in replicas if (primary := raw.primary(node))}
    yield from (node for node in raw.nodes if node in replicas or node in primaries)


def promoted_nodes_are_replicas(raw: RawScenario) -> Iterator[Violation]:
    """`promote` in the faults of a check names a replica."""
    replicas = [machine for machine, node in raw.machines.items() if raw.primary(node)]
    for path, _, step in raw.fault_steps:
        node = step.get("promote") if isinstance(step, dict) else None
        if isinstance(node, str) and node in raw.machines and not raw.primary(node):
            known = f"the replicas are {listed(replicas)}" if replicas else "replica_of: NODE declares one"
            yield Violation((*path, "promote"), f"{node!r} is no replica, so it cannot be promoted; {known}")


def settings_are_the_authors_own(raw: RawScenario) -> Iterator[Violation]:
    """`settings` of a database leaves alone what wirelab itself needs, and reaches a server of wirelab's."""
    for node, values in raw.nodes.items():
        settings = values.get("settings")
        if not isinstance(settings, dict):
            continue
        for name in settings:
            if name in OWN_SETTINGS:
                message = f"wirelab itself sets {name}, and its checks and replicas need it so; leave it out"
                yield Violation(("nodes", node, "settings", name), message, at_key=True)
        for key in ("image", "command"):
            if values.get(key) is not None:
                message = f"settings are those of wirelab's own PostgreSQL; leave {key} out, or settings"
                yield Violation(("nodes", node, key), message)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
