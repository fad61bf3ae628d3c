"""`sees`: the server itself says which address its peer had: so it was a server, and that peer its client."""

from __future__ import annotations

from orchestrator.checks.findings import Judgement
from orchestrator.checks.peer_evidence import peer_source_of
from orchestrator.checks.probes import CheckContext
from orchestrator.checks.steps import CheckSteps
from orchestrator.model.checks import Sees


def sees(check: Sees, context: CheckContext) -> CheckSteps:
    """Read which peers the server recorded since the check began."""
    source = peer_source_of(context.topology.node(check.node))
    wanted = set(map(str, context.topology.addresses_of(check.sees)))
    expected = f"{check.node} sees {check.sees} as {' or '.join(sorted(wanted))}"
    results = yield source.probes(check.node, context.began)
    seen_peers = tuple(source.read_peers(results, context.began))
    match = next((peer for peer in seen_peers if peer.address in wanted), None)
    if match is None:
        others = [_named(context, address) for address in sorted({peer.address for peer in seen_peers})]
        actual = f"by {source.name} it saw {', '.join(others) if others else 'nobody'}"
        return Judgement("fail", expected, actual)
    actual = f"{match.address}: {check.node} is a server to {check.sees}, {check.sees} is a client of {check.node}"
    return Judgement("pass", expected, actual, (f"{source.name[4:]} of {check.node}: {match.line}",))


def _named(context: CheckContext, address: str) -> str:
    owner = context.topology.owner(address)
    return f"{address} ({owner})" if owner else address
