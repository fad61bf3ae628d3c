"""Exchanges are told as they happen; in the end each stands where the story has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from recorded import RECORDINGS, events, recorded

from orchestrator.traffic.exchanges.events import ExchangeStart, TcpClose
from orchestrator.traffic.story import EarlierConnection, LiveExchange, LiveExchanges, Span

NAMES = sorted(path.stem for path in RECORDINGS.glob("*.txt"))


def followed(name: str, most: int = 100_000) -> LiveExchanges:
    """All that happens in a recording."""
    live = LiveExchanges(most)
    for event in events(name):
        live.on_event(event)
    return live


def parents(spans: Iterable[Span], above: int | None = None) -> Iterator[tuple[int, int | None]]:
    """Number -> the number above it in the story; a connection from before the capture has no number."""
    for span in spans:
        event = span.event
        if isinstance(event, EarlierConnection):
            yield from parents(span.children, above)
        elif not isinstance(event, TcpClose):
            yield event.exchange, above
            yield from parents(span.children, event.exchange)


@pytest.mark.parametrize("name", NAMES)
def test_in_the_end_each_exchange_stands_where_the_story_has_it(name: str) -> None:
    story = dict(parents(recorded(name).spans))
    kept = {exchange.number: exchange.parent for exchange in followed(name).kept if exchange.event}
    assert {number: parent for number, parent in kept.items() if number in story} == {
        number: parent for number, parent in story.items() if number in kept
    }
    assert set(story) <= set(kept)


def test_an_exchange_is_told_when_it_begins_and_again_when_it_ends() -> None:
    live = LiveExchanges()
    seen: list[LiveExchange] = []
    for event in events("first"):
        changed = live.on_event(event)
        assert not isinstance(event, ExchangeStart) or [exchange.event for exchange in changed] == [None]
        seen += changed
    [request] = [exchange for exchange in live.kept if exchange.kind == "http"]
    assert [exchange.event is None for exchange in seen if exchange.number == request.number][:2] == [True, False]


def test_each_parent_is_told_before_its_child() -> None:
    told: set[int] = set()
    live = LiveExchanges()
    for event in events("first"):
        for exchange in live.on_event(event):
            assert exchange.parent is None or exchange.parent in told
            told.add(exchange.number)


def test_a_node_acts_as_what_it_was_seen_to_be() -> None:
    acts_as = followed("first").acts_as()
    assert (acts_as["client"], acts_as["app"], acts_as["db"], acts_as["dns"]) == ("client", "both", "server", "server")


def test_what_checks_cause_is_theirs_with_all_below_it_and_proves_no_role() -> None:
    live = followed("first")
    began = min(exchange.at for exchange in live.kept)
    assert live.on_probes("client", began - 2, began - 1) == ()
    changed = live.on_probes("client", began, began + 60)
    assert all(exchange.is_probe for exchange in live.kept if exchange.client in ("client", "app"))
    assert {exchange.number for exchange in changed} == {exchange.number for exchange in live.kept if exchange.is_probe}
    assert live.on_probes("client", began, began + 60) == ()
    assert "client" not in live.acts_as()


def test_what_checks_cause_is_theirs_also_if_its_packets_are_read_later() -> None:
    began = min(exchange.at for exchange in followed("first").kept)
    live = LiveExchanges()
    live.on_probes("client", began, began + 60)
    live.on_probes("db", began - 2, began - 1)
    for event in events("first"):
        live.on_event(event)
    assert {exchange.client for exchange in live.kept if exchange.is_probe} == {"client", "app"}
    assert "client" not in live.acts_as()


def test_only_the_last_are_kept_and_their_roles_stay_known() -> None:
    live = followed("first", most=3)
    assert len(live.kept) == 3
    assert live.dropped_before == min(exchange.number for exchange in live.kept)
    assert live.of(1) is None
    assert live.acts_as() == followed("first").acts_as()
