"""Exchanges as they happen, each with its parent: told when it begins, again when it ends, and when more is known.

A story is built when everything is over. Who watches wants each exchange at once. So its parent is first what its
client was serving at that moment, if that is one request, and later what the tree of spans decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    ExchangeStart,
    HttpExchange,
    IcmpError,
    SqlSession,
    SqlStatement,
    SshGreeting,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    TrafficEvent,
    UnansweredArp,
    client_node,
    end_time,
    server_node,
    start_time,
)
from orchestrator.traffic.roles import traffic_roles
from orchestrator.traffic.story.connection_groups import group_by_connection
from orchestrator.traffic.story.spans import SERVED, EarlierConnection, Span, SpanTree

MOST_KEPT = 500
PROBED_KEPT = 100
# The kind of an event whose start nobody saw, as `ExchangeStart` names it.
KINDS: dict[type, str] = {
    TcpHandshake: "opening", DnsExchange: "dns", HttpExchange: "http", SqlSession: "sql-start", SqlStatement: "sql",
    TlsHandshake: "tls", SshGreeting: "ssh", DatagramFlow: "udp", IcmpError: "icmp", UnansweredArp: "arp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveExchange:
    """An exchange as far as it is known; `event` is None while it goes on, `is_probe` says that a check caused it.

    `flow` is the number of its connection, 0 where it has none.
    """

    number: int
    parent: int | None
    kind: str
    at: float
    client: str
    server: str
    flow: int
    subject: str
    event: CompletedEvent | None = None
    is_probe: bool = False

    @property
    def ended(self) -> float | None:
        """When it was over; None while it goes on, and where no packet ended it."""
        return end_time(self.event) if self.event else None


class LiveExchanges:
    """The last exchanges of a lab; each method returns those that are new or have changed."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: dict[int, LiveExchange] = {}
        self._serving: dict[str, dict[int, None]] = {}
        self._openings: dict[int, int] = {}
        self._tree = SpanTree()
        self._probed: deque[tuple[str, float, float]] = deque(maxlen=PROBED_KEPT)
        self._proved: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        self._earlier: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
        self.dropped_before = 0

    @property
    def kept(self) -> tuple[LiveExchange, ...]:
        """What is remembered, the oldest first."""
        return tuple(self._kept.values())

    def of(self, number: int) -> LiveExchange | None:
        """The exchange of that number, where it is still remembered."""
        return self._kept.get(number)

    def on_event(self, event: TrafficEvent) -> tuple[LiveExchange, ...]:
        """An exchange began or ended."""
        if isinstance(event, ExchangeStart):
            self._tree.begin(event)
            return (self._begin(event),)
        changed = {exchange.number: exchange for exchange in self._end(event)}
        for span in self._tree.end(event):
            grouped = replace(span, children=group_by_connection(span.children))
            changed |= {exchange.number: exchange for exchange in self._with_parents(grouped.children, span)}
        return tuple(changed.values())

    def on_probes(self, node: str, since: float, until: float) -> tuple[LiveExchange, ...]:
        """Checks probed from the node in that time: what it began then, and what that caused, is theirs.

        Its packets may be read later than this is said.
        """
        self._probed.append((node, since, until))
        changed: dict[int, LiveExchange] = {}
        for exchange in self._kept.values():
            by_check = exchange.client == node and since <= exchange.at <= until
            if (by_check or exchange.parent in changed) and not exchange.is_probe:
                changed[exchange.number] = replace(exchange, is_probe=True)
        self._kept.update(changed)
        return tuple(changed.values())

    def acts_as(self) -> dict[str, str]:
        """What each node was seen to be, by traffic that no check caused: client, server or both."""
        proved = [roles for number, roles in self._proved.items() if not self._kept[number].is_probe]
        clients = self._earlier[0].union(*(roles[0] for roles in proved))
        servers = self._earlier[1].union(*(roles[1] for roles in proved))
        return {
            node: "both" if node in clients and node in servers else "client" if node in clients else "server"
            for node in clients | servers
        }

    def _begin(self, start: ExchangeStart) -> LiveExchange:
        exchange = LiveExchange(
            start.exchange,
            self._parent(start),
            start.kind,
            start.at,
            start.client,
            start.server,
            start.flow,
            start.subject,
        )
        if start.kind == "opening":
            self._openings[start.flow] = start.exchange
        if start.kind in SERVED:
            self._serving.setdefault(start.server, {})[start.exchange] = None
        return self._keep(self._like_parent(exchange))

    def _parent(self, start: ExchangeStart) -> int | None:
        """The request that its client serves, or the opening of its connection, where that stands below the same."""
        serving = self._serving.get(start.client, {})
        above = next(iter(serving)) if len(serving) == 1 else None
        opening = self._kept.get(self._openings.get(start.flow, 0))
        return opening.number if opening and opening.parent == above else above

    def _like_parent(self, exchange: LiveExchange) -> LiveExchange:
        parent = self._kept.get(exchange.parent or 0)
        by_check = any(exchange.client == node and since <= exchange.at <= until for node, since, until in self._probed)
        return replace(exchange, is_probe=True) if by_check or (parent and parent.is_probe) else exchange

    def _end(self, event: CompletedEvent) -> Iterator[LiveExchange]:
        exchange = self._kept.get(event.exchange)
        if isinstance(event, TcpClose):
            self._openings.pop(event.flow.number, None)
            return
        if exchange is None and event.exchange < self.dropped_before:
            return
        exchange = exchange or self._like_parent(self._without_start(event))
        self._serving.get(exchange.server, {}).pop(exchange.number, None)
        # What is known at the end is who the server really was, such as the node behind an address.
        client, server = client_node(event), server_node(event)
        if proved := traffic_roles((event,)).proved:
            clients = frozenset(relation.client for relation in proved)
            self._proved[exchange.number] = clients, frozenset(relation.server for relation in proved)
        yield self._keep(replace(exchange, event=event, client=client, server=server))

    def _without_start(self, event: CompletedEvent) -> LiveExchange:
        """An exchange whose beginning nobody saw, or that is a moment only."""
        flow = 0 if isinstance(event, UnansweredArp) else event.flow.number
        number, client, server = event.exchange, client_node(event), server_node(event)
        opening = self._kept.get(self._openings.get(flow, 0))
        parent = opening.number if opening else None
        return LiveExchange(number, parent, KINDS[type(event)], start_time(event), client, server, flow, "")

    def _with_parents(self, spans: Iterable[Span], above: Span) -> Iterator[LiveExchange]:
        parent = _number(above)
        for span in spans:
            exchange = self._kept.get(_number(span) or 0)
            if exchange and parent and exchange.parent != parent:
                yield self._keep(self._like_parent(replace(exchange, parent=parent)))
            yield from self._with_parents(span.children, span if _number(span) else above)

    def _keep(self, exchange: LiveExchange) -> LiveExchange:
        self._kept[exchange.number] = exchange
        while len(self._kept) > self._most:
            oldest = self._kept.pop(next(iter(self._kept)))
            proved = self._proved.pop(oldest.number, None)
            if proved and not oldest.is_probe:
                self._earlier = (self._earlier[0] | proved[0], self._earlier[1] | proved[1])
            self._serving.get(oldest.server, {}).pop(oldest.number, None)
            self.dropped_before = max(self.dropped_before, oldest.number + 1)
        return exchange


def _number(span: Span) -> int | None:
    return None if isinstance(span.event, EarlierConnection) else span.event.exchange
