"""Who was client and who was server, by the packets: as tables and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.rendering.story import missing
from orchestrator.rendering.tables import table
from orchestrator.traffic.roles import Comparison, Relation, TrafficRoles
from orchestrator.traffic.story import PacketLosses

BOTH = "both"


def roles_document(
    lab: str, nodes: Sequence[str], roles: TrafficRoles, comparison: Comparison, losses: PacketLosses
) -> dict[str, Any]:
    """As `wirelab roles --json` prints it. Bytes are payload; `refused` counts attempts that came to nothing."""
    return {
        "schema": 1,
        "lab": lab,
        "nodes": [
            {
                "node": node,
                "both": node in roles.both,
                "client_of": [_relation(relation, "server") for relation in roles.relations if relation.client == node],
                "server_to": [_relation(relation, "client") for relation in roles.relations if relation.server == node],
            }
            for node in nodes
        ],
        "undeclared": [{"client": client, "server": server} for client, server in comparison.undeclared],
        "unseen": [{"client": client, "server": server} for client, server in comparison.unseen],
        "losses": asdict(losses),
    }


def _relation(relation: Relation, other: str) -> dict[str, Any]:
    parts = asdict(relation)
    return {other: parts.pop(other), **{key: value for key, value in parts.items() if key not in ("client", "server")}}


def roles_text(
    nodes: Sequence[str], roles: TrafficRoles, comparison: Comparison, losses: PacketLosses, width: int | None = None
) -> str:
    """The nodes with their parts, the relations behind them, and what `uses` and the packets disagree about."""
    parts = [*missing(losses, "these tables may have holes"), _parts(nodes, roles, width), "", _relations(roles, width)]
    notes = [*_lesson(roles), *_unseen_beginnings(roles), *_disagreements(comparison)]
    return "\n".join([*parts, *(["", *notes] if notes else [])])


def _parts(nodes: Sequence[str], roles: TrafficRoles, width: int | None) -> str:
    rows = [
        (
            node,
            _list(_end(relation) for relation in roles.proved if relation.client == node),
            _list(roles.server_to(node)),
            BOTH if node in roles.both else "",
        )
        for node in nodes
    ]
    return table(("NODE", "CLIENT OF", "SERVER TO", ""), rows, width)


def _end(relation: Relation) -> str:
    return f"{relation.server}:{relation.port}" + ("/udp" if relation.protocol == "udp" else "")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _relations(roles: TrafficRoles, width: int | None) -> str:
    if not roles.relations:
        return "No packet of a conversation was captured."
    rows = [
        (
            relation.client,
            relation.server,
            f"{relation.port}/{relation.protocol}",
            _count(relation),
            str(relation.refused or "-"),
            "-" if relation.protocol == "udp" else str(relation.sent),
            "-" if relation.protocol == "udp" else str(relation.received),
        )
        for relation in roles.relations
    ]
    return table(("CLIENT", "SERVER", "PORT", "CONNECTIONS", "REFUSED", "BYTES SENT", "RECEIVED"), rows, width)


def _count(relation: Relation) -> str:
    return (
        f"{relation.connections} (+{relation.earlier} opened earlier)"
        if relation.earlier
        else str(relation.connections)
    )


def _lesson(roles: TrafficRoles) -> list[str]:
    """A node that was both is what a learner should see."""
    return [
        f"{node} was both: a server to {_list(roles.server_to(node))}, and a client of {_list(roles.client_of(node))}."
        for node in roles.both
    ]


def _unseen_beginnings(roles: TrafficRoles) -> list[str]:
    """Why the upper table does not have what the lower one has."""
    return [
        f"{relation.client} and {relation.server} spoke over a connection that was opened before the capture began. "
        "Which of the two opened it, as a client does, was not seen: the upper table leaves it out."
        for relation in roles.relations
        if relation.earlier and not relation.connections
    ]


def _disagreements(comparison: Comparison) -> list[str]:
    undeclared = [
        f"Seen, but not declared by `uses`: {client} is a client of {server}."
        for client, server in comparison.undeclared
    ]
    unseen = [
        f"Declared by `uses`, but never seen: {client} as a client of {server}." for client, server in comparison.unseen
    ]
    return [*undeclared, *unseen]
