"""What a task wants, tried on another node where it fails as well, is said; what this node does for itself is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import Different
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import (
    ConnectsObservation,
    ListensObservation,
    ResolvesObservation,
    SqlObservation,
    TlsObservation,
)
from orchestrator.lessons.repairs import ProgramRun
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.lessons.wrong_node import failed_elsewhere, ran_elsewhere, ran_in_vain, silent_elsewhere
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    DnsRecord,
    Endpoint,
    ExchangeStart,
    Flow,
    TcpHandshake,
)

ADDRESS = "192.168.7.12"
BY_NAME = ResolvesObservation.model_validate({"from": "client", "resolves": "app.shop.lab"})
PAGE = HttpObservation.model_validate({"from": "client", "http": "http://app.shop.lab/items"})
SECURE = TlsObservation.model_validate({"from": "client", "tls": "app.shop.lab:80"})
OPENED = ConnectsObservation.model_validate({"from": "client", "connects": "app.shop.lab:80"})
SQL = SqlObservation.model_validate({"from": "client", "sql": "app"})
LOGIN = SshObservation.model_validate({"from": "client", "ssh": "app"})
LISTENS = ListensObservation.model_validate({"from": "client", "listens": 80})
OWN = HttpObservation.model_validate({"from": "client", "http": "http://127.0.0.1/"})


def addresses_of(host: str) -> tuple[str, ...]:
    return (ADDRESS,) if host in ("app", "app.shop.lab") else (host,)


def flow(node: str, server: Endpoint) -> Flow:
    return Flow(1, "tcp", Endpoint(node, "192.168.7.9", 40000), server, 1.0)


def lookup(node: str = "db", name: str = "app.shop.lab", rcode: str = "SERVFAIL") -> DnsExchange:
    ends = flow(node, Endpoint("dns", "192.168.7.2", 53))
    return DnsExchange(1, ends, 1.0, 1.1, name, "A", rcode, (), True, True, False, 1, 1.0)


def handshake(node: str = "db", port: int = 80, outcome: str = "refused") -> TcpHandshake:
    return TcpHandshake(1, flow(node, Endpoint("app", ADDRESS, port)), 1.0, 1.1, outcome, 1, 1.0)


LOOKED_UP = "db asked dns for app.shop.lab: SERVFAIL, the server could not find out"
REFUSED = f"db opened a connection to app, {ADDRESS}, port 80: refused"


@pytest.mark.parametrize("observation", [BY_NAME, PAGE, SECURE, OPENED, SQL, LOGIN])
@pytest.mark.parametrize(("event", "seen"), [(lookup(), LOOKED_UP), (handshake(), REFUSED)])
def test_what_failed_on_another_node_is_said_with_the_node_that_is_meant(
    observation: BaseObservation, event: CompletedEvent, seen: str
) -> None:
    assert failed_elsewhere(event, observation, addresses_of) == Different("node", seen, "client does it")


@pytest.mark.parametrize(
    ("observation", "event"),
    [
        (PAGE, lookup(node="client")),
        (PAGE, lookup(name="db.shop.lab")),
        (PAGE, lookup(rcode="NOERROR")),
        (PAGE, handshake(port=5432)),
        (PAGE, handshake(outcome="accepted")),
        (LISTENS, handshake()),
        (OWN, handshake()),
    ],
)
def test_what_is_no_such_attempt_is_not_said(observation: BaseObservation, event: CompletedEvent) -> None:
    assert failed_elsewhere(event, observation, addresses_of) is None


STARTS = [
    (
        ExchangeStart(1, "dns", 1.0, "db", "dns", 1, "app.shop.lab A", 53),
        "db asked dns for app.shop.lab, and no answer came so far",
    ),
    (
        ExchangeStart(1, "opening", 1.0, "db", "app", 1, "app:80", 80, server_address=ADDRESS),
        "db tries to connect to app, 192.168.7.12, port 80, and no answer came so far",
    ),
    (
        ExchangeStart(1, "arp", 1.0, "db", "app", 0, ADDRESS),
        "db looks for app on its network, and no answer came so far",
    ),
]


@pytest.mark.parametrize(("start", "seen"), STARTS)
def test_what_has_no_answer_on_another_node_is_said(start: ExchangeStart, seen: str) -> None:
    assert silent_elsewhere(start, PAGE, addresses_of) == Different("node", seen, "client does it")
    assert silent_elsewhere(replace(start, client="client"), PAGE, addresses_of) is None
    other = replace(start, subject="192.168.7.3", server_address="192.168.7.3")
    assert silent_elsewhere(other, PAGE, addresses_of) is None
    assert silent_elsewhere(replace(start, kind="sql"), PAGE, addresses_of) is None


def own_name(node: str) -> DnsExchange:
    answer = DnsRecord("A", ADDRESS)
    return replace(lookup(node=node, rcode="NOERROR"), answers=(answer,))


def test_a_server_that_looks_itself_up_is_said_for_what_follows_crosses_no_network() -> None:
    told = failed_elsewhere(own_name("app"), PAGE, addresses_of)
    assert told is not None
    assert told.sentence == "app asked dns for its own name, app.shop.lab. Expected: client does it."
    assert told.may_be_followed
    assert failed_elsewhere(own_name("db"), PAGE, addresses_of) is None


@pytest.mark.parametrize(
    ("observation", "argv", "exit_code", "seen"),
    [
        (LISTENS, ("nc", "-l", "80"), None, "'nc -l 80' ran in db"),
        (LISTENS, ("nc", "-l", "80"), 1, None),  # it said itself why it cannot
        (OPENED, ("bash", "-c", "nc -vz localhost 80"), 1, "'bash -c nc -vz localhost 80' ran in db"),
        (OPENED, ("ss", "-ltnp"), 0, None),
        (OPENED, ("bash", "-il"), None, None),
    ],
)
def test_a_program_in_another_node_is_said_unless_it_only_looks(
    observation: BaseObservation, argv: tuple[str, ...], exit_code: int | None, seen: str | None
) -> None:
    told = ran_elsewhere(ProgramRun("db", argv, "r", 1.0, None, exit_code), observation)
    assert (told.sentence if told else None) == (f"{seen}. Expected: client does it." if seen else None)


@pytest.mark.parametrize(
    ("line", "is_told"), [("curl http://app/", True), ("python3 -m http.server 80", False), ("nc -l 80", False)]
)
def test_in_another_node_of_the_learner_a_program_may_wait_to_be_asked(line: str, is_told: bool) -> None:
    told = ran_elsewhere(ProgramRun("server", (line,), "r", 1.0), PAGE, ("client", "server"))
    assert (told is not None) is is_told


@pytest.mark.parametrize(
    ("observation", "line", "is_told"),
    [
        (PAGE, "curl http://10.0.0.1/", True),
        (PAGE, "exec 3<>/dev/tcp/10.0.0.1/80", True),
        (SQL, "psql -h 10.0.0.1", True),
        (PAGE, "curl --version", False),
        (PAGE, "ip route", False),
        (PAGE, "python3 -m http.server 8080 &", False),  # it waits to be asked
        (PAGE, "nc -lk 8080", False),
        (PAGE, "nc -z 10.0.0.1 80", True),
        (PAGE, "cat /etc/hosts", False),
    ],
)
def test_a_program_in_the_right_node_of_which_nothing_was_seen_is_said(
    observation: BaseObservation, line: str, is_told: bool
) -> None:
    told = ran_in_vain(ProgramRun("client", (line,), "r", 1.0), observation.wanted)
    seen = f"{line!r} ran in client, and nothing that it sent was seen on a network so far"
    assert (told.sentence if told else None) == (f"{seen}. Expected: {observation.wanted}." if is_told else None)


def test_of_a_program_that_is_not_there_nothing_is_said_to_have_run() -> None:
    run = ProgramRun("app", ("wget http://app/",), "r", 1.0, 1.1, 127)
    seen = "'wget http://app/' did not run in app, which has no such program"
    for told in (ran_elsewhere(run, PAGE), ran_in_vain(run, "it")):
        assert told is not None
        assert told.seen == seen


def test_of_a_very_long_line_its_beginning_is_said() -> None:
    told = ran_in_vain(ProgramRun("client", (f"curl {'x' * 500}",), "r", 1.0), PAGE.wanted)
    assert told is not None
    assert len(told.seen) < 200
