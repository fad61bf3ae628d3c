"""Who was client and who was server, by the packets: as tables and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.rendering.labs import table
from orchestrator.rendering.story import missing
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
                "client_of": [_relation(one, "server") for one in roles.relations if one.client == node],
                "server_to": [_relation(one, "client") for one in roles.relations if one.server == node],
            }
            for node in nodes
        ],
        "undeclared": [{"client": client, "server": server} for client, server in comparison.undeclared],
        "unseen": [{"client": client, "server": server} for client, server in comparison.unseen],
        "losses": asdict(losses),
    }


def _relation(one: Relation, other: str) -> dict[str, Any]:
    parts = asdict(one)
    return {other: parts.pop(other), **{key: value for key, value in parts.items() if key not in ("client", "server")}}


def roles_text(nodes: Sequence[str], roles: TrafficRoles, comparison: Comparison, losses: PacketLosses) -> str:
    """The nodes with their parts, the relations behind them, and what `uses` and the packets disagree about."""
    parts = [*missing(losses, "these tables may have holes"), _parts(nodes, roles), "", _relations(roles)]
    notes = [*_lesson(roles), *_unseen_beginnings(roles), *_disagreements(comparison)]
    return "\n".join([*parts, *(["", *notes] if notes else [])])


def _parts(nodes: Sequence[str], roles: TrafficRoles) -> str:
    rows = [
        (
            node,
            _list(_end(one) for one in roles.proved if one.client == node),
            _list(roles.server_to(node)),
            BOTH if node in roles.both else "",
        )
        for node in nodes
    ]
    return table(("NODE", "CLIENT OF", "SERVER TO", ""), rows)


def _end(one: Relation) -> str:
    return f"{one.server}:{one.port}" + ("/udp" if one.protocol == "udp" else "")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _relations(roles: TrafficRoles) -> str:
    if not roles.relations:
        return "No packet of a conversation was captured."
    rows = [
        (
            one.client,
            one.server,
            f"{one.port}/{one.protocol}",
            _count(one),
            str(one.refused or "-"),
            "-" if one.protocol == "udp" else str(one.sent),
            "-" if one.protocol == "udp" else str(one.received),
        )
        for one in roles.relations
    ]
    return table(("CLIENT", "SERVER", "PORT", "CONNECTIONS", "REFUSED", "BYTES SENT", "RECEIVED"), rows)


def _count(one: Relation) -> str:
    return f"{one.connections} (+{one.earlier} opened earlier)" if one.earlier else str(one.connections)


def _lesson(roles: TrafficRoles) -> list[str]:
    """A node that was both is what a learner should see."""
    return [
        f"{node} was both: a server to {_list(roles.server_to(node))}, and a client of {_list(roles.client_of(node))}."
        for node in roles.both
    ]


def _unseen_beginnings(roles: TrafficRoles) -> list[str]:
    """Why the upper table does not have what the lower one has."""
    return [
        f"{one.client} and {one.server} spoke over a connection that was opened before the capture began. Which of "
        "the two opened it, as a client does, was not seen: the upper table leaves it out."
        for one in roles.relations
        if one.earlier and not one.connections
    ]


def _disagreements(comparison: Comparison) -> list[str]:
    undeclared = [
        f"Seen, but not declared by `uses`: {one} is a client of {other}." for one, other in comparison.undeclared
    ]
    unseen = [f"Declared by `uses`, but never seen: {one} as a client of {other}." for one, other in comparison.unseen]
    return [*undeclared, *unseen]
