"""Tell the traffic of our own probes from that of a person who works in the same node at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from orchestrator.checks.probes import PROBE_PORTS, RunProgram
from orchestrator.lessons.own_machine import OwnMachineAttempt
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    ExchangeStart,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    UnansweredArp,
    client_node,
    start_time,
)

# Packets are read a little later than they are sent; of older programs nothing is read any more.
REMEMBERED_SECONDS = 60.0
# For programs that wait for their turn in a node (checks/program_batch.py), and for a slow engine.
SPARE_SECONDS = 20.0
# When another process began (True) or ended (False) a program.
OtherRun = tuple[float, RunProgram, bool]


@dataclass(eq=False)
class _ProgramRun:
    """A program that ran in a node; until it is over, `ended` is when it ends at the latest.

    `flows` has the connection that it opened to each address and port, by the number of the flow.
    """

    probe: RunProgram
    began: float
    ended: float = inf
    is_over: bool = False
    flows: dict[tuple[str, int], int] = field(default_factory=dict)

    def ran(self, node: str, moment: float) -> bool:
        return self.probe.node == node and self.began <= moment <= self.ended

    def has_opened(self, address: str, port: int, flow: int) -> bool:
        """Whether it has opened this connection: it opens one, so that a second one like it is another's."""
        if not self.probe.opens_once:
            return True
        return port in self.probe.ports and self.flows.setdefault((address, port), flow) == flow

    def has_requested(self, flow: int) -> bool:
        """Whether it has sent a request; one that opens a connection alone sends none, so that this is another's."""
        self.flows = {place: own for place, own in self.flows.items() if own != flow}
        return not self.probe.opens_once


class OwnProbes:
    """The programs that we run in nodes. Several threads may tell of them.

    A mark tells what they send: a source port of ours, or, while a program of ours runs in the node, the AD bit in a
    question (`dig +noedns` sets it, too). Of a program without marks, what begins while it runs in the node is its own;
    but if it opens one connection, a second one like it is another's.
    `others` returns what other processes have reported of such programs since the last call: each with its time, and
    whether it began. The thread that judges traffic calls it.
    """

    def __init__(self, now: Callable[[], float] = time.time, others: Callable[[], Iterable[OtherRun]] = tuple) -> None:
        self._now = now
        self._others = others
        self._runs: list[_ProgramRun] = []
        self._lock = threading.Lock()

    def note(self, probe: RunProgram, begins: bool) -> None:
        """A program begins in its node, or has ended there; several may run side by side."""
        with self._lock:
            self._note(probe, self._now(), begins)

    def _note(self, probe: RunProgram, now: float, begins: bool, longest: float = inf) -> None:
        if begins:
            self._runs = [run for run in self._runs if run.ended >= now - REMEMBERED_SECONDS]
            self._runs.append(_ProgramRun(probe, now, now + longest))
            return
        run = next((run for run in self._runs if run.probe == probe and not run.is_over), None)
        if run:
            run.ended, run.is_over = now, True

    def _note_others(self) -> None:
        """Note the programs of other processes. A killed process reports no end, but its program ends by itself."""
        for at, probe, begins in self._others():
            with self._lock:
                self._note(probe, at, begins, probe.seconds + SPARE_SECONDS)

    def is_own_start(self, start: ExchangeStart) -> bool:
        """Whether an exchange that begins is one of ours."""
        self._note_others()
        if bears_mark(start.client_port) or (start.wants_ad and self._runs_in(start.client, start.at)):
            return True
        if start.kind in ("arp", "ndp"):
            return self._runs_in(start.client, start.at)  # a kernel asks for whoever needs the machine
        with self._lock:
            runs = self._unmarked(start.client, start.at)
            if start.server_address:
                return any(run.has_opened(start.server_address, start.port, start.flow) for run in runs)
            requested = [run.has_requested(start.flow) for run in runs]
        return any(requested)

    def is_own(self, event: CompletedEvent) -> bool:
        """Whether an exchange that is over was one of ours."""
        self._note_others()
        if isinstance(event, UnansweredArp):
            return self._runs_in(event.sender, event.started)
        flow = event.flow
        if bears_mark(flow.client.port):
            return True
        if isinstance(event, DnsExchange) and event.wants_ad and self._runs_in(flow.client.node, event.started):
            return True
        with self._lock:
            runs = self._unmarked(client_node(event), flow.opened or start_time(event))
            if isinstance(event, TcpHandshake | TlsHandshake | TcpClose):
                return any(run.has_opened(flow.server.address, flow.server.port, flow.number) for run in runs)
            requested = [run.has_requested(flow.number) for run in runs]
        return any(requested)

    def is_own_inside(self, attempt: OwnMachineAttempt) -> bool:
        """Whether a program of ours sent this to its own machine; the client's port tells connections apart."""
        self._note_others()
        if bears_mark(attempt.client_port):
            return True
        with self._lock:
            runs = self._unmarked(attempt.node, attempt.at)
            return any(run.has_opened(attempt.address, attempt.port, -attempt.client_port) for run in runs)

    def _runs_in(self, node: str, moment: float) -> bool:
        with self._lock:
            return any(run.ran(node, moment) for run in self._runs)

    def _unmarked(self, node: str, moment: float) -> list[_ProgramRun]:
        """The programs without marks that ran in the node at that moment."""
        return [run for run in self._runs if not run.probe.is_marked and run.ran(node, moment)]


def bears_mark(client_port: int) -> bool:
    """Whether traffic comes from a port of our programs."""
    first, end = PROBE_PORTS
    return first <= client_port < end
