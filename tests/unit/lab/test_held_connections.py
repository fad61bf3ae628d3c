"""A check `holds_open` with a fault, on the engine in memory: its connection, a real one, is older than the fault."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

import pytest
from lab_in_memory import TEXT, LabHost, is_done

from orchestrator.events import FindingEvent
from orchestrator.lab import faults as breaking

pytestmark = pytest.mark.slow


class Echo:
    """Sends back what it gets; keeps what each connection brought, and whether its peer has closed it."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.port = listening.getsockname()[1]
        self.heard: list[list[str]] = []
        self.closed: SimpleQueue[bool] = SimpleQueue()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                self._answer(self.listening.accept()[0])

    def _answer(self, taken: socket.socket) -> None:
        texts: list[str] = []
        self.heard.append(texts)
        with taken:
            while text := taken.recv(100):
                texts.append(text.decode())
                taken.sendall(text)
        self.closed.put(True)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Echo(listening)
        thread = Thread(target=server.serve)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def scenario(*checks: str) -> str:
    return TEXT.partition("checks:")[0] + "checks:\n" + "".join(f"  - {{{check}}}\n" for check in checks)


HOLDS = "name: {name}, {when}: {{stop: db}}, from: app, holds_open: '127.0.0.1:{port}', send: {name}, within: 60"


@pytest.mark.parametrize("when", ["during", "after"])
def test_the_connection_is_opened_before_the_fault_used_again_and_closed(
    lab_host: LabHost, echo: Echo, when: str
) -> None:
    """One connection bears both texts: the first before the database is stopped, the second while it is or later."""
    moments: list[tuple[str, int]] = []
    lab = lab_host.lab(
        scenario(HOLDS.format(name="held", when=when, port=echo.port)),
        publish=lambda event: moments.append((event.step, sum(map(len, echo.heard)))) if is_done(event) else None,
    )
    lab.up()
    moments.clear()
    (finding,) = breaking.check(lab, lab.scenario.checks)
    assert (finding.verdict, echo.heard) == ("pass", [["held", "held"]])
    assert moments[0] == ("stop:db", 1)
    assert dict(moments)["start:db"] == (2 if when == "during" else 1)
    assert echo.closed.get(timeout=60)


def test_without_a_connection_no_fault_is_put_in(lab_host: LabHost, echo: Echo) -> None:
    """What was never open cannot show what a fault does to it; the other checks of the fault are judged."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        closed = other.getsockname()[1]
    steps: list[str] = []
    messages: list[str] = []
    text = scenario(HOLDS.format(name="closed", when="during", port=closed))
    lab = lab_host.lab(text, publish=lambda event: steps.append(event.step) if is_done(event) else None)
    lab.up()
    steps.clear()
    (finding,) = breaking.check(lab, lab.scenario.checks)
    assert (finding.verdict, steps) == ("fail", [])
    assert finding.judgement.actual == "before the fault: not opened: refused: Connection refused"
    both = scenario(
        HOLDS.format(name="closed", when="during", port=closed),
        HOLDS.format(name="held", when="during", port=echo.port),
    )
    lab = lab_host.lab(
        both, publish=lambda event: messages.append(event.check) if isinstance(event, FindingEvent) else None
    )
    found = {finding.check: finding.verdict for finding in breaking.check(lab, lab.scenario.checks)}
    assert (found, sorted(messages)) == ({"closed": "fail", "held": "pass"}, ["closed", "held"])
