"""Who asked in vain for the machine that has an address (RFC 826, RFC 4861): then no packet lost its way."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from orchestrator.checks.interfaces import neighbours_of, read_json, rows_of
from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt
from orchestrator.planning.routes import routers

# What the kernel keeps of a neighbour that did not answer, or not yet (ip-neighbour(8)).
UNANSWERED = {"FAILED", "INCOMPLETE"}


def neighbour_probes(attempt: ConnectionAttempt) -> tuple[RunProgram, ...]:
    """The tables of the asker, and of the routers on the network of the address if the asker is not on it."""
    return tuple(neighbours_of(node) for node in _askers(attempt))


def asked_in_vain(attempt: ConnectionAttempt, results: Answers) -> tuple[str, str] | None:
    """The node whose neighbour does not answer, with the line of its table; None where none is known."""
    for node in _askers(attempt):
        result = results.get(neighbours_of(node))
        rows = read_json(result.out) if isinstance(result, ProgramResult) else None
        for row in rows_of(rows):
            if _is_unanswered(row, attempt.address):
                return node, f"{node}: ip neigh: {row['dst']} dev {row.get('dev', '?')} {row['state'][0]}"
    return None


def _is_unanswered(row: dict[str, Any], address: str | None) -> bool:
    return row.get("dst") == address and bool(UNANSWERED & set(row.get("state") or ()))


def _askers(attempt: ConnectionAttempt) -> tuple[str, ...]:
    """The nodes that hand a packet to the address itself: the asker, or the routers on its network."""
    if not attempt.address or attempt.target == attempt.asker:
        return ()
    topology = attempt.context.topology
    nodes = (attempt.asker, *(node for node in routers(topology) if node != attempt.asker))
    return tuple(node for node in nodes if _is_near(attempt, node))


def _is_near(attempt: ConnectionAttempt, node: str) -> bool:
    topology, address = attempt.context.topology, ip_address(attempt.address or "")
    networks = [attachment.network for attachment in topology.attachments_of(node)]
    subnets = [subnet for own in (topology.subnets, topology.subnets6) for subnet in map(own.get, networks) if subnet]
    return any(address in subnet for subnet in subnets)
