"""`roles`: who really was a server to whom and a client of whom, never by what `uses` declares.

Where a capture runs, the packets prove it. Otherwise each server is asked for its peers: by its log, its sessions or
its socket table. The same is done for a connection whose opening was before the capture began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.checks.findings import Judgement
from orchestrator.checks.peer_evidence import SeenPeer, peer_source_of
from orchestrator.checks.probes import CheckContext, TrafficQuery, require_flows
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.model.check_values import ExpectedPeers
from orchestrator.model.checks import Roles
from orchestrator.traffic.roles import Proof

Pair = tuple[str, str]


def roles(check: Roles, context: CheckContext) -> CheckSteps:
    """Every relation that the check names was at work since the check began.

    A name that stands for several machines is confirmed by one of them.
    """
    wanted = _pairs(check.roles)
    expected = "; ".join(_claim(node, part) for node, part in check.roles.items())
    proofs = require_flows((yield (TrafficQuery(context.began),))[0]).proofs
    seen = {pair: proof for pair in wanted if (proof := _proof(context, pair, proofs or ()))}
    evidence = [f"capture: {one.words}" for one in seen.values() if one.sure]
    open_pairs = [pair for pair in wanted if pair not in seen or not seen[pair].sure]
    asked = [pair for pair in open_pairs if proofs is None or pair in seen]
    testimony = yield from _testimonies(context, asked)
    evidence += testimony.values()
    missing = [pair for pair in open_pairs if pair not in testimony]
    if missing:
        said = "; ".join(_unseen(pair, seen, proofs, context) for pair in missing)
        return Judgement("fail", expected, said, tuple(evidence))
    said = "; ".join(f"{one} was a client of {other}" for one, other in wanted)
    return Judgement("pass", expected, said, tuple(evidence))


def _proof(context: CheckContext, pair: Pair, proofs: Iterable[Proof]) -> Proof | None:
    """What the packets say of a pair, sure if they can be."""
    clients, servers = (context.topology.scenario.machines(name) for name in pair)
    found = [one for one in proofs if one.client in clients and one.server in servers]
    return max(found, key=lambda one: one.sure, default=None)


def _pairs(parts: dict[str, ExpectedPeers]) -> list[Pair]:
    """(client, server), each once, in the order of the check."""
    found = [
        pair
        for node, part in parts.items()
        for pair in (*((one, node) for one in part.server_to), *((node, one) for one in part.client_of))
    ]
    return list(dict.fromkeys(found))


def _claim(node: str, part: ExpectedPeers) -> str:
    name = [f"a server to {_listed(part.server_to)}"] if part.server_to else []
    name += [f"a client of {_listed(part.client_of)}"] if part.client_of else []
    return f"{node} is {' and '.join(name)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _testimonies(context: CheckContext, pairs: list[Pair]) -> ProbeSteps[dict[Pair, str]]:
    """For each pair that the server confirms, the line that says so. Each server is asked once."""
    found: dict[Pair, str] = {}
    for server in dict.fromkeys(server for _, server in pairs):
        clients = [client for client, other in pairs if other == server]
        for machine in context.topology.scenario.machines(server):
            source = peer_source_of(context.topology.node(machine))
            seen_peers = tuple(source.read_peers((yield source.probes(machine, context.began)), context.began))
            for client, line in _sighted(context, clients, seen_peers):
                found.setdefault((client, server), f"{source.name.removeprefix('its ')} of {machine}: {line}")
    return found


def _sighted(
    context: CheckContext, clients: Iterable[str], seen_peers: Sequence[SeenPeer]
) -> Iterator[tuple[str, str]]:
    """Each of these nodes that was seen by an address of its own, with the line that says so."""
    for client in clients:
        addresses = set(map(str, context.topology.addresses_of(client)))
        line = next((one.line for one in seen_peers if one.address in addresses), None)
        if line is not None:
            yield client, line


def _unseen(pair: Pair, seen: dict[Pair, Proof], proofs: tuple[Proof, ...] | None, context: CheckContext) -> str:
    client, server = pair
    if proofs is None:
        machine = context.topology.scenario.machines(server)[0]
        return f"{server} did not see {client}, by {peer_source_of(context.topology.node(machine)).name}"
    if pair in seen:
        return f"{client} spoke with {server} on a connection whose opening was not captured: {seen[pair].words}"
    return f"no packet shows {client} as a client of {server}"
