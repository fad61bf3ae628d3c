"""What served what is told from packets alone, and where they do not tell it, the story says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from recorded import NODES, RECORDINGS, events, recorded

from orchestrator.rendering.story import story_text
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import (
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    HttpExchange,
    SqlStatement,
    TcpClose,
    TcpHandshake,
)
from orchestrator.traffic.story import (
    EarlierConnection,
    Exclusion,
    Span,
    build_spans,
    build_story,
    live_spans,
    split_events,
)


def walk(spans: tuple[Span, ...]) -> Iterator[Span]:
    for span in spans:
        yield span
        yield from walk(span.children)


def below(span: Span, kind: type) -> list[Span]:
    return [child for child in walk(span.children) if isinstance(child.event, kind)]


def requests(name: str) -> list[Span]:
    return [span for span in walk(recorded(name).spans) if isinstance(span.event, HttpExchange)]


def test_the_apps_question_and_statements_stand_below_the_request() -> None:
    """client -> app, and within it app -> dns, app -> db: a server that is itself a client."""
    [request] = requests("first")
    asked = [(span.event.name, span.event.type) for span in below(request, DnsExchange)]
    assert asked == [("db.shop.lab", "A"), ("db.shop.lab", "AAAA")]
    assert [span.event.sql for span in below(request, SqlStatement)] == [
        "BEGIN",
        "SELECT id, name FROM items ORDER BY id",
        "COMMIT",
    ]


def test_a_chain_of_servers_nests_as_deep_as_it_goes() -> None:
    """app asks app2, which asks the database: three levels."""
    outer, inner = requests("chain")
    assert inner in list(walk(outer.children))
    assert len(below(inner, SqlStatement)) == 3


def test_an_upstream_question_stands_below_the_question_that_caused_it() -> None:
    """A resolver's own question is shown within its client's; the second time it asks nobody."""
    first, second = recorded("upstream").spans
    assert [span.event.flow.server.node for span in below(first, DnsExchange)] == ["dns2"]
    assert second.children == ()
    text = story_text(recorded("upstream"))
    assert "(from dns2)" in text
    assert "(from its cache)" in text


def test_a_connection_opened_before_the_capture_is_said_to_be() -> None:
    """No packet shows the opening, so none is told; the statements are."""
    [request] = requests("earlier")
    [head] = request.children
    assert isinstance(head.event, EarlierConnection)
    assert head.event.flow.opened is None
    assert len(head.children) == 3
    assert "opened before the capture began" in story_text(recorded("earlier"))


def test_a_connection_opened_in_an_earlier_request_names_the_question_that_led_to_it() -> None:
    """The pool's connection of the first request serves the second: the story says when and by which name."""
    story = story_text(recorded("overlap"))
    assert "opened earlier, at" in story
    assert "asking for db.shop.lab" in story


def test_overlapping_requests_are_not_guessed_apart() -> None:
    """Two requests were open when the app asked DNS: the question stands in doubt, and both requests say so."""
    story = recorded("overlap")
    doubtful = [span for span in walk(story.spans) if span.possible_parents]
    assert {type(span.event) for span in doubtful} >= {DnsExchange, TcpHandshake}
    assert all(len(span.possible_parents) == 2 for span in doubtful)
    assert [span.possible_children > 0 for span in requests("overlap")] == [True, True]


def test_a_transaction_is_decided_as_one() -> None:
    """A transaction that lasts longer than one of two requests belongs to the other, with its BEGIN."""
    for request in requests("overlap"):
        statements = below(request, SqlStatement)
        assert [span.event.sql for span in statements] == ["BEGIN", "SELECT pg_sleep(0.3)", "COMMIT"]
        assert not any(span.possible_parents for span in statements)


@pytest.mark.slow
def test_every_exchange_is_told_once() -> None:
    """Nothing is lost between the events and the tree, and nothing is shown twice."""
    for path in RECORDINGS.glob("*.pcapng"):
        ended = [event.exchange for event in events(path.stem) if not isinstance(event, ExchangeStart)]
        still_open = {
            event.exchange for event in events(path.stem) if isinstance(event, TcpClose) and event.how == "open"
        }
        story = [
            span.event.exchange
            for span in walk(recorded(path.stem).spans)
            if not isinstance(span.event, EarlierConnection)
        ]
        assert sorted(story) == sorted(set(ended) - still_open), path.stem


def test_marked_traffic_is_left_out_with_all_that_it_caused() -> None:
    """What a check did is hidden and counted; the rest of the story stays."""
    start = recorded("second").began
    assert start is not None
    exclusion = Exclusion("check traffic", "client", since=start, until=start + 0.03)
    story = recorded("second", (exclusion,))
    assert story.hidden[0][0] == "check traffic"
    assert len([span for span in walk(story.spans) if isinstance(span.event, HttpExchange)]) == 1
    assert "of check traffic." in story_text(story)


def test_a_mark_by_ports_covers_only_these_ports() -> None:
    """A check that binds its source port is told apart from everything else of the same node."""
    ports = {event.flow.client.port for event in events("second") if isinstance(event, TcpHandshake)}
    exclusion = Exclusion("checks", "client", ports=frozenset(ports))
    story = recorded("second", (exclusion,))
    assert not [span for span in walk(story.spans) if isinstance(span.event, HttpExchange)]
    assert [span for span in walk(story.spans) if isinstance(span.event, DnsExchange)]


# made by hand: cases that a lab does not give on demand


def flow(number: int, client: str, server: str, port: int) -> Flow:
    return Flow(number, "tcp", Endpoint(client, client, 40000 + number), Endpoint(server, server, port), 0.0)


def http(exchange: int, where: Flow, start: float, end: float | None) -> tuple[ExchangeStart, HttpExchange]:
    client, server = where.client.node, where.server.node
    began = ExchangeStart(exchange, "http", start, client, server, where.number, "GET /")
    outcome = "answered" if end is not None else "pending"
    return began, HttpExchange(exchange, where, start, end, "GET", "/", "", 200, "OK", 0, outcome)


def sql(exchange: int, where: Flow, start: float, end: float, last: bool) -> tuple[ExchangeStart, SqlStatement]:
    client, server = where.client.node, where.server.node
    began = ExchangeStart(exchange, "sql", start, client, server, where.number, "SELECT 1")
    return began, SqlStatement(exchange, where, start, end, "SELECT 1", True, False, "SELECT 1", 1, "", "done", 0, last)


def test_statements_after_the_answer_do_not_pull_the_others_out_of_the_request() -> None:
    """A COMMIT that follows the answer stands alone; what came before it still serves the request."""
    outer = http(1, flow(1, "client", "app", 80), 0.0, 3.0)
    first = sql(2, flow(2, "app", "db", 5432), 1.0, 2.0, False)
    late = sql(3, flow(2, "app", "db", 5432), 4.0, 5.0, True)
    story = tuple(build_spans([outer[0], *first, outer[1], *late]))
    assert [span.event.exchange for span in story] == [3, 1]
    assert [span.event.exchange for span in story[1].children] == [2]


def test_doubt_between_two_inner_requests_stays_within_the_outer_one() -> None:
    """A proxy asks one app twice for one request: whose statement it is cannot be told, whose request it is can."""
    outer = http(1, flow(1, "client", "proxy", 80), 0.0, 9.0)
    left = http(2, flow(2, "proxy", "app", 80), 1.0, 8.0)
    right = http(3, flow(3, "proxy", "app", 80), 2.0, 8.5)
    inner = sql(4, flow(4, "app", "db", 5432), 3.0, 4.0, True)
    [story] = build_spans([outer[0], left[0], right[0], *inner, left[1], right[1], outer[1]])
    assert sorted(span.event.exchange for span in story.children) == [2, 3, 4]
    [doubtful] = [span for span in story.children if span.possible_parents]
    assert [began.exchange for began in doubtful.possible_parents] == [2, 3]


def test_a_request_that_is_never_answered_still_has_its_children() -> None:
    """The capture ended first: what the app did meanwhile stands below the open request."""
    outer = http(1, flow(1, "client", "app", 80), 0.0, None)
    inner = sql(2, flow(2, "app", "db", 5432), 1.0, 2.0, True)
    [story] = build_spans([outer[0], *inner, outer[1]])
    assert [span.event.exchange for span in story.children] == [2]


def test_a_transaction_that_nobody_ends_is_told_when_the_capture_ends() -> None:
    """Idle in transaction: nothing is kept back for ever."""
    outer = http(1, flow(1, "client", "app", 80), 0.0, 3.0)
    inner = sql(2, flow(2, "app", "db", 5432), 1.0, 2.0, False)
    [story] = build_spans([outer[0], *inner, outer[1]])
    assert [span.event.exchange for span in story.children] == [2]


def test_no_packets_no_story() -> None:
    """An empty capture is told as such."""
    story = build_story(read_events([], NODES))
    assert story_text(story) == "Nothing happened: no packet of a conversation was captured.\n"


def test_a_story_of_which_all_is_left_out_does_not_say_that_no_packet_was_captured() -> None:
    """It was, and what it told is counted."""
    story = replace(build_story(read_events([], NODES)), hidden=(("the checks", 44),))
    assert story_text(story) == "Nothing happened but what is left out.\nLeft out: 44 exchanges of the checks.\n"


def test_the_end_of_a_connection_that_is_left_out_is_left_out_too() -> None:
    """Somebody else may end it, after the marked time: it would stand there as the end of nothing."""
    marked = recorded("first", (Exclusion("the checks", "client"),))
    assert marked.spans == ()
    assert [label for label, _ in marked.hidden] == ["the checks"]
    assert "exchanges of the checks." in story_text(marked)


def _numbers(story: tuple[Span, ...]) -> list[int]:
    return sorted(span.event.exchange for span in walk(story) if not isinstance(span.event, EarlierConnection))


def test_a_live_scene_is_told_whole_and_once() -> None:
    """The same events as in the story, with the connections below the request that opened them."""
    live = list(live_spans(events("first")))
    assert _numbers(tuple(live)) == _numbers(recorded("first").spans)
    request = next(span for span in live if isinstance(span.event, HttpExchange))
    assert {span.client_node for span in request.children} == {"app"}
    assert any(isinstance(span.event, TcpHandshake) and span.children for span in request.children)


def test_events_are_split_into_those_that_are_excluded_and_the_others() -> None:
    """With what they caused, and with the close of a connection that nobody else used; nothing is lost."""
    all_events = events("second")
    start = recorded("second").began
    assert start is not None
    kept, excluded = split_events(all_events, (Exclusion("the checks", "client", since=start, until=start + 0.03),))
    assert sorted(map(id, (*kept, *excluded))) == sorted(map(id, all_events))
    for part in (kept, excluded):
        [request] = [event for event in part if isinstance(event, HttpExchange)]
        assert {event.exchange for event in part if isinstance(event, ExchangeStart)} >= {request.exchange}
        assert [event for event in part if isinstance(event, SqlStatement)], "what the request caused goes with it"


def test_nothing_is_excluded_without_an_exclusion() -> None:
    """The negative control: a window of another node, and none at all."""
    all_events = tuple(events("second"))
    assert split_events(all_events, ()) == (all_events, ())
    assert split_events(all_events, (Exclusion("the checks", "nobody"),)) == (all_events, ())
