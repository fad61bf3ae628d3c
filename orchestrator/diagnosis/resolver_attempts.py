"""Behind a resolver: the servers that it asks in turn until one of them knows the name (RFC 1034, section 5.3.3)."""

from __future__ import annotations

from orchestrator.checks.dns_answer import DnsAnswer
from orchestrator.checks.dns_query import DnsQuestion, query_name
from orchestrator.diagnosis.check_attempts import LayeredAttempt
from orchestrator.diagnosis.layer_probe import ConnectionAttempt, NameClaim, listed
from orchestrator.diagnosis.layers.dns import without_answer
from orchestrator.model.roles.dns.servers import (
    asked_by,
    asked_first,
    delegated_by,
    delegated_part,
    forwarders,
    recursive,
    referral_servers,
)
from orchestrator.model.topology import Topology

FOUND = ("NOERROR", "NXDOMAIN")


def resolver_attempts(attempt: ConnectionAttempt) -> list[LayeredAttempt]:
    """The connection attempts from the DNS servers of an attempt to those that they must ask for its name."""
    attempts = []
    for server in _resolving(attempt):
        scenario, name = attempt.context.topology.scenario, _name(attempt)
        referred = referral_servers(scenario, server, name)
        referrers = dict.fromkeys(referred or asked_first(scenario, server, name), server if referred else None)
        chain = list(referrers)
        for other in chain:  # grows while it is read
            if other not in forwarders(scenario, server, name):
                further = [node for node in referral_servers(scenario, other, name) if node not in (server, *chain)]
                referrers |= dict.fromkeys(further, other)
                chain += further
        attempts += [_towards(attempt, server, other, referrers[other]) for other in chain]
    return attempts


def referral_attempts(attempt: ConnectionAttempt) -> list[LayeredAttempt]:
    """The other servers to which these can be led, by an alias for example: only whether they run is asked."""
    scenario = attempt.context.topology.scenario
    attempts = []
    for server in _resolving(attempt):
        reached = [server]
        for other in reached:  # grows while it is read
            reached += {*asked_by(scenario, other), *delegated_by(scenario, other)} - {*reached}
        known = {layered.attempt.target for layered in resolver_attempts(attempt)}
        attempts += [
            LayeredAttempt(_towards(attempt, server, other, None).attempt, only=frozenset({"node"}))
            for other in sorted(reached)
            if other not in (server, *known)
        ]
    return attempts


def _resolving(attempt: ConnectionAttempt) -> list[str]:
    """The DNS servers that were asked to find the answer themselves."""
    if attempt.claim is None or not attempt.claim.question.recursive:
        return []
    return [node for node in attempt.dns_nodes if recursive(attempt.context.topology.scenario.nodes[node])]


def _name(attempt: ConnectionAttempt) -> str:
    assert attempt.claim is not None
    return query_name(attempt.claim.name)


def _towards(attempt: ConnectionAttempt, server: str, other: str, referrer: str | None) -> LayeredAttempt:
    """From a resolver to a server that it asks, as it asks: a forwarder for the answer, others for what they know.

    `referrer` is the server that points the resolver to this one.
    """
    assert attempt.claim is not None
    topology = attempt.context.topology
    address = str(topology.address_for(server, other))
    handed_on = other in forwarders(topology.scenario, server, _name(attempt))
    nexts = () if handed_on else referral_servers(topology.scenario, other, _name(attempt))

    def wrong(answer: DnsAnswer, who: str) -> str:
        if referrer and not nexts and (lame := _lame(topology, _name(attempt), referrer, answer, who)):
            return lame
        if answer.rcode not in FOUND:
            return without_answer(_name(attempt), attempt.claim.type if attempt.claim else "A", answer, who)
        return _misled(topology, _name(attempt), nexts, answer, who) if nexts else ""

    question = DnsQuestion(attempt.claim.name, attempt.claim.type, address, recursive=handed_on)
    claim = NameClaim(question, wrong)
    own = ConnectionAttempt(server, other, None, claim, None, attempt.context, attempt.commands, {address: other})
    return LayeredAttempt(own)


def _lame(topology: Topology, name: str, referrer: str, answer: DnsAnswer, who: str) -> str:
    """That a server does not answer for the part that it is given: it refuses, or points upward, without authority."""
    part = delegated_part(topology.scenario, referrer, name)
    upward = answer.rcode == "NOERROR" and not answer.values and "aa" not in answer.flags
    if part is None or not (upward or answer.rcode == "REFUSED"):
        return ""
    says = (
        "refuses the question (REFUSED)" if answer.rcode == "REFUSED" else "has no answer with authority (no flag aa)"
    )
    return f"{referrer} delegates {part} to {who}, which does not answer for it: {who} {says}. The delegation is lame."


def _misled(topology: Topology, name: str, nexts: tuple[str, ...], answer: DnsAnswer, who: str) -> str:
    """What is wrong where a server leads on to nobody, to others than it should, or to a wrong address of theirs."""
    wanted = listed(nexts)
    named = sorted(row.value for row in answer.authority if row.kind == "NS")
    names = {topology.name_of(node): node for node in nexts}
    if not named:
        return f"The DNS server {who} does not lead on to {wanted} for {name}: it names no other server."
    if not names.keys() & set(named):
        return f"The DNS server {who} leads on to {listed(named)} for {name}, and not to {wanted}."
    for row in answer.additional:
        node = names.get(row.owner)
        if node and row.kind == "A" and row.value not in map(str, topology.addresses_of(node)):
            owner = topology.owner(row.value) or "nobody in this lab"
            return f"The DNS server {who} leads on to {node} at the wrong address: {row.value} ({owner})."
    return ""
