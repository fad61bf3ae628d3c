"""Packet filter rules in the nodes on the way that wirelab did not make, and that may have met the packets (nft(8))."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.checks.probes import LogText, LookAtNetwork
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, Port, listed
from orchestrator.planning.routes import routers
from orchestrator.planning.seen_network import FilterRule, read_network
from orchestrator.quick_dataclass import dataclass

# A sentence names so many.
MOST_NAMED = 2


@dataclass(frozen=True)
class FoundRules:
    """Rules that may have met the packets of a connection: node and rule, the asker's first."""

    pairs: tuple[tuple[str, FilterRule], ...]

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
            "a packet filter rule that wirelab did not make stands"
            if count == 1
            else (f"{count} packet filter rules that wirelab did not make stand")
        )
        named = "; ".join(f"{rule}" for _, rule in self.pairs[:MOST_NAMED])
        return f"{subject} in {listed(self.nodes)} ({named}{'; ...' if count > MOST_NAMED else ''})."


def ends_of(attempt: ConnectionAttempt) -> tuple[str, ...]:
    """The asker, and the target where it is a node."""
    return (attempt.asker, *([attempt.target] if attempt.target else []))


def rule_probes(attempt: ConnectionAttempt, ends: Iterable[str]) -> tuple[LookAtNetwork, ...]:
    """The looks into these nodes, and into the routers if the asker shares no network with one of them."""
    return tuple(LookAtNetwork(node) for node in _on_the_way(attempt, ends))


def found_rules(
    attempt: ConnectionAttempt, results: Answers, ends: Iterable[str], port: Port, addresses: Iterable[str]
) -> FoundRules | None:
    """The rules in these nodes that may have met packets for this port, to or from these addresses; None if none did.

    None, too, where nobody has looked.
    """
    own = frozenset(addresses)
    pairs = []
    for node in _on_the_way(attempt, ends):
        seen = results.get(LookAtNetwork(node))
        rules = read_network(seen.text).filter_rules if isinstance(seen, LogText) else ()
        pairs += [(node, rule) for rule in rules if rule.may_meet(port.protocol, port.number, own)]
    return FoundRules(tuple(pairs)) if pairs else None


def addresses_of_ends(attempt: ConnectionAttempt, ends: Iterable[str]) -> frozenset[str]:
    """All addresses of these nodes, and the one to which the attempt leads."""
    topology = attempt.context.topology
    own = {str(address) for node in ends for address in topology.addresses_of(node)}
    return frozenset((*own, *([attempt.address] if attempt.address else [])))


def _on_the_way(attempt: ConnectionAttempt, ends: Iterable[str]) -> tuple[str, ...]:
    nodes = tuple(dict.fromkeys(ends))
    far = any(not attempt.shares_network_with(node) for node in nodes)
    return (*nodes, *(r for r in routers(attempt.context.topology) if far and r not in nodes))
