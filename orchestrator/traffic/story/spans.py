"""Build a tree of spans: which exchange was caused by which.

The rule: what a node asks between a request that it serves and the answer to it, it asks for that request. If the node
was serving several requests at that time, only packets decide: statements of one transaction belong together, and so
do the queries of a resolver for one name. Otherwise the span lists all requests that it may belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    ExchangeStart,
    Flow,
    SqlStatement,
    TcpClose,
    TrafficEvent,
    client_node,
    end_time,
    start_time,
)

# A server works on an exchange of these kinds; meanwhile it may ask other servers.
SERVED = frozenset({"http", "dns", "sql"})
# A request that hangs could otherwise gather the traffic of hours.
MOST_CHILDREN = 10_000


@dataclass(frozen=True, slots=True)
class EarlierConnection:
    """A connection where the story uses it, although it was opened earlier."""

    flow: Flow
    at: float


@dataclass(frozen=True, slots=True)
class Span:
    """An event and, by time, the spans that it caused.

    `possible_parents` are the exchanges of which one caused this, if the packets do not tell which. `possible_children`
    counts the spans elsewhere that may belong here; `omitted` counts the children that were too many to keep.
    """

    event: CompletedEvent | EarlierConnection
    children: tuple[Span, ...] = ()
    possible_parents: tuple[ExchangeStart, ...] = ()
    possible_children: int = 0
    omitted: int = 0

    @property
    def client_node(self) -> str:
        """The node that began it."""
        return self.event.flow.client.node if isinstance(self.event, EarlierConnection) else client_node(self.event)

    @property
    def at(self) -> float:
        """When it began, in seconds since 1970."""
        return start_order(self)[0]


def start_order(span: Span) -> tuple[float, int]:
    """Sort key: by time, and within one moment by the order in which the packets were read."""
    if isinstance(span.event, EarlierConnection):
        return span.event.at, 0
    return start_time(span.event), span.event.exchange


class _OpenSpan:
    """An exchange that goes on, or that waits for what it may have caused."""

    __slots__ = ("candidates", "children", "ended", "group", "omitted", "possible_children", "start", "waiting")

    def __init__(self, start: ExchangeStart, candidates: tuple[_OpenSpan, ...]) -> None:
        self.start = start
        self.candidates = candidates
        self.ended: CompletedEvent | None = None
        self.group: _SpanGroup | None = None
        self.children: list[Span] = []
        self.waiting = 0
        self.possible_children = 0
        self.omitted = 0

    def add_child(self, span: Span) -> None:
        if len(self.children) < MOST_CHILDREN:
            self.children.append(span)
        else:
            self.omitted += 1

    def served_until(self, when: float) -> bool:
        """Whether this was still being served at that time."""
        end = end_time(self.ended) if self.ended is not None else None
        return end is None or end >= when

    def until(self) -> float:
        """The time of the last packet of this exchange."""
        assert self.ended is not None
        end = end_time(self.ended)
        return end if end is not None else getattr(self.ended, "last_try", start_time(self.ended))

    def parents(self) -> tuple[_OpenSpan, ...]:
        """The requests that were being served from the beginning to the end of this exchange."""
        until = self.until()
        return tuple(candidate for candidate in self.candidates if candidate.served_until(until))

    def finished(self, possible_parents: tuple[_OpenSpan, ...] = ()) -> Span:
        assert self.ended is not None
        children = tuple(sorted(self.children, key=start_order))
        starts = tuple(parent.start for parent in possible_parents)
        return Span(self.ended, children, starts, self.possible_children, self.omitted)


class _SpanGroup:
    """Spans that have the same parent: the statements of one transaction, otherwise a single span."""

    __slots__ = ("complete", "decided", "spans")

    def __init__(self) -> None:
        self.spans: list[_OpenSpan] = []
        self.complete = False
        self.decided = False

    def ready(self) -> bool:
        return self.complete and not self.decided and not any(span.waiting for span in self.spans)

    def common_parents(self) -> tuple[_OpenSpan, ...]:
        """The requests that last longer than all spans of the group; empty if there is none."""
        parents = [span.parents() for span in self.spans]
        return tuple(parent for parent in parents[0] if all(parent in others for others in parents[1:]))


def build_spans(events: Iterable[TrafficEvent]) -> Iterator[Span]:
    """The spans that have no parent, each as soon as everything that it may have caused has ended.

    Keeps in memory what is open, and what waits for something open.
    """
    tree = SpanTree()
    for event in events:
        if isinstance(event, ExchangeStart):
            tree.begin(event)
        else:
            yield from tree.end(event)
    yield from tree.flush()


class SpanTree:
    """The open exchanges by number, by the node that serves them, and by transaction."""

    def __init__(self) -> None:
        self._open: dict[int, _OpenSpan] = {}
        self._served: dict[str, dict[int, _OpenSpan]] = {}
        self._transactions: dict[tuple[int, int], _SpanGroup] = {}
        self._undecided: dict[int, _SpanGroup] = {}

    def begin(self, start: ExchangeStart) -> None:
        candidates = self._candidates(start)
        for candidate in candidates:
            candidate.waiting += 1
        span = self._open[start.exchange] = _OpenSpan(start, candidates)
        if start.kind in SERVED:
            self._served.setdefault(start.server, {})[start.exchange] = span

    def _candidates(self, start: ExchangeStart) -> tuple[_OpenSpan, ...]:
        """What the client was serving when it asked; a resolver asks others for the same name (RFC 1034, 5.3.3)."""
        served = tuple(self._served.get(start.client, {}).values())
        if start.kind == "dns" and len(served) > 1:
            same = tuple(span for span in served if span.start.kind == "dns" and span.start.subject == start.subject)
            return same or served
        return served

    def end(self, event: CompletedEvent) -> Iterator[Span]:
        span = self._open.pop(event.exchange, None)
        if span is None:
            yield from self._point_event(event)
            return
        span.ended = event
        if span.start.kind in SERVED:
            del self._served[span.start.server][event.exchange]
        group = self._group_of(event)
        group.spans.append(span)
        span.group = group
        self._undecided[id(group)] = group
        yield from self._settle([group])

    def _group_of(self, event: CompletedEvent) -> _SpanGroup:
        if not isinstance(event, SqlStatement):
            group = _SpanGroup()
            group.complete = True
            return group
        key = (event.flow.number, event.transaction)
        group = self._transactions.setdefault(key, _SpanGroup())
        # If the server did not answer, nothing more comes on this connection.
        if event.last or event.outcome in ("closed", "reset", "pending"):
            group.complete = True
            del self._transactions[key]
        return group

    def _point_event(self, event: CompletedEvent) -> Iterator[Span]:
        """An event without a start. `group_by_connection` puts the close of a connection where it belongs."""
        if isinstance(event, TcpClose):
            for key in [key for key in self._transactions if key[0] == event.flow.number]:
                group = self._transactions.pop(key)
                group.complete = True
                yield from self._settle([group])
            yield Span(event)
            return
        served = tuple(self._served.get(client_node(event), {}).values())
        if len(served) == 1:
            served[0].add_child(Span(event))
            return
        for span in served:
            span.possible_children += 1
        yield Span(event, possible_parents=tuple(span.start for span in served))

    def _settle(self, groups: list[_SpanGroup]) -> Iterator[Span]:
        """Find the parents of these groups, and of those that waited for nothing else."""
        while groups:
            group = groups.pop()
            if not group.ready():
                continue
            yield from self._decide(group)
            for candidate in (candidate for span in group.spans for candidate in span.candidates):
                candidate.waiting -= 1
                if candidate.group is not None:
                    groups.append(candidate.group)

    def _decide(self, group: _SpanGroup) -> Iterator[Span]:
        group.decided = True
        self._undecided.pop(id(group), None)
        common = group.common_parents()
        for span in group.spans:
            parents = common or span.parents()
            if len(parents) == 1:
                parents[0].add_child(span.finished())
                continue
            for parent in parents:
                parent.possible_children += 1
            grandparents = {parent.candidates for parent in parents}
            above = next(iter(grandparents)) if len(grandparents) == 1 else ()
            if len(above) == 1 and above[0].served_until(span.until()):
                above[0].add_child(span.finished(parents))
            else:
                yield span.finished(parents)

    def flush(self) -> Iterator[Span]:
        """Decide what still waits when the capture ends; the youngest first, because it may be a child of others."""
        undecided = self._undecided.values()
        for group in sorted(undecided, key=lambda group: -max(span.start.exchange for span in group.spans)):
            if group.decided:
                continue
            group.complete = True
            for span in group.spans:
                span.waiting = 0
            yield from self._settle([group])
