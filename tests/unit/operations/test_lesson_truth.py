"""The right answer of a question: from traffic that is read as it happens, and from the story of a whole request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from recorded import events, recorded

from orchestrator.errors import NotFound
from orchestrator.lessons.lesson import Run
from orchestrator.operations.lessons.truth import await_closed, first_server_in, whole_steps
from orchestrator.operations.live.traffic import TrafficReader
from orchestrator.operations.trace import Trace
from orchestrator.traffic.exchanges.events import Endpoint, ExchangeStart, Flow, TcpClose
from orchestrator.traffic.story import build_story

SINCE = 100.0


def start(kind: str, at: float, client: str, server: str) -> ExchangeStart:
    return ExchangeStart(1, kind, at, client, server, 1, "")


def first_server(*starts: ExchangeStart) -> str | None:
    reader = TrafficReader()
    for event in starts:
        reader.put(event)
    return first_server_in(reader, "client", SINCE, 30.0 if starts[-1].server == "dns" else 0.01)


def test_the_first_exchange_of_the_node_after_the_beginning_counts() -> None:
    before = start("opening", 99.9, "client", "app")
    of_another = start("dns", 100.1, "app", "db")
    neighbour = start("arp", 100.2, "client", "app")
    assert first_server(before, of_another, neighbour, start("dns", 100.3, "client", "dns")) == "dns"


@pytest.mark.slow
def test_nothing_is_said_of_a_node_that_sent_nothing() -> None:
    assert first_server(start("opening", 99.9, "client", "app")) is None
    assert first_server(start("opening", 100.1, "app", "db")) is None
    assert first_server(start("ndp", 100.1, "client", "app")) is None


RUN = Run.model_validate({"from": "client", "run": ("curl", "-s", "http://app.shop.lab/items")})
WARM = (
    "client asks dns for the address of app.shop.lab",
    "client opens a connection to app, port 80",
    "client requests GET /items from app",
    "app sends an SQL statement to db",
)
WHOLE = (
    *WARM[:3],
    "app asks dns for the address of db.shop.lab",
    "app opens a connection to db, port 5432",
    WARM[3],
)


@dataclass
class TracedLab:
    """A lab whose traces tell recorded stories, one after the other."""

    names: list[str]
    argv: list[tuple[str, ...]] = field(default_factory=list)

    def trace(self, *argv: str, node: str = "") -> Trace:
        self.argv.append((node, *argv))
        name = self.names.pop(0)
        return Trace(recorded(name) if name else build_story(()))


@dataclass
class ReadTraffic:
    """The traffic of a lab as somebody reads it: the connections of a recording, which end."""

    name: str

    @contextmanager
    def reading(self) -> Iterator[TrafficReader]:
        reader = TrafficReader()
        for event in events(self.name):
            if isinstance(event, TcpClose):
                reader.put(event)
        yield reader


def steps(lab: Any, seconds: float = 30.0) -> tuple[str, ...]:
    return whole_steps(lab, RUN, None, seconds)


def test_the_steps_of_a_request_are_those_that_cross_the_network() -> None:
    lab = TracedLab(["first", "never"])
    assert steps(lab) == WHOLE
    assert lab.argv == [("client", "curl", "-s", "http://app.shop.lab/items")]


def test_a_request_over_a_connection_of_an_earlier_one_is_sent_again_for_its_whole_story() -> None:
    """The app's connection to the database is still open for the first one."""
    traffic: Any = ReadTraffic("earlier")
    lab: Any = TracedLab(["earlier", "first", "never"])
    assert whole_steps(lab, RUN, traffic, 600.0) == WHOLE


def test_a_lab_that_keeps_its_connections_is_asked_only_for_a_while() -> None:
    assert steps(TracedLab(["earlier", "never"]), seconds=-1.0) == WARM


def test_what_other_nodes_do_meanwhile_is_no_step_of_the_program() -> None:
    of_another = Run.model_validate({"from": "client2", "run": ("curl", "-s", "http://app.shop.lab/items")})
    lab: Any = TracedLab(["first"])
    with pytest.raises(NotFound, match="fewer than two steps"):
        whole_steps(lab, of_another)


def test_a_program_that_sends_nothing_has_no_order() -> None:
    with pytest.raises(NotFound, match="fewer than two steps"):
        steps(TracedLab([""]))


def test_an_earlier_connection_is_awaited_until_its_end_is_read() -> None:
    """The numbers of flows differ from capture to capture: its ends say which one it is."""
    flow = next(event.flow for event in events("earlier") if isinstance(event, TcpClose))
    renumbered = Flow(99, "tcp", flow.client, flow.server, 1.0)
    reader = TrafficReader()
    reader.put(TcpClose(1, renumbered, 1.0, "closed", "app", 1, 1, True))
    await_closed([flow], reader, seconds=600.0)


@pytest.mark.slow
def test_the_end_of_another_connection_is_not_waited_for_without_end() -> None:
    flow = next(event.flow for event in events("earlier") if isinstance(event, TcpClose))
    other = Flow(flow.number, "tcp", Endpoint("app", flow.client.address, 1), flow.server, 1.0)
    reader = TrafficReader()
    reader.put(TcpClose(1, other, 1.0, "closed", "app", 1, 1, True))
    await_closed([flow], reader, seconds=0.01)
    assert reader.new_events(0.0) == []
