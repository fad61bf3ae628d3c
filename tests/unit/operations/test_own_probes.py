"""Traffic of our own probes is told from that of a person who tries the same in the same node at the same time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from orchestrator.checks.dns_query import DnsQuestion
from orchestrator.checks.kinds.connections import connect_probe
from orchestrator.checks.probes import RunProgram
from orchestrator.events import Actor, Event, ProbeRunEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import Journal
from orchestrator.lab.probe_log import announced
from orchestrator.lessons.own_machine import OwnMachineAttempt
from orchestrator.operations.lessons.other_probes import OtherProbes
from orchestrator.operations.lessons.own_probes import OwnProbes
from orchestrator.traffic.exchanges.events import (
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    TcpClose,
    TcpHandshake,
    UnansweredArp,
)

CURL = RunProgram("client", ("curl", "http://app.shop.lab/"))
CONNECT = connect_probe("client", "app.shop.lab", 8080)
SHOW_CERTIFICATE = RunProgram("client", ("bash", "-c", "openssl s_client", "192.168.7.12:8080", "app.shop.lab"))
PSQL = RunProgram("client", ("psql", "-h", "db"))


def refused(exchange: int = 1, *, client: str = "client", client_port: int = 40000, port: int = 8080) -> TcpHandshake:
    ends = Endpoint(client, "192.168.7.13", client_port), Endpoint("app", "192.168.7.12", port)
    return TcpHandshake(exchange, Flow(exchange, "tcp", *ends, opened=10.0), 10.0, 10.1, "refused", 1, 10.0)


def opening(exchange: int = 1, *, client_port: int = 40000, port: int = 8080, kind: str = "opening") -> ExchangeStart:
    address = "192.168.7.12" if kind in ("opening", "tls") else ""
    return ExchangeStart(exchange, kind, 10.0, "client", "app", exchange, f"app:{port}", port, client_port, address)


def question(*, port: int, wants_ad: bool) -> DnsExchange:
    flow = Flow(1, "udp", Endpoint("client", "192.168.7.13", port), Endpoint("dns", "192.168.7.10", 53), None)
    name = ("app.shop.lab", "A", "NXDOMAIN")
    return DnsExchange(1, flow, 10.0, 10.1, *name, (), True, True, False, 1, 10.0, wants_ad=wants_ad)


def running(*probes: RunProgram) -> OwnProbes:
    """Programs that run since second 9."""
    own_probes = OwnProbes(lambda: 9.0)
    for probe in probes:
        own_probes.note(probe, True)
    return own_probes


@pytest.mark.parametrize(
    ("port", "wants_ad", "probes", "is_own"),
    [
        (40000, False, (CURL,), False),
        (40000, True, (CURL,), True),
        (40000, True, (), False),  # `dig +noedns` sends the same
        (20001, False, (), True),
    ],
)
def test_a_mark_tells_our_own_question(port: int, wants_ad: bool, probes: tuple[RunProgram, ...], is_own: bool) -> None:
    """Our port does so at any time, the AD bit while a program of ours runs in the node."""
    own_probes, asked = running(*probes), question(port=port, wants_ad=wants_ad)
    assert own_probes.is_own(asked) is is_own
    start = ExchangeStart(1, "dns", 10.0, "client", "dns", 1, "app.shop.lab A", 53, port, wants_ad=wants_ad)
    assert own_probes.is_own_start(start) is is_own


def test_a_question_with_the_mark_is_ours_also_where_another_process_asks(journaled: Journaled) -> None:
    assert not journaled.own_probes.is_own(question(port=40000, wants_ad=True))
    journaled.publish(CURL, True)
    assert journaled.own_probes.is_own(question(port=40000, wants_ad=True))
    assert not journaled.own_probes.is_own(refused())  # its connections come from our ports


def test_the_same_connection_as_that_of_a_marked_program_is_the_learners() -> None:
    own_probes = running(CURL)
    assert own_probes.is_own_start(opening(client_port=20001))
    assert own_probes.is_own(refused(client_port=20001))
    assert not own_probes.is_own_start(opening(2))
    assert not own_probes.is_own(refused(2))


def test_of_two_equal_connections_while_one_is_probed_the_second_is_the_learners() -> None:
    """Which is whose no packet tells: bash cannot choose its port. What is said of both is the same."""
    own_probes = running(CONNECT)
    assert own_probes.is_own_start(opening(1))
    assert own_probes.is_own(refused(1))  # what comes of it
    assert not own_probes.is_own_start(opening(2))
    assert not own_probes.is_own(refused(2))


def closed(flow: int, sent: int) -> TcpClose:
    ends = Endpoint("client", "192.168.7.13", 40000), Endpoint("app", "192.168.7.12", 8080)
    return TcpClose(9, Flow(flow, "tcp", *ends, opened=10.0), 20.0, "closed", "client", sent, 0, False)


def test_what_becomes_of_our_own_connection_is_ours_also_later() -> None:
    own_probes = running(CONNECT)
    assert own_probes.is_own_start(opening(1))
    assert own_probes.is_own(closed(1, sent=0))
    assert not own_probes.is_own(closed(2, sent=70))


def test_a_connection_on_which_a_request_is_sent_is_the_learners_though_it_came_first() -> None:
    own_probes = running(CONNECT)
    assert own_probes.is_own_start(opening(1))
    assert not own_probes.is_own_start(opening(1, kind="http"))
    assert own_probes.is_own_start(opening(2))  # bash's own
    assert own_probes.is_own(closed(2, sent=0))


@pytest.mark.parametrize(
    "start",
    [opening(port=80), opening(kind="http", port=80), replace(opening(), client="app"), replace(opening(), at=8.0)],
)
def test_what_a_program_does_not_send_is_the_learners(start: ExchangeStart) -> None:
    assert not running(CONNECT).is_own_start(start)


OWN_MACHINE = OwnMachineAttempt("client", "tcp", "127.0.0.1", 8080, 40000, "refused", 10.0)
TO_OWN_MACHINE = connect_probe("client", "127.0.0.1", 8080)


def test_what_a_program_of_ours_sends_to_its_own_machine_is_ours() -> None:
    """A second connection like it is the learner's, and so is what is sent to another port, or before and after it."""
    own_probes = running(TO_OWN_MACHINE)
    assert own_probes.is_own_inside(OWN_MACHINE)
    assert not own_probes.is_own_inside(replace(OWN_MACHINE, client_port=40001))
    assert not own_probes.is_own_inside(replace(OWN_MACHINE, port=80))
    assert not running(TO_OWN_MACHINE).is_own_inside(replace(OWN_MACHINE, at=8.0))
    assert not running().is_own_inside(OWN_MACHINE)
    assert running().is_own_inside(replace(OWN_MACHINE, client_port=20001))


def test_what_another_process_sends_to_the_own_machine_is_ours(journaled: Journaled) -> None:
    journaled.publish(TO_OWN_MACHINE, True)
    assert journaled.own_probes.is_own_inside(OWN_MACHINE)


def test_a_program_that_has_ended_sends_nothing_more() -> None:
    times = iter([9.0, 9.5])
    own_probes = OwnProbes(lambda: next(times))
    own_probes.note(CONNECT, True)
    own_probes.note(CONNECT, False)
    assert not own_probes.is_own_start(opening())
    assert own_probes.is_own_start(replace(opening(), at=9.2))  # read late


def test_all_that_begins_beside_a_program_without_marks_is_its_own() -> None:
    """psql cannot choose its port, and sends several statements."""
    own_probes = running(PSQL)
    assert own_probes.is_own_start(opening(1, port=5432))
    assert own_probes.is_own_start(opening(2, port=5432))
    assert not own_probes.is_own(refused(client="app"))


@pytest.mark.parametrize(("probes", "is_own"), [((), False), ((CURL,), True)])
def test_a_kernel_looks_for_a_machine_for_whoever_needs_it(probes: tuple[RunProgram, ...], is_own: bool) -> None:
    own_probes = running(*probes)
    assert own_probes.is_own_start(ExchangeStart(1, "arp", 10.0, "client", "dns", 0, "192.168.7.10")) is is_own
    assert own_probes.is_own(UnansweredArp(1, "client", "dns", "192.168.7.10", 10.0, None, 12.0, 3)) is is_own


QUESTION = DnsQuestion("app.shop.lab", "A")


@pytest.mark.parametrize(
    ("argv", "is_marked"),
    [
        (QUESTION.argv(20001), True),
        (QUESTION.argv(), False),  # from any port
        (("openssl", "x509", "-noout", "-in", "/wirelab/intermediate.pem"), True),  # reads a file
        (("openssl", "s_client", "-connect", "app:443"), False),
        (("python3", "-I", "-S", "-c", "print()", "20001"), False),
    ],
)
def test_while_a_marked_program_runs_what_bears_no_mark_is_the_learners(argv: tuple[str, ...], is_marked: bool) -> None:
    """A learner who asks again while the last failure is explained gets a sentence for that, too."""
    own_probes = running(RunProgram("client", argv))
    assert own_probes.is_own(question(port=40000, wants_ad=False)) is not is_marked
    assert own_probes.is_own_start(opening()) is not is_marked


def test_a_program_in_the_node_itself_is_not_given_a_port() -> None:
    assert not RunProgram("client", QUESTION.argv(20001), inside=True).is_marked


def test_a_program_that_is_given_address_and_port_in_one_word_opens_that_connection() -> None:
    own_probes = running(SHOW_CERTIFICATE)
    assert own_probes.is_own_start(opening(1))
    assert own_probes.is_own(refused(1))
    assert not own_probes.is_own_start(opening(2))
    assert not running(SHOW_CERTIFICATE).is_own_start(opening(1, port=80))


class Journaled:
    """What a check of another process says in the journal, from second 9.5 on, half a second for each event."""

    def __init__(self, state: StateFolder) -> None:
        times = count(9.5, 0.5)
        journal = Journal(state, "shop", Actor("other"), wall=lambda: next(times))
        self.publish = announced(journal.publish)
        self.own_probes = OwnProbes(others=OtherProbes(state, "shop").take)


@pytest.fixture
def journaled(tmp_path: Path) -> Journaled:
    return Journaled(StateFolder(tmp_path / "state"))


@pytest.mark.parametrize("probe", [CONNECT, SHOW_CERTIFICATE, PSQL])
def test_what_a_check_of_another_process_sends_is_ours(journaled: Journaled, probe: RunProgram) -> None:
    assert not journaled.own_probes.is_own_start(opening())
    journaled.publish(probe, True)
    assert journaled.own_probes.is_own_start(opening())
    assert journaled.own_probes.is_own(refused())
    assert not journaled.own_probes.is_own(refused(client="app"))
    journaled.publish(probe, False)
    assert journaled.own_probes.is_own_start(opening())  # read late
    assert not journaled.own_probes.is_own_start(replace(opening(2), at=10.1))


def test_the_second_of_two_equal_connections_is_the_learners_also_beside_another_process(journaled: Journaled) -> None:
    journaled.publish(CONNECT, True)
    assert journaled.own_probes.is_own_start(opening(1))
    assert not journaled.own_probes.is_own_start(opening(2))


def test_a_process_that_was_killed_keeps_the_learner_from_nothing(journaled: Journaled) -> None:
    """It says of no end; its program has ended by itself."""
    journaled.publish(PSQL, True)
    assert journaled.own_probes.is_own_start(replace(opening(), at=14.0))
    assert not journaled.own_probes.is_own_start(replace(opening(2), at=60.0))


def test_a_program_with_a_mark_is_not_announced_and_no_word_of_an_author_is_written() -> None:
    events: list[Event] = []
    publish = announced(events.append)
    publish(RunProgram("client", QUESTION.argv(20001)), True)
    assert events == []
    publish(RunProgram("client", ("env", "PGPASSWORD=secret", "psql", "-p", "5432")), True)
    publish(RunProgram("app", ("bash", "-c", "login --password 1234"), inside=True), False)
    publish(CURL, True)
    publish(CONNECT, True)
    assert events == [
        ProbeRunEvent("started", "client", ("env",), False, 5.0),
        ProbeRunEvent("ended", "app", ("bash",), True, 5.0),
        ProbeRunEvent("started", "client", ("curl",), False, 5.0),
        ProbeRunEvent("started", "client", ("bash", "8080"), False, CONNECT.seconds),
    ]
