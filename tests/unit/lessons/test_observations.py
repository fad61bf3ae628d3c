"""Exchanges that were seen, compared with what a task wants: done, no attempt, or the sentence about what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.comparison import Different, Matched, dns_answer, pinged
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.lesson import ObserveTask
from orchestrator.lessons.messages import NotDone, TaskDone
from orchestrator.lessons.observations import (
    ConnectsObservation,
    ListensObservation,
    ResolvesObservation,
    SqlObservation,
    TlsObservation,
)
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.reactions import react_to_exchange
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    DnsRecord,
    Endpoint,
    Flow,
    HttpExchange,
    SqlStatement,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
)

ADDRESSES = {"dns": "192.168.7.10", "db": "192.168.7.11", "app": "192.168.7.12", "client": "192.168.7.13"}


def addresses_of(host: str) -> tuple[str, ...]:
    return (ADDRESSES.get(host.removesuffix(".shop.lab"), host),)


def flow(client: str, server: str, port: int, protocol: str = "tcp", name: str = "") -> Flow:
    ends = (Endpoint(client, ADDRESSES[client], 40000), Endpoint(server, ADDRESSES[server], port))
    return Flow(1, protocol, *ends, opened=1.0, name=name)


def dns(client: str, name: str, kind: str = "A", rcode: str = "NOERROR", *values: str) -> DnsExchange:
    records = tuple(DnsRecord(kind, value) for value in values)
    udp = flow(client, "dns", 53, "udp")
    return DnsExchange(1, udp, 1.0, 1.1, name, kind, rcode, records, True, True, False, 1, 1.0)


def at_port(event: DnsExchange, port: int) -> DnsExchange:
    server = replace(event.flow.server, port=port)
    return replace(event, flow=replace(event.flow, server=server))


def tcp(client: str, server: str, port: int, outcome: str = "accepted", name: str = "") -> TcpHandshake:
    return TcpHandshake(1, flow(client, server, port, name=name), 1.0, 1.1, outcome, 1, 1.0)


def http(client: str, server: str, request: str, status: int | None = 200, port: int = 80) -> HttpExchange:
    method, target = request.split()
    ends = flow(client, server, port)
    return HttpExchange(
        1, ends, 1.0, 1.1, method, target, "app.shop.lab", status, "OK", 10 if status else None, "answered"
    )


def sql(client: str, statement: str, error: str = "") -> SqlStatement:
    ends = flow(client, "db", 5432)
    return SqlStatement(1, ends, 1.0, 1.1, statement, True, False, "SELECT 1", 1, error, "answered", 1, True)


RESOLVES = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab", "to": "app"})
NO_NAME = ResolvesObservation.model_validate({"from": "client", "resolves": "no.shop.lab", "rcode": "NXDOMAIN"})
CONNECTS = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:80"})
REFUSED = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:81", "outcome": "refused"})
HTTP = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/items?x=1", "status": 200})
ANY_2XX = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab"})
SQL = SqlObservation.model_validate({"from": "app", "sql": "db", "statement": "select"})
AnyObservation = ResolvesObservation | ConnectsObservation | HttpObservation | SqlObservation

DONE: list[tuple[AnyObservation, CompletedEvent]] = [
    (RESOLVES, dns("client", "app.shop.lab", "A", "NOERROR", "192.168.7.12")),
    (RESOLVES, dns("client", "APP.shop.LAB.", "A", "NOERROR", "192.168.7.12")),
    (NO_NAME, dns("client", "no.shop.lab", "A", "NXDOMAIN")),
    (CONNECTS, tcp("client", "app", 80)),
    (REFUSED, tcp("client", "app", 81, "refused")),
    (HTTP, http("client", "app", "GET /items?x=1")),
    (HTTP, replace(http("client", "app", "GET /items?x=1"), host="app")),
    (HTTP, replace(http("client", "app", "GET /items?x=1"), host="192.168.7.12:80")),
    (HTTP, replace(http("client", "app", "GET /items?x=1"), host="www.example.com")),
    (ANY_2XX, http("client", "app", "GET /", 204)),
    (SQL, sql("app", "SELECT * FROM items")),
]


@pytest.mark.parametrize(("observation", "event"), DONE)
def test_what_the_task_wants_completes_it(observation: AnyObservation, event: CompletedEvent) -> None:
    assert isinstance(observation.compare(event, addresses_of), Matched)


# What a learner is told of an attempt that differs.
SENTENCES: list[tuple[AnyObservation, CompletedEvent, str, str]] = [
    (
        RESOLVES,
        dns("client", "ap.shop.lab", "A", "NXDOMAIN"),
        "name",
        "client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name. Expected: a question for app.shop.lab A.",
    ),
    (
        RESOLVES,
        dns("app", "app.shop.lab", "A", "NOERROR", "192.168.7.12"),
        "node",
        "app asked dns for app.shop.lab A. Expected: client does it.",
    ),
    (
        RESOLVES,
        dns("client", "app.shop.lab", "A", "SERVFAIL"),
        "dns",
        "client asked dns for app.shop.lab A: SERVFAIL, the server could not find out. Expected: the address of app.",
    ),
    (
        RESOLVES,
        dns("client", "app.shop.lab", "A", ""),
        "dns",
        "client asked dns for app.shop.lab A: no answer came. Expected: the address of app.",
    ),
    (
        RESOLVES,
        at_port(dns("client", "app.shop.lab", "A", ""), 54),
        "port",
        "client asked dns for app.shop.lab A at port 54: no answer came. Expected: the question goes to port 53.",
    ),
    (
        RESOLVES,
        dns("client", "12.7.168.192.in-addr.arpa", "PTR", "NOERROR", "app.shop.lab"),
        "name",
        "client asked dns for the name of 192.168.7.12 (PTR): app.shop.lab. Expected: a question for app.shop.lab A.",
    ),
    (
        RESOLVES,
        dns("client", "<root>", "NS", "NOERROR", "dns.shop.lab"),
        "name",
        "client asked dns for the root, NS: dns.shop.lab. Expected: a question for app.shop.lab A.",
    ),
    (
        HTTP,
        dns("client", "192.168.300.1", "A", "NXDOMAIN"),
        "dns",
        "192.168.300.1 is no address, because 300 is more than 255; so client asked dns for it as a name: NXDOMAIN, "
        "nobody has that name. Expected: GET http://app.shop.lab/items?x=1.",
    ),
    (
        HTTP,
        replace(http("client", "app", "GET /items?x=1"), host="db.shop.lab:80"),
        "name",
        "client requested GET /items?x=1 from app, 192.168.7.12, port 80, by the name db.shop.lab:80: the answer was "
        "200. Expected: GET http://app.shop.lab/items?x=1.",
    ),
    (
        RESOLVES,
        dns("client", "app.shop.lab", "A", "NOERROR", "192.168.7.11"),
        "dns",
        "the answer to client was 192.168.7.11. Expected: the address of app.",
    ),
    (
        CONNECTS,
        dns("client", "ap.shop.lab", "A", "NXDOMAIN"),
        "dns",
        "client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name. Expected: a connection to app.shop.lab:80.",
    ),
    (
        CONNECTS,
        tcp("client", "app", 81, "refused"),
        "port",
        "client opened a connection to app, 192.168.7.12, port 81: refused. Expected: a connection to app.shop.lab:80.",
    ),
    (
        CONNECTS,
        tcp("client", "db", 80, "refused"),
        "address",
        "client opened a connection to db, 192.168.7.11, port 80: refused. Expected: a connection to app.shop.lab:80.",
    ),
    (
        CONNECTS,
        tcp("client", "app", 80, "silent"),
        "tcp",
        "client opened a connection to app, 192.168.7.12, port 80: silent. Expected: it is accepted.",
    ),
    (
        CONNECTS,
        tcp("db", "app", 80),
        "node",
        "db opened a connection to app, 192.168.7.12, port 80. Expected: client does it.",
    ),
    (
        HTTP,
        tcp("client", "app", 81, "refused"),
        "tcp",
        "client opened a connection to app, 192.168.7.12, port 81: refused. "
        "Expected: GET http://app.shop.lab/items?x=1.",
    ),
    (
        HTTP,
        http("client", "app", "POST /items?x=1"),
        "http",
        "client requested POST /items?x=1 from app, 192.168.7.12, port 80: the answer was 200. "
        "Expected: GET http://app.shop.lab/items?x=1.",
    ),
    (
        HTTP,
        http("client", "app", "GET /items?x=1", 503),
        "http",
        "client requested GET /items?x=1 from app, 192.168.7.12, port 80: the answer was 503. "
        "Expected: the status 200.",
    ),
    (
        ANY_2XX,
        http("client", "app", "GET /", None),
        "http",
        "client requested GET / from app, 192.168.7.12, port 80: no answer came. Expected: a status from 200 to 299.",
    ),
    (
        ANY_2XX,
        replace(http("client", "app", "GET /", None), outcome="closed", ended_by="client"),
        "http",
        "client requested GET / from app, 192.168.7.12, port 80: no answer came before client closed the connection. "
        "Expected: a status from 200 to 299.",
    ),
    (
        ANY_2XX,
        replace(http("client", "app", "GET /", None), outcome="closed", ended_by="app"),
        "http",
        "client requested GET / from app, 192.168.7.12, port 80: no answer came. Expected: a status from 200 to 299.",
    ),
    (  # HTTP/0.9, or a server that speaks another protocol
        ANY_2XX,
        replace(http("client", "app", "GET /", None), outcome="closed", ended_by="app", size=41),
        "http",
        "client requested GET / from app, 192.168.7.12, port 80: what came back is no whole HTTP answer. "
        "Expected: a status from 200 to 299.",
    ),
    (
        SQL,
        sql("app", "select nothing", 'relation "nothing" does not exist'),
        "sql",
        "app sent 'select nothing' to db: relation \"nothing\" does not exist. Expected: it succeeds.",
    ),
    (SQL, sql("app", "begin"), "sql", "app sent 'begin' to db. Expected: a statement with 'select'."),
    (SQL, sql("client", "select 1"), "node", "client sent 'select 1' to db. Expected: app does it."),
]


@pytest.mark.parametrize(("observation", "event", "layer", "sentence"), SENTENCES)
def test_an_attempt_that_differs_is_told_what_differs(
    observation: AnyObservation, event: CompletedEvent, layer: str, sentence: str
) -> None:
    comparison = observation.compare(event, addresses_of)
    assert isinstance(comparison, Different)
    assert (comparison.layer, comparison.sentence) == (layer, sentence)


NO_ATTEMPTS: list[tuple[AnyObservation, CompletedEvent]] = [
    (RESOLVES, dns("app", "db.shop.lab", "A", "NOERROR", "192.168.7.11")),  # what the app does by itself
    (RESOLVES, dns("client", "app.shop.lab.shop.lab", "A", "NXDOMAIN")),  # the search list
    (RESOLVES, tcp("client", "app", 80)),
    (CONNECTS, dns("client", "app.shop.lab", "A", "NOERROR", "192.168.7.12")),
    (CONNECTS, tcp("app", "db", 5432)),
    (HTTP, tcp("client", "app", 80)),
    (HTTP, http("app", "db", "GET /other")),
    (SQL, http("client", "app", "GET /items")),
]


def test_a_question_over_udp_is_told_where_a_connection_to_the_dns_server_is_wanted() -> None:
    """Unless a connection follows: the question may be the lookup before it."""
    over_tcp = ConnectsObservation.model_validate({"from": "client", "connects": "dns.shop.lab:53"})
    event = dns("client", "app.shop.lab", "A", "NOERROR", "192.168.7.12")
    different = over_tcp.compare(event, addresses_of)
    assert isinstance(different, Different)
    assert different.seen == "client asked dns for app.shop.lab A over UDP"
    assert different.may_be_followed
    assert over_tcp.compare(replace(event, flow=replace(event.flow, protocol="tcp")), addresses_of) is None
    assert CONNECTS.compare(event, addresses_of) is None


@pytest.mark.parametrize(("observation", "event"), NO_ATTEMPTS)
def test_what_is_no_attempt_is_not_spoken_of(observation: AnyObservation, event: CompletedEvent) -> None:
    assert observation.compare(event, addresses_of) is None


def tls(server: str, port: int, outcome: str, alert: str = "") -> TlsHandshake:
    ends = flow("client", server, port)
    return TlsHandshake(1, ends, 1.0, 1.1, "app.shop.lab", "", "", (), alert, "client" if alert else "", outcome)


def closed(sent: int) -> TcpClose:
    return TcpClose(1, flow("client", "app", 80), 2.0, "closed", "client", sent, 0, False)


NO_SUCH_NAME = "NXDOMAIN, nobody has that name"
NOTHING_ASKED: list[tuple[AnyObservation, CompletedEvent, str, bool]] = [
    (RESOLVES, dns("client", "app.shop.lab", "AAAA"), "client asked dns for app.shop.lab AAAA: no AAAA record", True),
    (
        RESOLVES,
        dns("client", "dns.shop.lab", "A", "NOERROR", "192.168.7.10"),  # dig @dns.shop.lab begins so
        "client asked dns for dns.shop.lab: 192.168.7.10",
        True,
    ),
    (
        RESOLVES,
        dns("client", "ap.shop.lab", "A", "NXDOMAIN"),
        f"client asked dns for ap.shop.lab: {NO_SUCH_NAME}",
        False,
    ),
    (HTTP, tls("app", 80, "unanswered"), "client began TLS with app, 192.168.7.12, port 80", False),
    (HTTP, closed(0), "client opened a connection to app, 192.168.7.12, port 80 and sent nothing", True),
    (
        HTTP,
        replace(http("client", "app", "GET /", 400), method="", target=""),
        "client sent no whole request to app, 192.168.7.12, port 80: the answer was 400",
        True,
    ),
]


@pytest.mark.parametrize(("observation", "event", "seen", "may_be_followed"), NOTHING_ASKED)
def test_what_asks_something_else_or_nothing_is_spoken_of(
    observation: AnyObservation, event: CompletedEvent, seen: str, may_be_followed: bool
) -> None:
    """At once, or later where the same program usually goes on: one question more, another address."""
    different = observation.compare(event, addresses_of)
    assert isinstance(different, Different)
    assert (different.seen, different.expected) == (seen, observation.wanted)
    assert different.may_be_followed is may_be_followed


def test_a_connection_that_carried_something_is_told_by_what_it_carried() -> None:
    assert HTTP.compare(closed(80), addresses_of) is None


@pytest.mark.parametrize(
    ("client", "protocol", "received", "seen"),
    [
        ("client", "icmp", 1, "client pinged app: it answered"),
        ("client", "icmp", 0, "client pinged app: no answer came"),
        ("client", "udp", 1, None),
        ("db", "icmp", 1, None),
    ],
)
def test_a_ping_is_spoken_of(client: str, protocol: str, received: int, seen: str | None) -> None:
    ping = DatagramFlow(1, flow(client, "app", 0, protocol), 1.0, 1.1, 1, received, 1.0)
    different = pinged(ping, "client", "GET http://app.shop.lab/items")
    assert (different.seen if different else None) == seen


TLS = TlsObservation.model_validate({"from": "client", "tls": "app.shop.lab:443"})


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        (http("client", "app", "GET /", 200), "client requested GET / from app, 192.168.7.12, port 80, without TLS"),
        (tls("db", 443, "agreed"), "client began TLS for app.shop.lab with db, 192.168.7.11, port 443"),
        (http("db", "app", "GET /", 200), None),
    ],
)
def test_http_without_tls_and_tls_with_another_machine_are_spoken_of(event: CompletedEvent, seen: str | None) -> None:
    different = TLS.compare(event, addresses_of)
    assert (different.seen if isinstance(different, Different) else None) == seen


@pytest.mark.parametrize(
    ("outcome", "alert", "accepted", "seen"),
    [
        ("agreed", "", True, None),
        ("unanswered", "", True, "it was not finished"),
        ("alert", "unknown CA", True, "client ended it: unknown CA"),
        ("alert", "unknown CA", False, None),
        ("unanswered", "", False, "it was not finished"),
        ("agreed", "", False, "both accepted it"),
    ],
)
def test_a_handshake_is_accepted_when_both_went_on(outcome: str, alert: str, accepted: bool, seen: str | None) -> None:
    wanted = TLS.model_copy(update={"accepted": accepted})
    comparison = wanted.compare(tls("app", 443, outcome, alert), addresses_of)
    if seen is None:
        assert isinstance(comparison, Matched)
    else:
        assert isinstance(comparison, Different)
        assert comparison.seen.endswith(f"; {seen}")


AFTER = ObserveTask.model_validate(
    {
        "title": "Fetch by the name",
        "observe": {"from": "client", "http": "http://app.shop.lab/items"},
        "after": {"from": "client", "resolves": "app.shop.lab"},
        "solve": {"from": "client", "run": ["curl", "http://app.shop.lab/items"]},
    }
)


@pytest.mark.parametrize(("earlier", "is_done"), [(0.9, True), (1.0, True), (1.05, False), (None, False)])
def test_what_must_come_first_was_over_before_the_exchange_began(earlier: float | None, is_done: bool) -> None:
    """The request begins at 1.0; `earlier` is when the DNS answer came."""
    event = http("client", "app", "GET /items")
    comparison = AFTER.observe.compare(event, addresses_of)
    _, message = react_to_exchange(Progress("shop", 1), "fetch", AFTER, event, comparison, earlier)
    if is_done:
        assert isinstance(message, TaskDone)
    else:
        assert message == NotDone(
            "client requested GET /items from app, 192.168.7.12, port 80: the answer was 200. "
            "Expected: first a question for app.shop.lab A, then GET http://app.shop.lab/items."
        )


def listens(address: str, port: int) -> BoundSocket:
    return BoundSocket("tcp", address, port, "", "")


ON_LOOPBACK = ListensObservation.model_validate({"from": "client", "listens": 8080, "address": "loopback"})
ANYWHERE = ListensObservation.model_validate({"from": "client", "listens": 8080})
ON_ALL = ListensObservation.model_validate({"from": "client", "listens": 8080, "address": "all"})
SEEN = "a program on client listens on"
WANTED = "client listens on port 8080 on 127.0.0.1 (loopback) alone"


@pytest.mark.parametrize(
    ("wanted", "node", "socket", "different"),
    [
        (ON_LOOPBACK, "client", listens("127.0.0.1", 8080), ""),
        (ON_LOOPBACK, "client", listens("::1", 8080), ""),
        (
            ON_LOOPBACK,
            "client",
            listens("0.0.0.0", 8080),
            f"{SEEN} 0.0.0.0, port 8080. {WANTED}",
        ),
        (
            ON_LOOPBACK,
            "client",
            listens("127.0.0.1", 81),
            f"{SEEN} 127.0.0.1, port 81. {WANTED}",
        ),
        (ON_LOOPBACK, "app", listens("127.0.0.1", 8080), f"a program on app listens on 127.0.0.1, port 8080. {WANTED}"),
        (ON_ALL, "client", listens("*", 8080), ""),
        (
            ON_ALL,
            "client",
            listens("192.168.7.13", 8080),
            "a program on client listens on 192.168.7.13, port 8080. client listens on port 8080 on all its addresses",
        ),
        (ANYWHERE, "client", listens("192.168.7.13", 8080), ""),
        (
            ANYWHERE,
            "client",
            replace(listens("0.0.0.0", 8080), protocol="udp"),
            "a program on client takes UDP at 0.0.0.0, port 8080. client listens on port 8080, over TCP",
        ),
    ],
)
def test_a_socket_that_begins_to_listen_is_compared(
    wanted: ListensObservation, node: str, socket: BoundSocket, different: str
) -> None:
    comparison = wanted.compare_socket(node, socket)
    if different:
        seen, _, expected = different.partition(". ")
        assert isinstance(comparison, Different)
        assert comparison.sentence == f"{seen}. Expected: {expected}."
    else:
        assert isinstance(comparison, Matched)
    assert wanted.compare(http("client", "app", "GET /items"), addresses_of) is None


@pytest.mark.parametrize(
    ("wanted", "port"),
    [
        (HttpObservation.model_validate({"from": "client", "http": "http://127.0.0.1:8080/"}), 8080),
        (HttpObservation.model_validate({"from": "client", "http": "http://localhost/"}), 80),
        (HttpObservation.model_validate({"from": "client", "http": "http://192.168.7.12:8080/"}), None),
        (HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/"}), None),
        (ConnectsObservation.model_validate({"from": "client", "connects": "127.0.0.2:81"}), 81),
        (ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:81"}), None),
        (ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"}), None),
    ],
)
def test_what_goes_to_the_nodes_own_loopback_address_is_known(
    wanted: HttpObservation | ConnectsObservation | ResolvesObservation, port: int | None
) -> None:
    assert wanted.loopback_port == port


def test_of_a_long_answer_the_beginning_is_told() -> None:
    values = ("x" * 81, *(f"192.168.7.{number}" for number in range(9)))
    event = dns("client", "app.shop.lab", "A", "NOERROR", *values)
    assert dns_answer(event) == f"{'x' * 77}..., {', '.join(values[1:6])}, and 4 more"
    assert dns_answer(replace(event, answers=event.answers[1:3])) == "192.168.7.0, 192.168.7.1"


def test_a_question_over_tcp_is_another_one_than_over_udp() -> None:
    over_tcp = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab", "over": "tcp"})
    event = dns("client", "app.shop.lab", "A", "NOERROR", "192.168.7.12")
    different = over_tcp.compare(event, addresses_of)
    assert isinstance(different, Different)
    assert different.sentence == "client asked dns for app.shop.lab A over UDP. Expected: the question goes over TCP."
    assert isinstance(over_tcp.compare(replace(event, flow=replace(event.flow, protocol="tcp")), addresses_of), Matched)


def test_of_another_name_the_name_is_told_whatever_the_type_of_the_record() -> None:
    """A program that connects asks for both families; that there is no IPv6 address gives way to what is known."""
    known = RESOLVES.compare(dns("client", "db.shop.lab", "A", "NOERROR", "192.168.7.11"), addresses_of)
    empty = RESOLVES.compare(dns("client", "db.shop.lab", "AAAA"), addresses_of)
    assert isinstance(known, Different)
    assert isinstance(empty, Different)
    assert known.seen == "client asked dns for db.shop.lab: 192.168.7.11"
    assert empty.seen == "client asked dns for db.shop.lab: it has no IPv6 address"
    assert (known.yields, empty.yields) == (False, True)
    assert known.name == empty.name == "db.shop.lab"


def test_what_is_no_dns_question_is_said_to_be_none() -> None:
    """`echo hello | nc -u dns 53`"""
    observation = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
    told = observation.compare(dns("client", ".", "?", "FORMERR"), addresses_of)
    assert isinstance(told, Different)
    assert told.seen == "client sent dns something that is no DNS question: FORMERR"
    assert observation.compare(dns("db", ".", "?", "FORMERR"), addresses_of) is None
