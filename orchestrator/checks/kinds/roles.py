"""`roles`: who really was a server to whom and a client of whom, never by what `uses` declares.

Where a capture runs, the packets prove it. Otherwise each server is asked for its peers: by its log, its sessions or
its socket table. The same is done for a connection whose opening was before the capture began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.checks.findings import Judgement
from orchestrator.checks.peer_evidence import SeenPeer, peer_source_of
from orchestrator.checks.probes import CheckContext, TrafficQuery, require_flows
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.model.check_values import ExpectedPeers
from orchestrator.model.checks import Roles

if TYPE_CHECKING:
    from orchestrator.traffic.roles import Proof

Pair = tuple[str, str]


def roles(check: Roles, context: CheckContext) -> CheckSteps:
    """Every relation that the check names was at work since the check began.

    A name that stands for several machines is confirmed by one of them.
    """
    wanted = _pairs(check.roles)
    expected = "; ".join(_claim(node, part) for node, part in check.roles.items())
    proofs = require_flows((yield (TrafficQuery(context.began),))[0]).proofs
    proven = {pair: proof for pair in wanted if (proof := _proof(context, pair, proofs or ()))}
    evidence = [f"capture: {proof.words}" for proof in proven.values() if proof.sure]
    open_pairs = [pair for pair in wanted if pair not in proven or not proven[pair].sure]
    to_ask = [pair for pair in open_pairs if proofs is None or pair in proven or _stands_open(pair, context)]
    testimony = yield from _testimonies(context, to_ask)
    evidence += testimony.values()
    missing = [pair for pair in open_pairs if pair not in testimony]
    if missing:
        actual = "; ".join(_unseen(pair, proven, proofs, context) for pair in missing)
        return Judgement("fail", expected, actual, tuple(evidence))
    actual = "; ".join(f"{client} was a client of {other}" for client, other in wanted)
    return Judgement("pass", expected, actual, tuple(evidence))


def _stands_open(pair: Pair, context: CheckContext) -> bool:
    """Whether one connection carries all that the two say to each other: then its opening is long ago."""
    client, server = (context.topology.scenario.machines(name) for name in pair)
    return any(context.topology.scenario.primary_of(machine) in server for machine in client)


def _proof(context: CheckContext, pair: Pair, proofs: Iterable[Proof]) -> Proof | None:
    """What the packets say of a pair, sure if they can be."""
    clients, servers = (context.topology.scenario.machines(name) for name in pair)
    matching = [proof for proof in proofs if proof.client in clients and proof.server in servers]
    return max(matching, key=lambda proof: proof.sure, default=None)


def _pairs(parts: dict[str, ExpectedPeers]) -> list[Pair]:
    """(client, server), each once, in the order of the check."""
    pairs = [
        pair
        for node, part in parts.items()
        for pair in (*((peer, node) for peer in part.server_to), *((node, peer) for peer in part.client_of))
    ]
    return list(dict.fromkeys(pairs))


def _claim(node: str, part: ExpectedPeers) -> str:
    name = [f"a server to {_listed(part.server_to)}"] if part.server_to else []
    name += [f"a client of {_listed(part.client_of)}"] if part.client_of else []
    return f"{node} is {' and '.join(name)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _testimonies(context: CheckContext, pairs: list[Pair]) -> ProbeSteps[dict[Pair, str]]:
    """For each pair that the server confirms, the line that says so. Each server is asked once."""
    testimonies: dict[Pair, str] = {}
    for server in dict.fromkeys(server for _, server in pairs):
        clients = [client for client, other in pairs if other == server]
        for machine in context.topology.scenario.machines(server):
            source = peer_source_of(context.topology.node(machine))
            seen_peers = tuple(source.read_peers((yield source.probes(machine, context.began)), context.began))
            for client, line in _sighted(context, clients, seen_peers):
                testimonies.setdefault((client, server), f"{source.name.removeprefix('its ')} of {machine}: {line}")
    return testimonies


def _sighted(
    context: CheckContext, clients: Iterable[str], seen_peers: Sequence[SeenPeer]
) -> Iterator[tuple[str, str]]:
    """Each of these nodes that was seen by an address of its own, with the line that says so."""
    for client in clients:
        addresses = set(map(str, context.topology.addresses_of(client)))
        line = next((peer.line for peer in seen_peers if peer.address in addresses), None)
        if line is not None:
            yield client, line


def _unseen(pair: Pair, proven: dict[Pair, Proof], proofs: tuple[Proof, ...] | None, context: CheckContext) -> str:
    client, server = pair
    if proofs is None:
        machine = context.topology.scenario.machines(server)[0]
        return f"{server} did not see {client}, by {peer_source_of(context.topology.node(machine)).name}"
    if pair in proven:
        return f"{client} spoke with {server} on a connection whose opening was not captured: {proven[pair].words}"
    return f"no packet shows {client} as a client of {server}"
