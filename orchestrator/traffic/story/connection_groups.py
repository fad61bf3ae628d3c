"""Put the spans of one level below the connections that carried them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.traffic.exchanges.events import Flow, TcpClose, TcpHandshake, UnansweredArp, end_time, start_time
from orchestrator.traffic.story.spans import EarlierConnection, Span, start_order


def group_by_connection(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans by time; those of one TCP connection below its handshake, or below an `EarlierConnection`.

    A close goes to its connection, where that was in use at the time. A connection that was still open when the
    capture ended has no close.
    """
    level, closes = [], {}
    for span in spans:
        if isinstance(span.event, TcpClose):
            closes[span.event.flow.number] = span
        else:
            level.append(span)
    grouped = _level(level, closes, None)
    alone = [_close_alone(span) for span in closes.values()]
    return tuple(sorted([*grouped, *(span for span in alone if span is not None)], key=start_order))


def _close_alone(span: Span) -> Span | None:
    """A close where nothing else was said on the connection."""
    event = span.event
    if not isinstance(event, TcpClose) or event.how == "open":
        return None
    return Span(EarlierConnection(event.flow, event.at), (span,))


def _level(spans: list[Span], closes: dict[int, Span], parent: Span | None) -> tuple[Span, ...]:
    groups: dict[tuple[int, tuple[int, ...]], list[Span]] = {}
    for span in sorted(spans, key=start_order):
        inner = replace(span, children=_level(list(span.children), closes, span))
        flow = _tcp_flow(span)
        key = (flow.number if flow else -1 - len(groups), tuple(start.exchange for start in span.possible_parents))
        groups.setdefault(key, []).append(inner)
    grouped = []
    for group in groups.values():
        flow = _tcp_flow(group[0])
        grouped.append(group[0] if flow is None else _below_connection(flow, group, closes, parent))
    return tuple(sorted(grouped, key=start_order))


def _tcp_flow(span: Span) -> Flow | None:
    event = span.event
    if isinstance(event, EarlierConnection | UnansweredArp) or event.flow.protocol != "tcp":
        return None
    return event.flow


def _below_connection(flow: Flow, group: list[Span], closes: dict[int, Span], parent: Span | None) -> Span:
    first, rest = group[0], group[1:]
    if isinstance(first.event, TcpHandshake):
        head, members = first, [*first.children, *rest]
    else:
        head = Span(EarlierConnection(flow, start_order(first)[0]), possible_parents=first.possible_parents)
        members = group
    close = closes.get(flow.number)
    if close is not None and isinstance(close.event, TcpClose) and _covers(parent, close.event.at):
        del closes[flow.number]
        if close.event.how != "open":
            members = [*members, close]
    return replace(head, children=tuple(members))


def _covers(span: Span | None, when: float) -> bool:
    """Whether the exchange was going on at that time; the top of the story always is."""
    if span is None:
        return True
    if isinstance(span.event, EarlierConnection):
        return False
    end = end_time(span.event)
    return start_time(span.event) <= when and (end is None or when <= end)
