"""Watch what happens inside of a node and crosses no network: its loopback packets, sockets that begin to listen.

A helper in the node's network namespace sees both. Nothing in the node can change what the helper sees.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.checks.probes import ProgramResult
from orchestrator.checks.sockets import BoundSocket, read_socket_table
from orchestrator.errors import NotFound, WirelabError
from orchestrator.lab.capture.recording import Recording, whole_lines
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.lesson import HoldsTask, ObserveTask
from orchestrator.lessons.observations import ListensObservation
from orchestrator.lessons.own_machine import ARGV as OWN_MACHINE
from orchestrator.lessons.own_machine import OwnMachineAttempt, read_own_attempts
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.operations.capture import open_capture
from orchestrator.operations.log_watch import LogWatch
from orchestrator.planning.capture import inside_argv, inside_spec
from orchestrator.traffic.exchanges.events import CompletedEvent, ExchangeStart
from orchestrator.traffic.packets.decode import decode_argv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.lessons.server_records import ServerRecord
    from orchestrator.model.topology import Topology
    from orchestrator.operations.lab_handle import LabHandle

LISTEN_SECONDS = 20.0
POKE_SECONDS = 10.0
END_SECONDS = 10.0
END_OF_TABLE = "."
# Prints the table of sockets that listen, four times a second. The kernel tells nobody when one begins to.
TABLES = ("sh", "-c", f"while ss -Htuln; do echo {END_OF_TABLE}; sleep 0.25; done")
# Ports below this one are not what the kernel gives a UDP client that asks for none (ip(7), ip_local_port_range).
FIRST_CLIENT_PORT = 32768
# A packet to the loopback interface that means nothing: it shows that the capture has begun.
POKE = ("bash", "-c", "echo > /dev/udp/127.0.0.1/9")


# What is seen inside of a node.
Inside = CompletedEvent | BoundSocket | OwnMachineAttempt


@dataclass(frozen=True)
class InsideRecording:
    """The container that keeps the last loopback packets of a node, and the watch that it serves; a context.

    At its end, both are removed.
    """

    container: str
    stack: ExitStack

    def __enter__(self) -> str:
        return self.container

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stack.close()


class NodeWatch:
    """One node; a context. Reads loopback packets, with HTTP at the ports `http`; or, with `listens`, sockets.

    With `attempts_alone` it reads only the attempts in loopback packets, which takes a hundredth of the memory. With
    `records`, its helper also keeps the last of the packets.
    """

    def __init__(
        self,
        lab: LabHandle,
        node_name: str,
        *,
        http: Sequence[int] = (),
        listens: int | None = None,
        attempts_alone: bool = False,
        records: bool = False,
    ) -> None:
        self.node_name = node_name
        self.recorder = ""
        self._records = records
        self._lab = lab
        self._http = http
        self._listens = listens
        self._attempts_alone = attempts_alone
        self._stack = ExitStack()
        self._happened: SimpleQueue[Inside] = SimpleQueue()
        self._listening = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: tuple[str, str] | None = None

    def is_stale(self) -> bool:
        """Whether the node runs, and was started again: it then has another network namespace than the helper."""
        node = self._lab.made.observe().container_of(self.node_name)
        return node is not None and node.state == "running" and (node.id, node.started) != self._seen

    @property
    def reads_exchanges(self) -> bool:
        """Whether it reads whole exchanges on the loopback interface."""
        return self._listens is None and not self._attempts_alone

    def new(self) -> list[Inside]:
        """What happened since the last call."""
        happened = []
        with suppress(Empty):
            while True:
                happened.append(self._happened.get_nowait())
        return happened

    def __enter__(self) -> NodeWatch:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self) -> None:
        workspace, engine = self._lab.workspace.without_watcher(), self._lab.workspace.engine
        run = self._stack.enter_context(workspace.guard())
        capture, observed = open_capture(workspace, self._lab.loaded, self._lab.name, run)
        topology, node = capture.topology(observed), observed.container_of(self.node_name)
        if node is None:
            raise NotFound(f"the node {self.node_name!r} is not up", hint=capture.named.command("up"))
        self._seen = (node.id, node.started)
        container = engine.make_container(
            inside_spec(topology, observed, node.id, self.node_name if self._records else "")
        )
        self._stack.callback(self._remove, container)
        engine.start(container)
        self.recorder = container if self._records else ""
        happenings: Iterator[Inside]
        if self._attempts_alone:
            lines = whole_lines(engine.stream(container, OWN_MACHINE, []))
            happenings = read_own_attempts(self.node_name, lines)
        elif self._listens is not None:
            happenings = new_sockets(self._noted(whole_lines(engine.stream(container, TABLES, []))), self._listens)
        else:
            argv = inside_argv(self.node_name, decode_argv(http=self._http, live=True))
            lines = self._noted(whole_lines(engine.stream(container, argv, [])))
            happenings = loopback_exchanges(topology, self.node_name, lines)
        self._thread = threading.Thread(target=self._read, args=(happenings,), daemon=True, name="inside")
        self._thread.start()
        if self.reads_exchanges:
            self._await_capture(container)
        elif self._listens is not None:
            self._listening.wait(LISTEN_SECONDS)  # what listens in the first table was there before

    def _read(self, happenings: Iterator[Inside]) -> None:
        with suppress(WirelabError):  # the node, or the helper, is removed
            for happening in happenings:
                self._happened.put(happening)
        self._listening.set()  # nothing more comes

    def _noted(self, lines: Iterator[str]) -> Iterator[str]:
        """The lines of packets or of tables; the first one shows that the helper has begun to look."""
        for line in lines:
            self._listening.set()
            yield line

    def _await_capture(self, container: str) -> None:
        deadline = time.monotonic() + LISTEN_SECONDS
        while not self._listening.is_set() and time.monotonic() < deadline:
            self._lab.workspace.engine.run(container, POKE, seconds=POKE_SECONDS)
            self._listening.wait(0.5)

    def _remove(self, container: str) -> None:
        """Remove the helper, which ends the thread."""
        with suppress(NotFound):
            self._lab.workspace.engine.remove_container(container)
        if self._thread:
            self._thread.join(END_SECONDS)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stack.close()


class TaskWatch:
    """The watch for what the open task wants to see inside of a node, if it wants to see anything there.

    In addition, it watches each node in which the learner works for requests to the node itself, which are visible
    nowhere else. These watches go on from task to task. With `records`, loopback packets are kept for the result.
    """

    def __init__(self, *, records: bool = False) -> None:
        self._records = records
        self._stack = ExitStack()
        self._watch: NodeWatch | LogWatch | None = None
        self._shells = ExitStack()
        self._shell_watches: dict[str, NodeWatch] = {}

    def begin(self, lab: LabHandle, task: AnyTask | None, shells: Sequence[str] = ()) -> None:
        """Watch for this task alone."""
        self._close_own()
        if watch := watch_of(lab, task, records=self._records):
            self._stack.enter_context(watch)
            self._watch = watch
        if isinstance(task, ObserveTask | HoldsTask):
            self._watch_shells(lab, shells)
            self.new()  # of an earlier task

    def _watch_shells(self, lab: LabHandle, shells: Sequence[str]) -> None:
        for name in shells:
            if name not in self._shell_watches:
                with suppress(NotFound):  # the node is not there; once it is, the task begins again
                    self._shell_watches[name] = self._shells.enter_context(NodeWatch(lab, name, attempts_alone=True))

    def begin_again(self, lab: LabHandle, task: AnyTask | None, shells: Sequence[str] = ()) -> bool:
        """Begin anew if a node was started again; returns whether one was."""
        is_stale = self._watch is not None and self._watch.is_stale()
        if any(watch.is_stale() for watch in self._shell_watches.values()):
            self._close_shells()
            is_stale = True
        if is_stale:
            self.begin(lab, task, shells)
        return is_stale

    def new(self) -> Sequence[Inside | ServerRecord]:
        """What happened since the last call."""
        watched_whole = (
            self._watch.node_name if isinstance(self._watch, NodeWatch) and self._watch.reads_exchanges else ""
        )
        tried = [(name, watch.new()) for name, watch in self._shell_watches.items()]
        others = [attempt for name, attempts in tried if name != watched_whole for attempt in attempts]
        return (*(self._watch.new() if self._watch else ()), *others)

    def hand_over(self) -> InsideRecording | None:
        """The recording of loopback packets, for somebody who reads it and ends it; None where there is none."""
        watch = self._watch
        if not isinstance(watch, NodeWatch) or not watch.recorder:
            return None
        self._watch = None
        return InsideRecording(watch.recorder, self._stack.pop_all())

    def close(self) -> None:
        self._close_own()
        self._close_shells()

    def _close_own(self) -> None:
        self._watch = None
        self._stack.close()

    def _close_shells(self) -> None:
        self._shell_watches.clear()
        self._shells.close()


def watch_of(lab: LabHandle, task: AnyTask | None, *, records: bool = False) -> NodeWatch | LogWatch | None:
    """A watch for what a task wants to see inside of a node or in a log; None where it wants to see nothing there."""
    if not isinstance(task, ObserveTask):
        return None
    if isinstance(task.observe, ListensObservation):
        return NodeWatch(lab, task.observe.client, listens=task.observe.listens)
    if isinstance(task.observe, SshObservation):
        return LogWatch(lab, [task.observe.ssh])
    if isinstance(task.observe, HttpObservation) and task.observe.needs_tls:
        return LogWatch(lab, [name for name in lab.made.scenario.nodes if _serves_tls(lab, name)])
    wanted = [
        observation
        for observation in (task.observe, task.after)
        if observation is not None and observation.loopback_port is not None
    ]
    if not wanted:
        return None
    http = [observation.loopback_port or 80 for observation in wanted if isinstance(observation, HttpObservation)]
    return NodeWatch(lab, wanted[0].client, http=http, records=records)


def _serves_tls(lab: LabHandle, node_name: str) -> bool:
    scenario = lab.made.scenario
    node = scenario.nodes[node_name]
    return any(listener.tls for listener in scenario.roles[node_name].listeners_of(node))


def loopback_exchanges(topology: Topology, node_name: str, lines: Iterator[str]) -> Iterator[CompletedEvent]:
    """The exchanges of which each packet crosses the loopback interface of a node, from the lines of tshark."""
    names = dict.fromkeys(("127.0.0.1", "::1"), node_name)
    events = Recording(lines).events(topology, window=0, more_names=names, is_prompt=True)[0]
    return (event for event in events if not isinstance(event, ExchangeStart))


def new_sockets(lines: Iterator[str], port: int) -> Iterator[BoundSocket]:
    """The sockets that appear; of those in the first table, only the TCP sockets at this port.

    A socket counts if two tables in a row have it: by then, the probe of a check that tries to bind has closed its own.
    A UDP socket at a port that the kernel has chosen is a client's.
    """
    seen: set[tuple[str, str, int]] | None = None
    before: set[tuple[str, str, int]] = set()
    table: list[str] = []
    for line in lines:
        if line != END_OF_TABLE:
            table.append(line)
            continue
        bound = read_socket_table(ProgramResult(0, "\n".join(table), ""))
        sockets = [socket for socket in bound if not _is_client(socket)]
        present = set(map(_identity, sockets))
        if seen is None:
            seen = {place for place in present if (place[0], place[2]) != ("tcp", port)}
        yield from (socket for socket in sockets if _identity(socket) in before - seen)
        seen, before, table = (seen | before) & present, present, []


def _identity(socket: BoundSocket) -> tuple[str, str, int]:
    return socket.protocol, socket.address, socket.port


def _is_client(socket: BoundSocket) -> bool:
    return socket.protocol == "udp" and socket.port >= FIRST_CLIENT_PORT
