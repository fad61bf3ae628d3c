"""Whether a resolver answers from its cache, while the server of the zone answers otherwise by now."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from orchestrator.checks.dns_answer import DnsAnswer, printable, read_answer
from orchestrator.checks.dns_query import NEEDS, DnsQuestion, query_name
from orchestrator.checks.probes import MOST_SERVERS, PROBE_PORTS, CheckContext, ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt
from orchestrator.model.roles.dns.servers import (
    ROOT,
    asked_first,
    closest_zone,
    recursive,
    referral_servers,
    servers,
    zones_of,
)

if TYPE_CHECKING:
    from orchestrator.model.topology_view import ScenarioView


def question_probe(asker: str, question: DnsQuestion, context: CheckContext) -> RunProgram:
    """A question of a walk.

    It comes from a port of ours, so that nobody takes it for a question of the asker's own programs. Other questions
    that a walk sends from the same node have other ports.
    """
    first, end = PROBE_PORTS
    ports = end - first - MOST_SERVERS
    port = first + (context.port - first + crc32(repr(question).encode())) % ports
    return RunProgram(asker, question.argv(port), NEEDS, seconds=8.0)


def authority_probe(attempt: ConnectionAttempt, answer: DnsAnswer) -> RunProgram | None:
    """The same question from the resolver to the one server of the zone that it asks, which may tell others otherwise.

    None where the answer is the resolver's own, or nobody knows whom it asks.
    """
    topology, claim = attempt.context.topology, attempt.claim
    resolver = topology.owner(answer.server)
    if claim is None or not claim.question.recursive or "aa" in answer.flags or resolver is None:
        return None
    authority = _authority(topology.scenario, resolver, query_name(claim.name))
    if authority is None:
        return None
    address = str(topology.address_for(resolver, authority))
    return question_probe(resolver, DnsQuestion(claim.name, claim.type, address, recursive=False), attempt.context)


def kept_clause(attempt: ConnectionAttempt, answer: DnsAnswer, results: Answers) -> str:
    """A sentence if the resolver's cache explains the wrong answer; empty if the zone's server is wrong, too."""
    probe = authority_probe(attempt, answer)
    result = results.get(probe) if probe else None
    now = read_answer(result.out) if isinstance(result, ProgramResult) else None
    if now is None or attempt.claim is None:
        return ""
    topology = attempt.context.topology
    authority, resolver = topology.owner(now.server) or now.server, topology.owner(answer.server) or answer.server
    if "aa" not in now.flags or attempt.claim.wrong(now, authority):
        return ""
    values = ", ".join(printable(value) for value in now.values) or now.rcode
    rest = f" for {answer.ttl} s more" if answer.ttl is not None else ""
    return f"{resolver} keeps this answer{rest}; {authority}, which it asks, now says {values}."


def _authority(scenario: ScenarioView, resolver: str, name: str) -> str | None:
    """The one server that answers for the name's zone, where the resolver's way leads there; None where none is, or
    several are."""
    zones = {node: closest_zone(name, zones_of(scenario, node)) for node in servers(scenario) if node != resolver}
    deepest = max((zone for zone in zones.values() if zone not in (None, ROOT)), key=len, default=None)
    answering = [node for node, zone in zones.items() if deepest is not None and zone == deepest]
    own = closest_zone(name, zones_of(scenario, resolver))
    if len(answering) != 1 or own not in (None, ROOT) or answering[0] not in _servers_reached(scenario, resolver, name):
        return None
    return answering[0]


def _servers_reached(scenario: ScenarioView, resolver: str, name: str) -> list[str]:
    """The servers to which a question for a name comes from a resolver."""
    reached = [resolver]
    for node in reached:  # grows while it is read
        further = referral_servers(scenario, node, name)
        if recursive(scenario.nodes[node]):
            further = (*further, *asked_first(scenario, node, name))
        reached += [other for other in dict.fromkeys(further) if other not in reached]
    return reached[1:]
