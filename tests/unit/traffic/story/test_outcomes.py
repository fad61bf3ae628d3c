"""Each way in which a conversation can fail is told in words, from what was and what was not on the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recorded import NODES, events, lines, recorded

from orchestrator.rendering.event_sentences import earlier, event_words
from orchestrator.rendering.sequence import mermaid, svg
from orchestrator.rendering.story import story_text
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import DnsExchange, ExchangeStart, TcpHandshake, UnansweredArp
from orchestrator.traffic.packets import read_packets
from orchestrator.traffic.story import EarlierConnection, PacketLosses, build_story, live_spans


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refused", "client connects to app:81 -> refused (RST)"),
        ("silent", "client connects to app:80 -> no answer to 4 SYNs over 3."),
        ("nobody", "nobody has this address"),
        ("nobody6", "client looks for fd00:231::99 on its network (NDP, 3 times) -> nobody has this address"),
        ("operations", "client asks dns for app.shop.lab A -> BADVERS"),
        ("operations", "client tells dns that the zone shop.lab has changed (NOTIFY) -> accepted"),
        ("operations", "client asks dns to change the zone shop.lab (UPDATE) -> REFUSED"),
        ("operations", "4 DNS questions (3 A, 1 SOA)"),
        ("dns_down", "no answer to 2 questions over 2.0 s"),
        ("dns_closed", "port unreachable (ICMP)"),
        ("udp", "client sends 1 UDP packet to app:514"),
        ("paused", "GET /empty -> no answer: the connection was closed"),
        ("web", "GET /reset -> no answer: the connection was reset"),
        ("web", "reset by app (RST)"),
        ("web", "GET /chunked -> 200 OK, 6000 bytes"),
        ("records", "NXDOMAIN, no such name (authoritative)"),
        ("records", "client asks dns over TCP for app.shop.lab A"),
        ("records", "CNAME app.shop.lab, 192.168.231.12 = app (authoritative)"),
        ("sql", 'FATAL 28P01: password authentication failed for user "app"'),
        ("sql", "begin; select 1; commit -> 1 row"),
        ("broken", 'ERROR 42P01: relation "nowhere" does not exist'),
        ("db_gone", "FATAL 57P01"),
        ("tls", 'client ends it with the alert "unknown CA"'),
        ("tls", "certificate CN=secure.shop.lab, O=Shop Laboratory, C=DE"),
        ("tls_keys", "GET / -> 200 ok"),
        ("ssh", "SSH: SSH-2.0-OpenSSH_10.0p2"),
        ("bodies", "HEAD / -> 200 OK, 0 bytes"),
        ("bodies", "GET /same -> 304 Not Modified, 0 bytes"),
        ("bodies", "GET /cut -> 2041 bytes, no whole answer: the connection was closed"),
        ("bodies", "no whole HTTP request -> 400 Bad Request"),
        ("bodies", r"GET /\x1b[31mred -> 400 Bad Request"),
        ("early", "GET /same -> 304 Not Modified, 0 bytes"),
        ("early", "no whole HTTP request -> 413 Content Too Large"),
        ("operations", "client asks dns for shop.lab A -> NOTIMP"),
        ("ping", "client pings app -> answered"),
        ("ping", "client pings app -> no answer"),
        ("referral", "client asks client2 for www.far.lab A -> does not know, and refers to dns2.far.lab"),
        ("session", 'SELECT * FROM nowhere -> ERROR 42P01: relation "nowhere" does not exist'),
        ("session", r"SELECT 'a\d\n', 'b c', 1 -> 1 row"),
        ("session", "this was a request to cancel the statement of another session"),
        ("session", "asked to authenticate (SCRAM); then the connection was closed"),
        ("session", "... (1509 characters) -> 1 row"),
    ],
)
def test_the_story_says(name: str, words: str) -> None:
    """The words stand in the story of the recording, however its lines are wrapped."""
    text = story_text(recorded(name), width=400)
    joined = " ".join(text.replace("│", " ").split())
    assert words in joined


def test_prepared_statements_are_told_with_their_text() -> None:
    """From the sixth run on the driver sends only a name; the text of the Parse before it is shown."""
    text = story_text(recorded("prepared"))
    assert text.count("SELECT id, name FROM items WHERE id > $1 -> 2 rows") == 7


def test_passwords_are_never_told() -> None:
    """No form of a story holds what a client sent to prove itself."""
    for name in ("first", "sql", "prepared"):
        assert "secret" not in story_text(recorded(name))
        assert "SCRAM-SHA" not in story_text(recorded(name))


def test_a_story_with_losses_says_so_first() -> None:
    """Whoever reads the story must know that it may have holes."""
    story = build_story([], losses=PacketLosses(dropped=3, overwritten=10, unreadable=1))
    first = story_text(story).splitlines()[0]
    assert first == (
        "Packets are missing (3 dropped by the kernel, 10 overwritten in the ring, 1 unreadable): "
        "this story may have holes."
    )


def test_what_a_router_passed_on_is_one_packet() -> None:
    """A recording of both of its networks has each packet twice: the second is no new try."""
    once = [packet for packet in read_packets(lines("silent")) if packet.protocol == "tcp"]
    copies = [replace(packet, number=packet.number + 10_000, time=packet.time + 0.0002) for packet in once]
    both = sorted((*once, *copies), key=lambda packet: packet.time)
    openings = [
        [event for event in read_events(iter(p), NODES) if isinstance(event, TcpHandshake)] for p in (once, both)
    ]
    assert openings[0]
    assert [(one.outcome, one.tries) for one in openings[0]] == [(one.outcome, one.tries) for one in openings[1]]


def test_a_hello_that_the_server_wants_again_is_one_handshake() -> None:
    """The server knows none of the client's keys, and asks for a hello with another (RFC 8446, section 4.1.4)."""
    assert story_text(recorded("hello_again")).count("TLS for client2.shop.lab -> TLS 1.3") == 1


def test_no_form_of_a_story_holds_a_control_character() -> None:
    """What a client sent must not move the reader's terminal, and XML cannot hold it."""
    story = recorded("bodies")
    for text in (story_text(story), svg(story), mermaid(story)):
        assert all(letter.isprintable() for letter in text.replace("\n", ""))


def test_that_a_connection_goes_by_ipv6_is_said() -> None:
    """A name with two addresses would otherwise lead to two lines that look the same."""
    [opened] = [
        event for event in read_events(iter(read_packets(lines("refused"))), NODES) if isinstance(event, TcpHandshake)
    ]
    newer = replace(opened, flow=replace(opened.flow, server=replace(opened.flow.server, address="fd00::12")))
    assert [event_words(one)[0] for one in (opened, newer)] == [
        "client connects to app:81",
        "client connects to app:81 over IPv6",
    ]


@pytest.mark.parametrize(
    ("name", "node", "story", "counted"),
    [
        ("chain", "app", "app connects to app2:80 -> accepted", "4 DNS questions (2 A, 2 AAAA), 2 TCP connections"),
        ("second", "app", "SELECT id, name FROM items ORDER BY id -> 3 rows", "6 SQL statements."),
        ("upstream", "dns", "dns asks dns2 for www.far.lab A", "1 DNS question (1 A)."),
    ],
)
def test_what_a_node_began_is_told_wherever_it_stands(name: str, node: str, story: str, counted: str) -> None:
    """A server asks others for the sake of the requests that it serves; of these alone the story tells and counts."""
    text = story_text(build_story(events(name), began_by=node))
    assert story in text
    assert "client" not in text
    assert counted in text.splitlines()[-1] + text.splitlines()[-2]
    assert len([event for event in live_spans(events(name), node) if event.client_node == node])


def test_a_connection_of_a_node_that_serves_is_told_once_with_all_that_was_said_on_it() -> None:
    text = story_text(build_story(events("second"), began_by="app"))
    assert text.count("app's connection to db:5432") == 1
    assert text.count("COMMIT") == 2


def test_a_query_that_was_sent_again_says_so() -> None:
    """Otherwise one line would seem to have taken a second."""
    [first, *_] = [event for event in events("first") if isinstance(event, DnsExchange)]
    assert "asked twice; " in event_words(replace(first, tries=2))[1]
    assert "asked" not in event_words(first)[1]


def test_a_connection_from_before_the_story_has_no_negative_time() -> None:
    [opened] = [event for event in events("refused") if isinstance(event, TcpHandshake)]
    began = opened.started + 5.6
    assert ", opened 5600.0 ms before this story begins" in earlier(EarlierConnection(opened.flow, began), began)
    assert ", opened earlier, at 400.0 ms" in earlier(EarlierConnection(opened.flow, began), opened.started - 0.4)


@pytest.mark.parametrize(
    ("name", "to_all", "to_one"),
    [("nobody", "ff:ff:ff:ff:ff:ff", "02:42:c0:a8:e7:63"), ("nobody6", "ff02::1:ff00:99", "fd00:231::99")],
)
def test_a_kernel_that_checks_a_machine_which_it_knows_searches_for_none(name: str, to_all: str, to_one: str) -> None:
    """It asks that machine alone. What is sent to all on the network begins a search."""
    searches = [event for event in events(name) if isinstance(event, UnansweredArp)]
    assert [search.tries for search in searches] == [3]
    checks = [line.replace(to_all, to_one) for line in lines(name)]
    seen = list(read_events(read_packets(checks), NODES))
    assert not any(isinstance(event, UnansweredArp) for event in seen)
    assert not any(isinstance(event, ExchangeStart) and event.kind in ("arp", "ndp") for event in seen)
