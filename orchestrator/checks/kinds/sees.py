"""`sees`: the server itself says which address its peer had: so it was a server, and that peer its client."""

from __future__ import annotations

from orchestrator.checks.findings import Judgement
from orchestrator.checks.peer_evidence import witness_of
from orchestrator.checks.probes import CheckContext, CheckSteps
from orchestrator.model.checks import Sees


def sees(check: Sees, context: CheckContext) -> CheckSteps:
    """Ask the server's witness for its peers since the check began."""
    witness = witness_of(context.topology.node(check.node))
    wanted = set(map(str, context.topology.addresses_of(check.sees)))
    expected = f"{check.node} sees {check.sees} as {' or '.join(sorted(wanted))}"
    results = yield witness.asks(check.node, context.began)
    sightings = tuple(witness.reads(results, context.began))
    match = next((one for one in sightings if one.address in wanted), None)
    if match is None:
        others = sorted({one.address for one in sightings})
        seen = f"by {witness.says} it saw {', '.join(others) if others else 'nobody'}"
        return Judgement("fail", expected, seen)
    seen = f"{match.address}: {check.node} is a server to {check.sees}, {check.sees} is a client of {check.node}"
    return Judgement("pass", expected, seen, (f"{witness.says[4:]} of {check.node}: {match.line}",))
