"""The host to which a check connects."""

from __future__ import annotations

from urllib.parse import urlsplit

from orchestrator.checks.kinds.connections import endpoint
from orchestrator.checks.kinds.sql import database_of
from orchestrator.checks.probes import CheckContext
from orchestrator.model.checks import BaseCheck, CannotConnect, Connects, Http, Sql, Tls


def connection_host(check: BaseCheck, context: CheckContext) -> str | None:
    """The host to which a check connects; None where it may do without, or where several answers count."""
    match check:
        case Connects(connects=place) | CannotConnect(cannot_connect=place) | Tls(tls=place):
            return endpoint(context.fill(place, check.asker))[0]
        case Http() if check.requests == 1 and check.succeed is None:
            return urlsplit(context.fill(check.http, check.asker)).hostname
        case Sql() if check.host:
            return endpoint(context.fill(check.host, check.asker))[0]
        case Sql() if check.password is not None or database_of(check, context) != check.asker:
            return context.topology.name_of(database_of(check, context))
    return None
