"""Read the traffic of a lab in a thread, as it happens, while the caller does something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, WirelabError
from orchestrator.lab.capture.listening import is_listening
from orchestrator.operations.capture import open_capture
from orchestrator.operations.trace import live_events
from orchestrator.planning import labels
from orchestrator.planning.capture import READ_NOW

if TYPE_CHECKING:
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot
    from orchestrator.traffic.exchanges.events import TrafficEvent

END_SECONDS = 10.0
BEGIN_SECONDS = 20.0
PAUSE_SECONDS = 0.05
MOST_AT_ONCE = 1000


class TrafficReader:
    """The events that came since it was made, for one thread that reads them."""

    def __init__(self) -> None:
        self._events: SimpleQueue[TrafficEvent | None] = SimpleQueue()

    def put(self, event: TrafficEvent) -> None:
        """Take an event, from the thread that reads the capture."""
        self._events.put(event)

    def wake(self) -> None:
        """Let the thread that waits for an event go on without one."""
        self._events.put(None)

    def new_events(self, seconds: float | None) -> list[TrafficEvent]:
        """What was read since the last call; waits for the first event, or for `wake`, up to so many seconds."""
        events: list[TrafficEvent | None] = []
        with suppress(Empty):
            events.append(self._events.get(timeout=seconds))
            while len(events) < MOST_AT_ONCE:
                events.append(self._events.get_nowait())
        return [event for event in events if event is not None]


class LiveTraffic:
    """The events of a lab's traffic, for any number of readers; a context that ends the capture.

    A capture that has just begun misses what came before `is_listening`. With `reads_later`, packets are recorded from
    then on, and the program that reads them starts with the first one, or at `prepare`: it takes most of the memory.
    """

    def __init__(
        self, workspace: Workspace, scenario: LoadedScenario, lab_name: str, *, reads_later: bool = False
    ) -> None:
        self._workspace = workspace
        self._scenario = scenario
        self._lab_name = lab_name
        self._readers: tuple[TrafficReader, ...] = ()
        self._stack = ExitStack()
        self._thread: threading.Thread | None = None
        self._run = ""
        self._errors: list[str] = []
        self._pause = threading.Event()
        self._reads_later = reads_later
        self.failure: WirelabError | None = None

    def reader(self) -> TrafficReader:
        """A reader of the events from now on."""
        reader = TrafficReader()
        self._readers = (*self._readers, reader)
        return reader

    @contextmanager
    def reading(self) -> Iterator[TrafficReader]:
        """A reader inside the `with` block alone."""
        reader = self.reader()
        try:
            yield reader
        finally:
            self._readers = tuple(other for other in self._readers if other is not reader)

    def __enter__(self) -> LiveTraffic:
        self._run = self._stack.enter_context(self._workspace.guard())
        self._begin()
        return self

    def _begin(self) -> None:
        self.failure = None
        self._errors = []
        capture, observed = open_capture(self._workspace, self._scenario, self._lab_name, self._run)
        self._thread = threading.Thread(target=self._read, args=(capture, observed), daemon=True)
        self._thread.start()

    def await_begin(self) -> bool:
        """Wait until the capture has begun: from then on, packets are read. False if it does not begin."""
        until = time.monotonic() + BEGIN_SECONDS
        while not self.is_listening and not self.has_ended and time.monotonic() < until:
            self._pause.wait(PAUSE_SECONDS)
        return self.is_listening

    def prepare(self) -> None:
        """Let the program that reads packets start, in a thread: somebody is there who may soon send some."""
        if self._reads_later:
            self._reads_later = False
            threading.Thread(target=self._start_reading, daemon=True, name="start to read").start()

    def _start_reading(self) -> None:
        with suppress(WirelabError):  # it starts with the first packet, too
            for container in self._workspace.engine.listed_containers(f"{labels.RUN}={self._run}"):
                self._workspace.engine.run(container.id, READ_NOW, seconds=END_SECONDS)

    @property
    def is_listening(self) -> bool:
        """Whether packets are read from now on."""
        return not self.has_ended and is_listening(self._errors)

    @property
    def has_ended(self) -> bool:
        """Whether the capture has ended by itself, as it does when the lab is taken down."""
        return self._thread is not None and not self._thread.is_alive()

    def restart(self) -> None:
        """Begin anew, after the capture has ended. The numbers of exchanges begin anew, too."""
        self._remove_containers()
        self._begin()

    def _read(self, capture: LabCapture, observed: Snapshot) -> None:
        try:
            for event in live_events(capture, observed, self._errors, reads_later=self._reads_later):
                for reader in self._readers:
                    reader.put(event)
        except WirelabError as error:
            self.failure = error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the container that captures, which ends the thread."""
        try:
            self._remove_containers()
            if self._thread:
                self._thread.join(END_SECONDS)
        finally:
            self._stack.__exit__(kind, error, trace)

    def _remove_containers(self) -> None:
        for container in self._workspace.engine.containers(f"{labels.RUN}={self._run}"):
            with suppress(NotFound):
                self._workspace.engine.remove_container(container.id)
