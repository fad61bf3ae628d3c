"""What served what is told from packets alone, and where they do not tell it, the story says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from recorded import NODES, RECORDINGS, events, recorded

from orchestrator.rendering.story import story_text
from orchestrator.traffic.exchanges import conversations
from orchestrator.traffic.exchanges.events import (
    Asked,
    Began,
    Closing,
    HttpExchange,
    Link,
    Opening,
    Party,
    SqlStatement,
)
from orchestrator.traffic.story import Earlier, Mark, Scene, live_scenes, scenes, story


def walk(found: tuple[Scene, ...]) -> Iterator[Scene]:
    for scene in found:
        yield scene
        yield from walk(scene.children)


def below(scene: Scene, kind: type) -> list[Scene]:
    return [found for found in walk(scene.children) if isinstance(found.event, kind)]


def requests(name: str) -> list[Scene]:
    return [scene for scene in walk(recorded(name).scenes) if isinstance(scene.event, HttpExchange)]


def test_the_apps_question_and_statements_stand_below_the_request() -> None:
    """client -> app, and within it app -> dns, app -> db: a server that is itself a client."""
    [request] = requests("first")
    asked = [(scene.event.name, scene.event.type) for scene in below(request, Asked)]
    assert asked == [("db.shop.lab", "A"), ("db.shop.lab", "AAAA")]
    assert [scene.event.sql for scene in below(request, SqlStatement)] == [
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
    first, second = recorded("upstream").scenes
    assert [scene.event.link.server.node for scene in below(first, Asked)] == ["dns2"]
    assert second.children == ()
    text = story_text(recorded("upstream"))
    assert "(from dns2)" in text
    assert "(from its cache)" in text


def test_a_connection_opened_before_the_capture_is_said_to_be() -> None:
    """No packet shows the opening, so none is told; the statements are."""
    [request] = requests("earlier")
    [head] = request.children
    assert isinstance(head.event, Earlier)
    assert head.event.link.opened is None
    assert len(head.children) == 3
    assert "opened before the capture began" in story_text(recorded("earlier"))


def test_a_connection_opened_in_an_earlier_request_names_the_question_that_led_to_it() -> None:
    """The pool's connection of the first request serves the second: the story says when and by which name."""
    told = story_text(recorded("overlap"))
    assert "opened earlier, at" in told
    assert "asking for db.shop.lab" in told


def test_overlapping_requests_are_not_guessed_apart() -> None:
    """Two requests were open when the app asked DNS: the question stands in doubt, and both requests say so."""
    told = recorded("overlap")
    doubtful = [scene for scene in walk(told.scenes) if scene.doubt]
    assert {type(scene.event) for scene in doubtful} >= {Asked, Opening}
    assert all(len(scene.doubt) == 2 for scene in doubtful)
    assert [scene.unsure > 0 for scene in requests("overlap")] == [True, True]


def test_a_transaction_is_decided_as_one() -> None:
    """A transaction that lasts longer than one of two requests belongs to the other, with its BEGIN."""
    for request in requests("overlap"):
        statements = below(request, SqlStatement)
        assert [scene.event.sql for scene in statements] == ["BEGIN", "SELECT pg_sleep(0.3)", "COMMIT"]
        assert not any(scene.doubt for scene in statements)


def test_every_exchange_is_told_once() -> None:
    """Nothing is lost between the events and the tree, and nothing is shown twice."""
    for path in RECORDINGS.glob("*.pcapng"):
        ended = [event.exchange for event in events(path.stem) if not isinstance(event, Began)]
        still_open = {
            event.exchange for event in events(path.stem) if isinstance(event, Closing) and event.how == "open"
        }
        told = [
            scene.event.exchange for scene in walk(recorded(path.stem).scenes) if not isinstance(scene.event, Earlier)
        ]
        assert sorted(told) == sorted(set(ended) - still_open), path.stem


def test_marked_traffic_is_left_out_with_all_that_it_caused() -> None:
    """What a check did is hidden and counted; the rest of the story stays."""
    start = recorded("second").began
    assert start is not None
    mark = Mark("check traffic", "client", since=start, until=start + 0.03)
    told = recorded("second", (mark,))
    assert told.hidden[0][0] == "check traffic"
    assert len([scene for scene in walk(told.scenes) if isinstance(scene.event, HttpExchange)]) == 1
    assert "of check traffic." in story_text(told)


def test_a_mark_by_ports_covers_only_these_ports() -> None:
    """A check that binds its source port is told apart from everything else of the same node."""
    ports = {event.link.client.port for event in events("second") if isinstance(event, Opening)}
    mark = Mark("checks", "client", ports=frozenset(ports))
    told = recorded("second", (mark,))
    assert not [scene for scene in walk(told.scenes) if isinstance(scene.event, HttpExchange)]
    assert [scene for scene in walk(told.scenes) if isinstance(scene.event, Asked)]


# made by hand: cases that a lab does not give on demand


def link(number: int, client: str, server: str, port: int) -> Link:
    return Link(number, "tcp", Party(client, client, 40000 + number), Party(server, server, port), 0.0)


def http(exchange: int, where: Link, start: float, end: float | None) -> tuple[Began, HttpExchange]:
    client, server = where.client.node, where.server.node
    began = Began(exchange, "http", start, client, server, where.number, "GET /")
    outcome = "answered" if end is not None else "pending"
    return began, HttpExchange(exchange, where, start, end, "GET", "/", "", 200, "OK", 0, outcome)


def sql(exchange: int, where: Link, start: float, end: float, last: bool) -> tuple[Began, SqlStatement]:
    client, server = where.client.node, where.server.node
    began = Began(exchange, "sql", start, client, server, where.number, "SELECT 1")
    return began, SqlStatement(exchange, where, start, end, "SELECT 1", True, False, "SELECT 1", 1, "", "done", 0, last)


def test_statements_after_the_answer_do_not_pull_the_others_out_of_the_request() -> None:
    """A COMMIT that follows the answer stands alone; what came before it still serves the request."""
    outer = http(1, link(1, "client", "app", 80), 0.0, 3.0)
    first = sql(2, link(2, "app", "db", 5432), 1.0, 2.0, False)
    late = sql(3, link(2, "app", "db", 5432), 4.0, 5.0, True)
    told = tuple(scenes([outer[0], *first, outer[1], *late]))
    assert [scene.event.exchange for scene in told] == [3, 1]
    assert [scene.event.exchange for scene in told[1].children] == [2]


def test_doubt_between_two_inner_requests_stays_within_the_outer_one() -> None:
    """A proxy asks one app twice for one request: whose statement it is cannot be told, whose request it is can."""
    outer = http(1, link(1, "client", "proxy", 80), 0.0, 9.0)
    left = http(2, link(2, "proxy", "app", 80), 1.0, 8.0)
    right = http(3, link(3, "proxy", "app", 80), 2.0, 8.5)
    inner = sql(4, link(4, "app", "db", 5432), 3.0, 4.0, True)
    [told] = scenes([outer[0], left[0], right[0], *inner, left[1], right[1], outer[1]])
    assert sorted(scene.event.exchange for scene in told.children) == [2, 3, 4]
    [doubtful] = [scene for scene in told.children if scene.doubt]
    assert [began.exchange for began in doubtful.doubt] == [2, 3]


def test_a_request_that_is_never_answered_still_has_its_children() -> None:
    """The capture ended first: what the app did meanwhile stands below the open request."""
    outer = http(1, link(1, "client", "app", 80), 0.0, None)
    inner = sql(2, link(2, "app", "db", 5432), 1.0, 2.0, True)
    [told] = scenes([outer[0], *inner, outer[1]])
    assert [scene.event.exchange for scene in told.children] == [2]


def test_a_transaction_that_nobody_ends_is_told_when_the_capture_ends() -> None:
    """Idle in transaction: nothing is kept back for ever."""
    outer = http(1, link(1, "client", "app", 80), 0.0, 3.0)
    inner = sql(2, link(2, "app", "db", 5432), 1.0, 2.0, False)
    [told] = scenes([outer[0], *inner, outer[1]])
    assert [scene.event.exchange for scene in told.children] == [2]


def test_no_packets_no_story() -> None:
    """An empty capture is told as such."""
    told = story(conversations([], NODES))
    assert story_text(told) == "Nothing happened: no packet of a conversation was captured.\n"


def test_a_story_of_which_all_is_left_out_does_not_say_that_no_packet_was_captured() -> None:
    """It was, and what it told is counted."""
    told = replace(story(conversations([], NODES)), hidden=(("the checks", 44),))
    assert story_text(told) == "Nothing happened but what is left out.\nLeft out: 44 exchanges of the checks.\n"


def test_the_end_of_a_connection_that_is_left_out_is_left_out_too() -> None:
    """Somebody else may end it, after the marked time: it would stand there as the end of nothing."""
    marked = recorded("first", (Mark("the checks", "client"),))
    assert marked.scenes == ()
    assert [label for label, _ in marked.hidden] == ["the checks"]
    assert "exchanges of the checks." in story_text(marked)


def _numbers(told: tuple[Scene, ...]) -> list[int]:
    return sorted(scene.event.exchange for scene in walk(told) if not isinstance(scene.event, Earlier))


def test_a_live_scene_is_told_whole_and_once() -> None:
    """The same events as in the story, with the connections below the request that opened them."""
    live = list(live_scenes(events("first")))
    assert _numbers(tuple(live)) == _numbers(recorded("first").scenes)
    request = next(scene for scene in live if isinstance(scene.event, HttpExchange))
    assert {scene.asker for scene in request.children} == {"app"}
    assert any(isinstance(scene.event, Opening) and scene.children for scene in request.children)
