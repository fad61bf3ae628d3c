"""Behind a resolver: the servers that it asks in turn until one of them knows the name (RFC 1034, section 5.3.3)."""

from __future__ import annotations

from orchestrator.checks.dig import DnsAnswer, asked_name
from orchestrator.diagnosis.address_and_route import ROUTE
from orchestrator.diagnosis.dns_names import DNS, without_answer
from orchestrator.diagnosis.node_and_process import LISTEN, NODE
from orchestrator.diagnosis.stage import Leg, NameClaim, listed
from orchestrator.diagnosis.targets import Aim
from orchestrator.model.roles.dns.servers import asked_by, delegated_by, forwarders, leads_on, recursive
from orchestrator.model.topology import Topology

ITERATIVE = "+norecurse"
FOUND = ("NOERROR", "NXDOMAIN")


def on_the_way(leg: Leg) -> list[Aim]:
    """The legs from the DNS servers of a leg to those whom they must ask for its name."""
    aims = []
    for server in _resolving(leg):
        scenario, name = leg.context.topology.scenario, _name(leg)
        chain = list(leads_on(scenario, server, name) or asked_by(scenario, server))
        for other in chain:  # grows while it is read
            if other not in forwarders(scenario, server):
                chain += [one for one in leads_on(scenario, other, name) if one not in (server, *chain)]
        aims += [_towards(leg, server, other) for other in chain]
    return aims


def elsewhere(leg: Leg) -> list[Aim]:
    """The other servers to which these can be led, by an alias for example: only whether they run is asked."""
    scenario = leg.context.topology.scenario
    aims = []
    for server in _resolving(leg):
        reached = [server]
        for one in reached:  # grows while it is read
            reached += {*asked_by(scenario, one), *delegated_by(scenario, one)} - {*reached}
        known = {aim.leg.target for aim in on_the_way(leg)}
        aims += [
            Aim(_towards(leg, server, other).leg, (NODE,)) for other in sorted(reached) if other not in (server, *known)
        ]
    return aims


def _resolving(leg: Leg) -> list[str]:
    """The DNS servers that were asked to find the answer themselves."""
    if leg.claim is None or ITERATIVE in leg.claim.words:
        return []
    return [node for node in leg.dns_nodes if recursive(leg.context.topology.scenario.nodes[node])]


def _name(leg: Leg) -> str:
    assert leg.claim is not None
    return asked_name(leg.claim.name)


def _towards(leg: Leg, server: str, other: str) -> Aim:
    """The leg from a resolver to a server that it asks, as it asks: a forwarder for the answer, others for what they
    know themselves."""
    assert leg.claim is not None
    topology = leg.context.topology
    address = str(topology.address_for(server, other))
    handed_on = other in forwarders(topology.scenario, server)
    words = (f"@{address}", *(() if handed_on else (ITERATIVE,)))
    nexts = () if handed_on else leads_on(topology.scenario, other, _name(leg))

    def wrong(answer: DnsAnswer, who: str) -> str:
        if answer.rcode not in FOUND:
            return without_answer(_name(leg), leg.claim.type if leg.claim else "A", answer, who)
        return _misled(topology, _name(leg), nexts, answer, who) if nexts else ""

    claim = NameClaim(leg.claim.name, leg.claim.type, wrong, words)
    own = Leg(server, other, None, claim, None, leg.context, leg.commands, {address: other})
    return Aim(own, (NODE, LISTEN, ROUTE, DNS))


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
