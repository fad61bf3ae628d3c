"""Rules in the nodes on the way that wirelab did not make, and that may have met the packets: of the packet filter
(nft(8)), of routing (ip-rule(8)) and of queues (tc(8))."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address

from orchestrator.checks.probes import LogText, LookAtNetwork, Probe
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, LayerProbe, LayerReading, Port, listed
from orchestrator.planning.routes import routers
from orchestrator.planning.seen_network import FilterRule, SeenNetwork, read_network
from orchestrator.quick_dataclass import dataclass

# A sentence names so many.
MOST_NAMED = 2
FILTER, ROUTING, QUEUEING = "packet filter", "routing", "queueing"


@dataclass(frozen=True)
class FoundRules:
    """Rules of one kind that may have met the packets of a connection: node and rule, the asker's first."""

    pairs: tuple[tuple[str, str], ...]
    kind: str = FILTER

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node for node, _ in self.pairs))

    @property
    def evidence(self) -> list[str]:
        return [f"{node}: {rule}" for node, rule in self.pairs]

    @property
    def clause(self) -> str:
        """Where they stand, as the end of a sentence."""
        count = len(self.pairs)
        subject = (
            f"a {self.kind} rule that wirelab did not make stands"
            if count == 1
            else f"{count} {self.kind} rules that wirelab did not make stand"
        )
        named = "; ".join(rule for _, rule in self.pairs[:MOST_NAMED])
        return f"{subject} in {listed(self.nodes)} ({named}{'; ...' if count > MOST_NAMED else ''})."


def ends_of(attempt: ConnectionAttempt) -> tuple[str, ...]:
    """The asker, and the target where it is a node."""
    return (attempt.asker, *([attempt.target] if attempt.target else []))


def rule_probes(attempt: ConnectionAttempt, ends: Iterable[str]) -> tuple[LookAtNetwork, ...]:
    """The looks into these nodes, and into the routers if the asker shares no network with one of them."""
    return tuple(LookAtNetwork(node) for node in _on_the_way(attempt, ends))


def found_rules(
    attempt: ConnectionAttempt,
    results: Answers,
    ends: Iterable[str],
    port: Port,
    addresses: Iterable[str],
    *,
    lost: bool = True,
) -> FoundRules | None:
    """The rules in these nodes that may have met packets for this port, to or from these addresses; None if none did.

    Where packets were `lost`, and no rule of the packet filter explains it, those of routing and of queues may.
    None, too, where nobody has looked.
    """
    own = frozenset(addresses)
    seen = _seen(attempt, results, ends)
    if rules := _filtering(seen, lambda rule: rule.may_meet(port.protocol, port.number, own)):
        return rules
    kinds = (
        (ROUTING, [(node, rule) for node, network in seen for rule in network.routing_rules]),
        (QUEUEING, [(node, f"{kind} on {at}") for node, network in seen for kind, at in network.queues]),
    )
    return next((FoundRules(tuple(pairs), kind) for kind, pairs in kinds if pairs and lost), None)


def found_discovery_rules(attempt: ConnectionAttempt, results: Answers) -> FoundRules | None:
    """The rules for which a machine may not be found by its address (RFC 826, RFC 4861)."""
    six = ip_address(attempt.address or "0.0.0.0").version == 6
    seen = _seen(attempt, results, ends_of(attempt))
    return _filtering(seen, lambda rule: rule.may_meet_discovery(six=six))


def rules_between(attempt: ConnectionAttempt, results: Answers, *, lost: bool = True) -> FoundRules | None:
    """Those that may have met the packets between the asker and the target."""
    if attempt.port is None:
        return None
    ends = ends_of(attempt)
    return found_rules(attempt, results, ends, attempt.port, addresses_of_ends(attempt, ends), lost=lost)


def explained_by_rules(layer: LayerProbe, is_lost: Callable[[ConnectionAttempt, Answers], bool | None]) -> LayerProbe:
    """The layer, which also looks for rules where its packets were lost (true) or refused (false), and names them."""

    def reads(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
        reading = layer.reads(attempt, results)
        lost = is_lost(attempt, results) if reading.causes else None
        rules = rules_between(attempt, results, lost=lost) if lost is not None else None
        return _blamed(attempt, reading, rules) if rules else reading

    def asks_further(attempt: ConnectionAttempt, results: Answers) -> tuple[Probe, ...]:
        looks = (
            rule_probes(attempt, ends_of(attempt)) if attempt.target and is_lost(attempt, results) is not None else ()
        )
        return (*layer.asks_further(attempt, results), *looks)

    return replace(layer, reads=reads, asks_further=asks_further)


def explained_by_nat(layer: LayerProbe) -> LayerProbe:
    """The layer, which names a rule that leads the connection to another machine, if the answer is a wrong one."""

    def reads(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
        reading = layer.reads(attempt, results)
        if not reading.causes or attempt.port is None:
            return reading
        ends, port = addresses_of_ends(attempt, ends_of(attempt)), attempt.port
        seen = [
            (node, network) for node, network in _seen(attempt, results, ends_of(attempt)) if node != attempt.target
        ]
        rules = _filtering(seen, lambda rule: rule.leads_elsewhere and rule.may_meet(port.protocol, port.number, ends))
        return _blamed(attempt, reading, rules) if rules else reading

    def asks_further(attempt: ConnectionAttempt, results: Answers) -> tuple[Probe, ...]:
        # The error of a server mostly comes from one behind it: to look at that takes less time.
        looks = attempt.target and not layer.reads(attempt, results).look_further
        rules = rule_probes(attempt, ends_of(attempt)) if looks else ()
        return (*layer.asks_further(attempt, results), *rules)

    return replace(layer, reads=reads, asks_further=asks_further)


def _blamed(attempt: ConnectionAttempt, reading: LayerReading, rules: FoundRules) -> LayerReading:
    """The reading, its first cause with the rules that may explain it, and the command that removes them."""
    cause, *_ = reading.causes
    sentence, command = f"{cause.sentence.rstrip('.')}: {rules.clause}", attempt.commands.start_anew(rules.nodes[0])
    blamed = replace(cause, sentence=sentence, command=command, evidence=tuple(rules.evidence))
    evidence = (*reading.evidence, *rules.evidence)
    return replace(reading, causes=(blamed,), evidence=evidence, look_further=False)


def addresses_of_ends(attempt: ConnectionAttempt, ends: Iterable[str]) -> frozenset[str]:
    """All addresses of these nodes, and the one to which the attempt leads."""
    topology = attempt.context.topology
    own = {str(address) for node in ends for address in topology.addresses_of(node)}
    return frozenset((*own, *([attempt.address] if attempt.address else [])))


def _seen(attempt: ConnectionAttempt, results: Answers, ends: Iterable[str]) -> list[tuple[str, SeenNetwork]]:
    looks = [(node, results.get(LookAtNetwork(node))) for node in _on_the_way(attempt, ends)]
    return [(node, read_network(look.text)) for node, look in looks if isinstance(look, LogText)]


def _filtering(seen: list[tuple[str, SeenNetwork]], meets: Callable[[FilterRule], bool]) -> FoundRules | None:
    pairs = tuple((node, str(rule)) for node, network in seen for rule in network.filter_rules if meets(rule))
    return FoundRules(pairs) if pairs else None


def _on_the_way(attempt: ConnectionAttempt, ends: Iterable[str]) -> tuple[str, ...]:
    nodes = tuple(dict.fromkeys(ends))
    far = any(not attempt.shares_network_with(node) for node in nodes)
    return (*nodes, *(r for r in routers(attempt.context.topology) if far and r not in nodes))
