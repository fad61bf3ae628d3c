"""The node that asks, of any kind of check."""

from __future__ import annotations

from orchestrator.model.checks import BaseCheck


def asker_of(check: BaseCheck) -> str:
    """The node that asks; for what a server itself reports, the server."""
    return str(getattr(check, "asker", None) or getattr(check, "node", "?"))
