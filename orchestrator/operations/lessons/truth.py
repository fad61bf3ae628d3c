"""Find the right answer of a question, and its choices, in the running lab."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, TookTooLong
from orchestrator.events import ProbeEvent
from orchestrator.lessons.lesson import AddressOf, BrokenLayer, FirstServer, PredictTask
from orchestrator.lessons.questions import Question, order_question, question_of
from orchestrator.lessons.steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.lessons.lesson import AskTask, QuestionTask, Run
    from orchestrator.model.topology import Topology
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lessons.common_truths import CommonTruths
    from orchestrator.operations.live.traffic import LiveTraffic, TrafficReader
    from orchestrator.traffic.exchanges.events import CompletedEvent, Flow
    from orchestrator.traffic.story import Span

SEEN_SECONDS = 5.0  # until packets that were sent are read
TURN_SECONDS = 0.2
CLOSED_SECONDS = 6.0  # an app closes a connection that it does not use after two to four (images/app, database.py)
COLD_SECONDS = 15.0
# What a node asks its neighbours before it can send anything.
NEIGHBOUR_KINDS = ("arp", "ndp")


def ask_lab(
    lab: LabHandle,
    topology: Topology,
    task: QuestionTask,
    seed: int,
    traffic: LiveTraffic | None = None,
    truths: CommonTruths | None = None,
) -> Question:
    """The question with its choices and its right answer. Raises NotFound where the lab does not show any.

    `traffic` is that of the lab, if somebody reads it already. Then a first packet needs no capture of its own, and the
    end of a connection is visible. The journal says that the packets are wirelab's own: the story of the lab would give
    the answer away. A lab that is new shares its answers with the others that are, in `truths`.
    """
    if isinstance(task, PredictTask):
        with _as_probes(lab, task.predict.node):
            steps = whole_steps(lab, task.predict, traffic)
        return order_question(task, steps, seed)
    answer = truths.get(task) if truths else None
    if answer is None:
        answer = _truth(lab, topology, task, traffic)
        if truths:
            truths.keep(task, answer)
    return question_of(task, answer, topology, seed)


def _truth(lab: LabHandle, topology: Topology, task: AskTask, traffic: LiveTraffic | None) -> str:
    match task.truth:
        case AddressOf(address_of=node):
            return str(topology.addresses(node)[0])
        case FirstServer(first_server=run):
            with _as_probes(lab, run.node):
                seen = _first_server_seen(lab, topology, run, traffic) if traffic and traffic.is_listening else None
                return seen or _first_server(lab, run)
        case BrokenLayer(broken_layer=check_name):
            return _broken_layer(lab, check_name)
    return task.truth.value


@contextmanager
def _as_probes(lab: LabHandle, node: str) -> Iterator[None]:
    publish = lab.workspace.without_watcher().publisher(lab.workspace.journal(lab.name))
    since = time.time()
    try:
        yield
    finally:
        publish(ProbeEvent(node, since, time.time()))


def whole_steps(
    lab: LabHandle, run: Run, traffic: LiveTraffic | None = None, seconds: float = COLD_SECONDS
) -> tuple[str, ...]:
    """The steps that a program caused on all nodes, by a trace of it.

    The learner may have just sent a request, and a connection that is still open from it needs neither a lookup nor a
    handshake. So the trace is repeated until it uses no earlier connection, or until `seconds` are over. Raises
    NotFound where there are no steps to put in order.
    """
    until = time.monotonic() + seconds
    while True:
        with traffic.reading() if traffic else nullcontext() as reader:
            story = lab.trace(*run.run, node=run.node).story
            spans = tuple(span for span in story.spans if span.client_node == run.node)
            earlier = tuple(earlier_connections(spans))
            if not earlier or time.monotonic() > until:
                break
            await_closed(earlier, reader)
    steps = steps_of(events_of(spans))
    if len(steps) < 2:
        line = " ".join(run.run)
        raise NotFound(f"{line!r} has fewer than two steps", why="a task of the lesson asks for their order")
    return steps


def events_of(spans: Iterable[Span]) -> Iterator[CompletedEvent]:
    """What happened in these spans and below them."""
    from orchestrator.traffic.story import EarlierConnection

    for span in spans:
        if not isinstance(span.event, EarlierConnection):
            yield span.event
        yield from events_of(span.children)


def earlier_connections(spans: Iterable[Span]) -> Iterator[Flow]:
    """The connections that these spans use, and that were opened before them."""
    from orchestrator.traffic.story import EarlierConnection

    for span in spans:
        if isinstance(span.event, EarlierConnection):
            yield span.event.flow
        yield from earlier_connections(span.children)


def await_closed(flows: Iterable[Flow], reader: TrafficReader | None, seconds: float = CLOSED_SECONDS) -> None:
    """Wait until these connections are closed, as packets are read, and at most for so long."""
    from orchestrator.traffic.exchanges.events import TcpClose

    left = {(flow.client, flow.server) for flow in flows}
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        if reader is None:
            time.sleep(TURN_SECONDS)
            continue
        closes = (event for event in reader.new_events(TURN_SECONDS) if isinstance(event, TcpClose))
        left -= {(close.flow.client, close.flow.server) for close in closes}


def _first_server_seen(lab: LabHandle, topology: Topology, run: Run, traffic: LiveTraffic) -> str | None:
    """The same from traffic that is read already; None where it shows none in time, or its order is not certain."""
    if len(topology.addresses(run.node)) != 1:
        return None  # the packets of two networks are read in any order
    with traffic.reading() as reader:
        since = time.time()
        with suppress(TookTooLong):
            lab.node(run.node).run(*run.run)
        return first_server_in(reader, run.node, since)


def first_server_in(reader: TrafficReader, node_name: str, since: float, seconds: float = SEEN_SECONDS) -> str | None:
    """Whom a node asked first since then, as packets are read; None where nothing is seen for so long."""
    from orchestrator.traffic.exchanges.events import ExchangeStart

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for event in reader.new_events(TURN_SECONDS):
            if not isinstance(event, ExchangeStart) or event.kind in NEIGHBOUR_KINDS:
                continue
            if event.client == node_name and event.at >= since:
                return event.server
    return None


def _first_server(lab: LabHandle, run: Run) -> str:
    """The node to which the first packets of a program went, by a trace of it."""
    from orchestrator.traffic.exchanges.events import server_node
    from orchestrator.traffic.story import EarlierConnection

    story = lab.trace(*run.run, node=run.node).story
    event = next((span.event for span in story.spans if span.client_node == run.node), None)
    if event is None:
        raise NotFound(f"{' '.join(run.run)!r} sent no packet", why="a question of the lesson asks for its first one")
    return event.flow.server.node if isinstance(event, EarlierConnection) else server_node(event)


def _broken_layer(lab: LabHandle, check_name: str) -> str:
    """The first broken layer of a check, as `wirelab why` names it."""
    walks = [finding.why for finding in lab.check(check_name) if finding.why]
    broken = next((walk.broken for walk in walks if walk.broken), None)
    if broken is None:
        raise NotFound(f"no layer of {check_name!r} is broken", why="a question of the lesson asks for the broken one")
    return broken.title
