"""The story of a capture: its spans, what was counted, what is missing and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    ExchangeStart,
    HttpExchange,
    SqlStatement,
    TcpClose,
    TcpHandshake,
    TrafficEvent,
    UnansweredArp,
    client_node,
    start_time,
)
from orchestrator.traffic.story.connection_groups import group_by_connection
from orchestrator.traffic.story.spans import EarlierConnection, Span, build_spans


@dataclass(frozen=True)
class PacketLosses:
    """Missing packets: dropped by the kernel, overwritten in the ring, or unreadable."""

    dropped: int = 0
    overwritten: int = 0
    unreadable: int = 0

    @property
    def any(self) -> bool:
        return bool(self.dropped or self.overwritten or self.unreadable)


@dataclass(frozen=True)
class Exclusion:
    """Traffic that a story leaves out and counts, such as that of the checks.

    It covers what `node` began between `since` and `until` (seconds since 1970), from one of the `ports` if any are
    given, and everything that this caused.
    """

    label: str
    node: str
    since: float = -inf
    until: float = inf
    ports: frozenset[int] = frozenset()

    def covers(self, event: CompletedEvent) -> bool:
        """Whether this event is left out."""
        if client_node(event) != self.node or not self.since <= start_time(event) <= self.until:
            return False
        return not self.ports or (not isinstance(event, UnansweredArp) and event.flow.client.port in self.ports)


@dataclass
class ExchangeCounts:
    """How many exchanges of each kind there were, shown or not."""

    questions: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    statements: int = 0
    connections: int = 0
    refused: int = 0
    silent: int = 0
    datagrams: int = 0
    pings: int = 0

    def add(self, event: CompletedEvent) -> None:
        match event:
            case DnsExchange(operation="query"):
                self.questions[event.type] = self.questions.get(event.type, 0) + event.tries
            case HttpExchange(method=method) if method:
                self.requests += 1
            case SqlStatement():
                self.statements += 1
            case TcpHandshake(outcome="accepted"):
                self.connections += 1
            case TcpHandshake(outcome="refused"):
                self.refused += 1
            case TcpHandshake():
                self.silent += 1
            case DatagramFlow(flow=flow) if flow.protocol == "icmp":
                self.pings += event.sent
            case DatagramFlow():
                self.datagrams += 1


@dataclass(frozen=True)
class Story:
    """What happened, as a tree; `began` is the time of the first event, None if there was none.

    `hidden` counts the spans that were left out, by the label of the exclusion.
    """

    spans: tuple[Span, ...]
    began: float | None
    counts: ExchangeCounts
    losses: PacketLosses = PacketLosses()
    hidden: tuple[tuple[str, int], ...] = ()


def count_events(events: Iterable[TrafficEvent], counts: ExchangeCounts) -> Iterator[TrafficEvent]:
    """The same events; adds each completed one to `counts` on its way."""
    for event in events:
        if not isinstance(event, ExchangeStart):
            counts.add(event)
        yield event


def build_story(
    events: Iterable[TrafficEvent],
    *,
    losses: PacketLosses = PacketLosses(),
    exclusions: tuple[Exclusion, ...] = (),
    began_by: str = "",
) -> Story:
    """The whole story of these events, without the traffic that `exclusions` cover.

    With `began_by`, only what this node began, for itself or because of a request that it served; only that is
    counted then.
    """
    counts = ExchangeCounts()
    kept, excluded, hidden = [], [], dict.fromkeys((exclusion.label for exclusion in exclusions), 0)
    for span in build_spans(count_events(events, counts)):
        event = span.event
        assert not isinstance(event, EarlierConnection)
        label = next((exclusion.label for exclusion in exclusions if exclusion.covers(event)), None)
        if label is None:
            kept.append(span)
        elif not isinstance(event, TcpClose):
            excluded.append(span)
            hidden[label] += 1
    only_excluded = _flow_numbers(excluded) - _flow_numbers(kept, closes=False)
    kept = [span for span in kept if not (isinstance(span.event, TcpClose) and span.event.flow.number in only_excluded)]
    if began_by:
        kept = list(_began_by(kept, began_by))
        counts = ExchangeCounts()
        _count_spans(kept, counts)
    spans = group_by_connection(kept)
    began = min((span.at for span in spans), default=None)
    return Story(spans, began, counts, losses, tuple(item for item in hidden.items() if item[1]))


def split_events(
    events: Sequence[TrafficEvent], exclusions: Sequence[Exclusion]
) -> tuple[tuple[TrafficEvent, ...], tuple[TrafficEvent, ...]]:
    """The events that no exclusion covers, and those that one covers, each with what it caused.

    The close of a connection goes where the connection was used.
    """
    excluded = set[int]()
    excluded_flows, kept_flows = set[int](), set[int]()
    for span in build_spans(events):
        event = span.event
        assert not isinstance(event, EarlierConnection)
        if isinstance(event, TcpClose):
            continue
        covered = any(exclusion.covers(event) for exclusion in exclusions)
        if covered:
            excluded.update(_exchange_numbers((span,)))
        (excluded_flows if covered else kept_flows).update(_flow_numbers((span,)))
    only_excluded = excluded_flows - kept_flows

    def is_excluded(event: TrafficEvent) -> bool:
        if isinstance(event, TcpClose):
            return event.flow.number in only_excluded
        return event.exchange in excluded

    return (
        tuple(event for event in events if not is_excluded(event)),
        tuple(event for event in events if is_excluded(event)),
    )


def _exchange_numbers(spans: Iterable[Span]) -> Iterator[int]:
    for span in spans:
        if not isinstance(span.event, EarlierConnection):
            yield span.event.exchange
        yield from _exchange_numbers(span.children)


def _began_by(spans: Iterable[Span], node: str) -> Iterator[Span]:
    """The spans that a node began, at any depth, with everything that they caused."""
    for span in spans:
        if span.client_node == node:
            yield span
        else:
            yield from _began_by(span.children, node)


def _count_spans(spans: Iterable[Span], counts: ExchangeCounts) -> None:
    for span in spans:
        if not isinstance(span.event, EarlierConnection):
            counts.add(span.event)
        _count_spans(span.children, counts)


def _flow_numbers(spans: Iterable[Span], *, closes: bool = True) -> set[int]:
    """The numbers of the flows on which these spans and those below them happened."""
    numbers = set()
    for span in spans:
        event = span.event
        if not isinstance(event, UnansweredArp) and (closes or not isinstance(event, TcpClose)):
            numbers.add(event.flow.number)
        numbers |= _flow_numbers(span.children, closes=closes)
    return numbers


def live_spans(events: Iterable[TrafficEvent], began_by: str = "") -> Iterator[Span]:
    """Each span without a parent as soon as it is over, its children below their connections.

    With `began_by`, only what this node began.
    """
    for span in _began_by(build_spans(events), began_by) if began_by else build_spans(events):
        if not (isinstance(span.event, TcpClose) and span.event.how == "open"):
            yield replace(span, children=group_by_connection(span.children))
