"""What crosses no network: sockets, of which each new one is told once, and packets of the loopback interface.

The packets are recorded ones, with loopback addresses in the place of the machines'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace

from orchestrator.engine.fake import FakeEngine
from orchestrator.engine.programs import Output
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.capture.recording import Recording
from orchestrator.lessons.comparison import Comparison, Different, Matched
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import ResolvesObservation, TlsObservation, UdpObservation
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.operations.lab_handle import LabHandle
from orchestrator.operations.lessons.node_watch import END_OF_TABLE, NodeWatch, loopback_exchanges, new_sockets
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.traffic.exchanges.events import CompletedEvent, DatagramFlow, TcpClose
from orchestrator.traffic.packets.decode import FRAME_FIELDS

RECORDINGS = Path(__file__).parents[2] / "recordings"
NODES = {"dns": {"role": "dns"}, "client": {"role": "client"}}
SCENARIO = Scenario.model_validate({"name": "shop", "title": "Shop", "domain": "shop.lab", "nodes": NODES})

FIRST = "tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*"
LOOPBACK = "tcp LISTEN 0 5 127.0.0.1:8080 0.0.0.0:*"
BUSY = "tcp LISTEN 3 5 127.0.0.1:8080 0.0.0.0:*"
OTHER = "tcp LISTEN 0 5 *:8081 *:*"
TAKES_UDP = "udp UNCONN 0 0 0.0.0.0:80 0.0.0.0:*"
ASKS_OVER_UDP = "udp UNCONN 0 0 0.0.0.0:40123 0.0.0.0:*"


def told(port: int, *tables: tuple[str, ...]) -> list[str]:
    lines = (line for table in tables for line in (*table, END_OF_TABLE))
    return [str(socket) for socket in new_sockets(lines, port)]


def test_a_socket_is_told_when_it_comes_and_when_it_comes_again() -> None:
    tables = (FIRST,), (FIRST, LOOPBACK), (FIRST, BUSY, OTHER), (FIRST, OTHER), (FIRST, LOOPBACK), (FIRST, LOOPBACK)
    assert told(8080, *tables, (FIRST, LOOPBACK)) == ["tcp 127.0.0.1:8080", "tcp *:8081", "tcp 127.0.0.1:8080"]


def test_a_check_that_tries_to_bind_is_no_program_that_listens() -> None:
    """It lets go at once: no second table has its socket."""
    assert told(8080, (FIRST,), (FIRST, LOOPBACK), (FIRST,), (FIRST, LOOPBACK), (FIRST,)) == []
    assert told(80, (FIRST,), ()) == []


def test_of_what_was_there_before_only_the_port_that_is_meant_is_told() -> None:
    assert told(80, (FIRST, LOOPBACK), (FIRST, LOOPBACK)) == ["tcp 0.0.0.0:80"]
    assert told(22, (FIRST, LOOPBACK), (FIRST, LOOPBACK)) == []


def test_a_socket_of_udp_is_told_beside_one_of_tcp_unless_it_is_a_clients() -> None:
    with_udp = (FIRST, TAKES_UDP, ASKS_OVER_UDP)
    assert told(80, (FIRST,), with_udp, with_udp) == ["tcp 0.0.0.0:80", "udp 0.0.0.0:80"]
    assert told(80, (TAKES_UDP,)) == []


def topology() -> Topology:
    return assign_addresses("shop", SCENARIO, Snapshot("/s", "r", {}), {})


def recorded(name: str, address: str = "127.0.0.1") -> Iterator[str]:
    """The lines of a recording, as tshark prints them of the loopback interface."""
    for line in (RECORDINGS / f"{name}.txt").read_text("utf-8").splitlines():
        yield re.sub(r"192\.168\.231\.\d+", address, line)


def addresses_of(host: str) -> tuple[str, ...]:
    return (host,)


TLS = {"from": "client", "tls": "127.0.0.1:8443", "server_name": "secure.shop.lab"}
UDP = {"from": "client", "udp": "127.0.0.1:514", "outcome": "refused"}
DNS = {"from": "client", "resolves": "app.shop.lab", "answered_by": "client"}
Observation = TlsObservation | UdpObservation | ResolvesObservation


def comparisons(observation: Observation, recording: str) -> list[Comparison]:
    """What a task says of each exchange of a recording, where it is an attempt."""
    events = loopback_exchanges(topology(), "client", recorded(recording))
    return [seen for event in events if (seen := observation.compare(event, addresses_of)) is not None]


@pytest.mark.parametrize(
    ("observation", "recording"),
    [
        (TlsObservation.model_validate(TLS), "tls"),
        (UdpObservation.model_validate(UDP), "udp"),
        (ResolvesObservation.model_validate(DNS), "first"),
    ],
)
def test_tls_udp_and_dns_on_loopback_are_observed(observation: Observation, recording: str) -> None:
    assert any(isinstance(seen, Matched) for seen in comparisons(observation, recording))
    assert observation.loopback_port is not None


@pytest.mark.parametrize(
    ("observation", "recording", "sentence"),
    [
        (
            TlsObservation.model_validate({**TLS, "server_name": "www.shop.lab"}),
            "tls",
            "client began TLS for secure.shop.lab with itself, 127.0.0.1, port 8443. Expected: the name www.shop.lab.",
        ),
        (
            UdpObservation.model_validate({**UDP, "outcome": "answered"}),
            "udp",
            "client sent a datagram to itself, 127.0.0.1, port 514: refused. Expected: it is answered.",
        ),
        (
            UdpObservation.model_validate({**UDP, "udp": "127.0.0.1:9000"}),
            "udp",
            "client sent a datagram to itself, 127.0.0.1, port 514: refused. Expected: a datagram to 127.0.0.1:9000.",
        ),
        (
            TlsObservation.model_validate({**TLS, "tls": "127.0.0.1:9443"}),
            "refused",
            "client opened a connection to itself, 127.0.0.1, port 81: refused. Expected: TLS with 127.0.0.1:9443.",
        ),
    ],
)
def test_what_differs_on_loopback_is_told(observation: Observation, recording: str, sentence: str) -> None:
    told = [seen.sentence for seen in comparisons(observation, recording) if isinstance(seen, Different)]
    assert sentence in told


@pytest.mark.parametrize("recording", ["first", "tls", "bodies"])
def test_a_connection_of_a_node_to_itself_ends_as_another_does(recording: str) -> None:
    """One node ends both of its directions."""
    across = Recording(iter((RECORDINGS / f"{recording}.txt").read_text("utf-8").splitlines())).events(topology())[0]
    ends = [event.how for event in across if isinstance(event, TcpClose)]
    on_loopback = loopback_exchanges(topology(), "client", recorded(recording))
    assert [event.how for event in on_loopback if isinstance(event, TcpClose)] == ends
    assert "closed" in ends


def test_a_connection_to_itself_over_which_nothing_is_sent_is_told() -> None:
    """As `nc -z 127.0.0.1 80` does it: the packets without data of a recording. The capture has not ended then."""
    size, has_ended = FRAME_FIELDS.index("tcp.len"), False

    def lines() -> Iterator[str]:
        nonlocal has_ended
        yield from (line for line in recorded("bodies") if line.split("\t")[size] == "0")
        has_ended = True

    page = HttpObservation.model_validate({"from": "client", "http": "http://127.0.0.1/"})
    events = loopback_exchanges(topology(), "client", lines())
    seen = [page.compare(event, addresses_of) for event in events if not has_ended]
    assert any("port 80 and sent nothing" in one.sentence for one in seen if isinstance(one, Different)), seen


def test_a_datagram_is_told_at_its_first_reply_and_once() -> None:
    """A capture that goes on ends no flow of UDP: each packet here is read one by one."""
    request = next(recorded("udp")).split("\t")
    ports = next(place for place, value in enumerate(request) if value == "52007")
    reply = [*request]
    reply[0], reply[ports], reply[ports + 1] = "2", request[ports + 1], request[ports]
    lines = ("\t".join(line) for line in (request, reply, reply))
    events: list[CompletedEvent] = list(loopback_exchanges(topology(), "client", lines))
    assert [(event.sent, event.received) for event in events if isinstance(event, DatagramFlow)] == [(1, 1)]


def test_a_datagram_that_crosses_a_network_is_no_attempt() -> None:
    lines = (RECORDINGS / "udp.txt").read_text("utf-8").splitlines()
    observation = UdpObservation.model_validate(UDP)
    events = list(loopback_exchanges(topology(), "client", iter(lines)))
    assert [observation.compare(event, addresses_of) for event in events] == [None]


@pytest.mark.slow
def test_a_node_that_was_started_again_has_to_be_watched_anew(tmp_path: Path) -> None:
    """The helper goes on in the network namespace of before, where nothing happens any more."""
    for name, text in {"scenario.yaml": TEXT, **SEED}.items():
        (tmp_path / name).write_text(text, "utf-8")
    engine, state = FakeEngine(list(IMAGES.values()), answer=lambda _call: Output(0, "", "")), tmp_path / "state"
    workspace = InMemoryWorkspace(StateFolder(state), "unix:///nobody", engine)
    scenario = load_scenario(str(tmp_path))
    made = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2)
    made.up(())
    with NodeWatch(LabHandle(made, workspace, scenario), "client", listens=80) as watch:
        assert not watch.is_stale()
        node = made.observe().container_of("client")
        assert node is not None
        engine.stop(node.id, 0)
        assert not watch.is_stale()  # it begins anew when it runs again
        engine.start(node.id)
        assert watch.is_stale()
