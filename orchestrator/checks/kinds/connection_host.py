"""The host to which a check connects, and the node that is meant by it."""

from __future__ import annotations

from urllib.parse import urlsplit

from orchestrator.checks.kinds.connections import endpoint, target_of
from orchestrator.checks.kinds.sql import database_of
from orchestrator.checks.probes import CheckContext
from orchestrator.model.checks import BaseCheck, CannotConnect, Connects, HoldsOpen, Http, NodeCheck, Sql, Tls


def connection_host(check: BaseCheck, context: CheckContext) -> str | None:
    """The host to which a check connects; None where it may do without, or where several answers count."""
    match check:
        case HoldsOpen() if context.held:
            return None
        case (
            Connects(connects=place)
            | CannotConnect(cannot_connect=place)
            | HoldsOpen(holds_open=place)
            | Tls(tls=place)
        ):
            return endpoint(context.fill(place, check.asker))[0]
        case Http() if check.requests == 1 and check.succeed is None:
            return urlsplit(context.fill(check.http, check.asker)).hostname
        case Sql() if check.host:
            return endpoint(context.fill(check.host, check.asker))[0]
        case Sql() if check.password is not None or database_of(check, context) != check.asker:
            return context.topology.name_of(database_of(check, context))
    return None


def connection_target(check: BaseCheck, host: str | None, context: CheckContext) -> str | None:
    """The one node that must answer at this host for the check to hold; None where another one may do."""
    if host is None or not isinstance(check, NodeCheck) or isinstance(check, CannotConnect):
        return None
    target = target_of(context, check.asker, host)
    return target if target in context.topology.scenario.nodes and target != check.asker else None
