"""One live view of a lab, as values: what is in it, what happens in it, and what somebody who watches can do.

The values come from the engine, the journal and the packets. Threads keep them up to date; subscribers are told what
changed. Pages show them, and decide nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.checks.findings import Finding
from orchestrator.errors import NotFound, WirelabError
from orchestrator.events import (
    CaptureEvent,
    CauseEvent,
    Entry,
    FaultEvent,
    FindingEvent,
    LabEvent,
    LessonEvent,
    NodeEvent,
    ProbeEvent,
    ProbeRunEvent,
)
from orchestrator.lab.journal_reader import follow_entries
from orchestrator.operations.capture import open_capture, status_of
from orchestrator.operations.engine_answers import PING_SECONDS, tell_answers
from orchestrator.operations.faults import fault_nodes, list_faults
from orchestrator.operations.inspection import observe_lab
from orchestrator.operations.lessons.learn import InClass, open_lesson
from orchestrator.operations.live.actions import LiveActions
from orchestrator.operations.live.findings import with_event
from orchestrator.operations.live.lab_changes import LabChanges, States
from orchestrator.operations.live.lesson import LessonMessages, LiveLesson
from orchestrator.operations.live.node_terminals import NodeTerminals
from orchestrator.operations.live.traffic import LiveTraffic
from orchestrator.operations.node_access import shell_nodes
from orchestrator.traffic.story import MOST_KEPT, LiveExchange, LiveExchanges

if TYPE_CHECKING:
    from orchestrator.lessons.progress import Progress
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.injected_faults import InjectedFault
    from orchestrator.rendering.graph import Picture

# What has changed: an entry of the journal, exchanges, or a topic whose present value is to be read.
Topic = Literal["nodes", "faults", "checks", "capture", "lesson", "engine_answers"]
Change = Entry | tuple[LiveExchange, ...] | Topic
# The lab was taken down and is up again: nothing that was told before is true.
RESTART: Literal["restart"] = "restart"
Tell = Callable[[Change | Literal["restart"]], None]

MOST_ENTRIES = 200
LOOK_SECONDS = 3.0  # between two looks at the engine while a capture counts, or the last look saw nothing
REST_SECONDS = 60.0  # otherwise: LabChanges tells when there is something to see
GATHER_SECONDS = 0.05  # that an exchange, or a look at the engine, may wait for others
END_SECONDS = 5.0


@dataclass
class LiveState:
    """What is known now. Values are replaced, never changed.

    The states of nodes are empty while the lab has a fault that the learner is to find.
    """

    states: dict[str, str] = field(default_factory=dict)
    faults: tuple[InjectedFault, ...] = ()
    findings: dict[str, Finding] = field(default_factory=dict)
    running: frozenset[str] = frozenset()
    capture: dict[str, Any] = field(default_factory=lambda: {"capture": "none"})
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    engine_answers: bool = True


class LiveLab:
    """A lab that somebody watches; a context, in which threads watch it.

    `traffic` is open already, and is read through a reader of our own. `changes` tells when to look at the lab.
    """

    def __init__(
        self,
        workspace: Workspace,
        scenario: LoadedScenario,
        lab_name: str,
        traffic: LiveTraffic,
        changes: LabChanges,
    ) -> None:
        self.workspace = workspace
        self.loaded = scenario
        self.name = lab_name
        self.state = LiveState(states=dict.fromkeys(scenario.reading.scenario.nodes, "missing"))
        self.exchanges = LiveExchanges()
        self.actions = LiveActions(workspace, scenario, lab_name, workspace.actor.seat)
        self.terminals = NodeTerminals(workspace, scenario, lab_name, shell_nodes(scenario.reading.scenario))
        self.lesson: LiveLesson | None = None
        self.traffic = traffic
        self._reader = traffic.reader()
        self._changes = changes
        self._follow = ExitStack()
        self._subscribers: list[Tell] = []
        self._nodes = tuple(scenario.reading.scenario.nodes)
        self._checks = tuple(check.name for check in scenario.reading.scenario.checks)
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._stale = threading.Event()
        self._written = threading.Event()
        self._has_looked = False
        self._looked_at = 0.0
        self._seen_containers: States = frozenset()
        self._threads = [
            threading.Thread(target=target, daemon=True, name=f"live lab: {target.__name__}")
            for target in (self._follow_journal, self._follow_traffic, self._follow_engine, self._follow_answers)
        ]

    def __enter__(self) -> LiveLab:
        follow = self._changes.follow(self.name, on_journal=self._written.set, on_containers=self._on_containers)
        self._follow.callback(follow)
        self._look()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._follow.close()
        for waiting in (self._stale, self._written):
            waiting.set()
        self._reader.wake()
        self.terminals.close_all()
        for thread in self._threads:
            thread.join(END_SECONDS)

    @property
    def is_lost(self) -> bool:
        """Whether nothing is seen of the lab any more, as after it was taken down."""
        return self.traffic.has_ended or (self.lesson is not None and self.lesson.has_stopped)

    def attend(self, lesson: LiveLesson) -> None:
        """Show a lesson beside the lab: shells where it gives them, and none of the faults that it puts in."""
        self.lesson = lesson
        self.terminals.allowed = lesson.shells
        lesson.messages.on_message = lambda: self.tell("lesson")

    def is_hidden(self, entry: Entry) -> bool:
        """Whether an entry is hidden: it tells what the learner is to find, or concerns no reader."""
        if isinstance(entry.event, ProbeRunEvent):
            return True
        return self.lesson is not None and entry.run == self.lesson.run_id and not isinstance(entry.event, LessonEvent)

    def subscribe(self, tell: Tell) -> Callable[[], None]:
        """Call `tell` with each change, in some thread; returns what ends that."""
        with self._lock:
            self._subscribers.append(tell)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.remove(tell)

        return unsubscribe

    def tell(self, *changes: Change | Literal["restart"]) -> None:
        """Tell all subscribers, in one order for all."""
        with self._lock:
            for change in changes:
                for subscriber in self._subscribers:
                    subscriber(change)

    def snapshot(self) -> tuple[LiveState, tuple[LiveExchange, ...]]:
        """What is known now, as it was at one moment."""
        with self._lock:
            return replace(self.state, entries=deque(self.state.entries)), self.exchanges.kept

    def picture(self) -> Picture:
        """The picture as `wirelab graph` has it, without what a capture has seen."""
        from orchestrator.rendering.graph import make_picture
        from orchestrator.rendering.nodes import node_states

        topology, observed = observe_lab(self.workspace, self.loaded, self.name)
        return make_picture(topology, node_states(topology, observed))

    def roles(self) -> dict[str, str]:
        """What each node was seen to be: client, server or both."""
        with self._lock:
            return self.exchanges.acts_as()

    def fault_nodes(self) -> dict[str, list[str]]:
        """Node -> the ids of the faults that are in it."""
        nodes: dict[str, list[str]] = {}
        for injected in self.state.faults:
            for node in fault_nodes(injected.fault, self._nodes):
                nodes.setdefault(node, []).append(injected.id)
        return nodes

    def check(self, number: int | None) -> None:
        """Run one check of the file, by its number, or all of them; their findings are told as they come."""
        wanted = self._checks if number is None else self._checks[number - 1 : number]
        with self._lock:
            self.state.running |= frozenset(wanted)
        self.tell("checks")
        try:
            findings = self.actions.check(number)
        finally:
            with self._lock:
                self.state.running -= frozenset(wanted)
            self.tell("checks")
        with self._lock:
            self.state.findings = {**self.state.findings, **{finding.check: finding for finding in findings}}
        self.tell("checks")

    # threads

    def _follow_journal(self) -> None:
        stop = self._ending.is_set
        for entry in follow_entries(self.workspace.state, self.name, stop=stop, pause=self._pause):
            if self.lesson:
                self.lesson.wake()
            if not self.is_hidden(entry):
                with self._lock:
                    self.state.entries.append(entry)
                self.tell(entry)
            self._on_event(entry)

    def _pause(self, _seconds: float) -> None:
        """Wait until the journal has changed, or the end."""
        self._written.wait()
        self._written.clear()

    def _on_containers(self, states: States) -> None:
        """Look again, unless the last look saw just these."""
        if not self._has_looked or states != self._seen_containers:
            self._stale.set()

    def _on_event(self, entry: Entry) -> None:
        match event := entry.event:
            case ProbeEvent(node=node, since=since, until=until):
                with self._lock:
                    probes = self.exchanges.on_probes(node, since, until)
                self.tell(*((probes, "nodes") if probes else ()))
            case FaultEvent() | NodeEvent() | LabEvent() | CaptureEvent():
                if entry.time >= self._looked_at:  # otherwise the last look has seen what it did
                    self._stale.set()
            case FindingEvent() | CauseEvent():
                with self._lock:
                    self.state.findings = with_event(self.state.findings, event, self._checks)
                    self.state.running -= {event.check}
                self.tell("checks")

    def _follow_traffic(self) -> None:
        roles: dict[str, str] = {}
        while not self._ending.is_set():
            if changed := self._changed_exchanges():
                self.tell(changed)
            if roles != (now := self.roles()):
                roles = now
                self.tell("nodes")

    def _changed_exchanges(self) -> tuple[LiveExchange, ...]:
        """What has changed since the last call, each exchange once: on a busy lab, most have begun and ended."""
        events = self._reader.new_events(None)
        if events and not self._ending.wait(GATHER_SECONDS):
            events += self._reader.new_events(0)
        changed: dict[int, LiveExchange] = {}
        with self._lock:
            for event in events:
                changed |= {exchange.number: exchange for exchange in self.exchanges.on_event(event)}
        return tuple(changed.values())[-MOST_KEPT:]

    def _follow_engine(self) -> None:
        while not self._ending.is_set():
            self._stale.wait(self._seconds_to_look())
            self._ending.wait(GATHER_SECONDS)
            self._stale.clear()
            if not self._ending.is_set():
                self._look()

    def _seconds_to_look(self) -> float:
        """How long to wait for the next look where nobody tells that something has changed."""
        is_counting = self.state.capture["capture"] == "running"
        return LOOK_SECONDS if is_counting or self.traffic.has_ended or not self._has_looked else REST_SECONDS

    def _follow_answers(self) -> None:
        """Ask whether the engine answers while a terminal is open."""
        while not self._ending.wait(PING_SECONDS):
            if self.terminals.has_open or not self.state.engine_answers:
                tell_answers(self.workspace.engine.ping, partial(self._replace, "engine_answers"))

    def _look(self) -> None:
        """Look at the engine and the lab's folder, and tell what changed."""
        from orchestrator.rendering.nodes import node_states

        self._has_looked, began = False, time.time()
        try:
            recording, observed = open_capture(self.workspace, self.loaded, self.name)
            topology = recording.topology(observed)
            states = node_states(topology, observed) or dict.fromkeys(self._nodes, "missing")
            capture = status_of(recording, observed)
        except WirelabError:
            return  # the engine is busy or away; the next look is soon
        self._has_looked, self._looked_at = True, began
        self._seen_containers = {(container.id, container.state) for container in observed.containers}
        try:
            faults = list_faults(self.workspace.state, self.name)
        except NotFound:
            faults = ()
        hidden = self.lesson.run_id if self.lesson else None
        shown = tuple(fault for fault in faults if fault.run != hidden)
        self._replace("faults", shown)
        is_told = shown == faults or not (self.lesson and self.lesson.is_repair)
        self._replace("states", states if is_told else dict.fromkeys(states, ""))
        self._replace("capture", capture)
        if self.traffic.has_ended and set(states.values()) != {"missing"}:
            self._restart()

    def _restart(self) -> None:
        """Read the traffic of a lab that was taken down and is up again."""
        with self._lock:
            self.exchanges = LiveExchanges()
            self.state.findings = {}
        try:
            self.traffic.restart()
            self.traffic.await_begin()
        except WirelabError:
            return  # it is on its way down again; the next look is soon
        self.tell(RESTART)

    def _replace(self, name: Literal["states", "faults", "capture", "engine_answers"], value: Any) -> None:
        with self._lock:
            if getattr(self.state, name) == value:
                return
            setattr(self.state, name, value)
        topic: Topic = "nodes" if name == "states" else name
        self.tell(topic, *(("nodes",) if name == "faults" else ()))


@contextmanager
def watch_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str) -> Iterator[LiveLab]:
    """A live view of a lab that is up. Its traffic is read by a container that is removed at the end."""
    workspace.require_recordable(lab_name)
    with (
        LabChanges(workspace.engine, workspace.state) as changes,
        LiveTraffic(workspace, scenario, lab_name) as traffic,
    ):
        traffic.await_begin()
        with LiveLab(workspace, scenario, lab_name, traffic, changes) as live:
            yield live


@contextmanager
def watch_lesson(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str,
    changes: LabChanges,
    *,
    seed: int | None = None,
    seat: str = "",
    keep_result: Callable[[Progress], None] = lambda _progress: None,
    in_class: InClass | None = None,
    on_up: Callable[[], None] = lambda: None,
    keeps_packets: bool = False,
) -> Iterator[LiveLab]:
    """Bring the lab up, and watch it while its lesson goes on, with the progress that the terminal keeps, too.

    `on_up` is called once the lab is up, before the lesson begins.
    """
    messages = LessonMessages()
    lesson_of = partial(open_lesson, keep_result=keep_result, in_class=in_class, on_up=on_up)
    lesson_of = partial(lesson_of, keeps_packets=keeps_packets)
    with lesson_of(workspace, scenario, lab_name, tell=messages.add, seed=seed, seat=seat) as lesson:
        live = LiveLab(workspace.without_watcher(), scenario, lab_name, lesson.traffic, changes)
        running = LiveLesson(lesson, messages, live.actions.changing)
        live.attend(running)
        with live, running:
            yield live
