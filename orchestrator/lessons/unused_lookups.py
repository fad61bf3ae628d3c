"""Lookups of a learner that nothing followed: no packet went to an address that was answered.

A program that looks a name up and then has no route to its address sends nothing at all, and neither does one that only
looks names up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import Different, dns_answer, question_text
from orchestrator.lessons.observations import ResolvesObservation
from orchestrator.traffic.exchanges.events import DnsExchange, ExchangeStart

ADDRESS_TYPES = ("A", "AAAA")
# A program connects some milliseconds after its lookup. A search for a machine on the network is noticed at its second
# try, a second later.
UNUSED_SECONDS = 1.3
# By then it is asked whether there is a route, so that the reason is known in time.
DOUBTFUL_SECONDS = 0.5


@dataclass(frozen=True)
class UnusedLookup:
    """The questions of a node for one name: what was asked and answered, the addresses and the nodes that bear them."""

    node: str
    name: str
    question_text: str
    addresses: tuple[str, ...]
    nodes: frozenset[str]
    since: float

    def is_used_by(self, start: ExchangeStart) -> bool:
        """Whether this packet goes to one of the addresses, or to whoever passes packets on to it."""
        if start.client != self.node:
            return False
        ends = {start.server, start.server_address, start.subject}
        return start.kind in ("arp", "ndp") or not ends.isdisjoint({*self.addresses, *self.nodes})

    def different_from(self, wanted: str, reason: str = "") -> Different:
        """What is said of it; `reason` is why nothing could be sent, where that is known."""
        if not self.addresses:
            return Different("dns", self.question_text, wanted)
        rest = f", and sent nothing to {'that address' if len(self.addresses) == 1 else 'any of these addresses'}"
        because = f": {self.node} {reason}" if reason else " so far"
        return Different("address", f"{self.question_text}{rest}{because}", wanted)


class UnusedLookups:
    """The lookups of late. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._lookups: dict[tuple[str, str], UnusedLookup] = {}

    def note(self, event: DnsExchange, now: float) -> None:
        """A question was answered. Questions of a node for one name are one lookup."""
        lookup = _lookup_of(event, now)
        known = self._lookups.get((lookup.node, lookup.name))
        if known and lookup.addresses:
            addresses = tuple(dict.fromkeys((*known.addresses, *lookup.addresses)))
            text = f"{_question(event, lookup.name)}: {', '.join(addresses)}"
            lookup = replace(
                lookup, addresses=addresses, nodes=known.nodes | lookup.nodes, question_text=text, since=known.since
            )
        elif known:
            return
        self._lookups[lookup.node, lookup.name] = lookup

    def note_use(self, start: ExchangeStart) -> None:
        """A node sent something: what it looked up for that is used."""
        self._lookups = {key: lookup for key, lookup in self._lookups.items() if not lookup.is_used_by(start)}

    def doubtful(self, now: float) -> UnusedLookup | None:
        """The lookup that nothing has followed for a moment, the last one where there are several."""
        doubtful = [lookup for lookup in self._lookups.values() if now >= lookup.since + DOUBTFUL_SECONDS]
        return doubtful[-1] if doubtful else None

    def clear(self) -> None:
        """Forget all."""
        self._lookups.clear()


def _lookup_of(event: DnsExchange, now: float) -> UnusedLookup:
    name = event.name.lower().rstrip(".")
    records = [record for record in event.answers if record.type in ADDRESS_TYPES and event.type in ADDRESS_TYPES]
    addresses = tuple(record.value for record in records)
    answer = ", ".join(addresses) if addresses else dns_answer(event)
    text = f"{_question(event, name) if addresses else question_text(event)}: {answer}"
    nodes = frozenset(record.node for record in records if record.node)
    return UnusedLookup(event.flow.client.node, name, text, addresses, nodes, now)


def _question(event: DnsExchange, name: str) -> str:
    return f"{event.flow.client.node} asked {event.flow.server.node} for {name}"


def is_lookup_for(observation: BaseObservation, event: DnsExchange) -> bool:
    """Whether a question may come before what is wanted: the right node asks, and wants more than an answer."""
    is_query = event.operation == "query" and bool(event.rcode)
    return (
        is_query and event.flow.client.node == observation.client and not isinstance(observation, ResolvesObservation)
    )
