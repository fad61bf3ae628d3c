"""Exchanges to a story: a tree of spans that shows who asked whom, what came of it, and what caused what."""

from orchestrator.traffic.story.connection_groups import group_by_connection
from orchestrator.traffic.story.live_exchanges import MOST_KEPT, LiveExchange, LiveExchanges
from orchestrator.traffic.story.spans import EarlierConnection, Span, build_spans
from orchestrator.traffic.story.story import (
    ExchangeCounts,
    Exclusion,
    PacketLosses,
    Story,
    build_story,
    count_events,
    live_spans,
    split_events,
)

__all__ = [
    "MOST_KEPT",
    "EarlierConnection",
    "ExchangeCounts",
    "Exclusion",
    "LiveExchange",
    "LiveExchanges",
    "PacketLosses",
    "Span",
    "Story",
    "build_spans",
    "build_story",
    "count_events",
    "group_by_connection",
    "live_spans",
    "split_events",
]
