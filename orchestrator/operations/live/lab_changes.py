"""Tell those who watch labs when a journal or a container of theirs has changed: one look for all labs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.lab.journal import journal_file
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.engine.containers import Containers
    from orchestrator.host.state_folder import StateFolder

JOURNAL_SECONDS = 0.1
LIST_SECONDS = 3.0  # for what somebody does past wirelab
END_SECONDS = 10.0

# The id of each container of a lab, with its state.
States = Set[tuple[str, str]]


@dataclass(eq=False)
class _Follower:
    """Who follows a lab, and what was there at the last look."""

    lab_name: str
    on_journal: Callable[[], None]
    on_containers: Callable[[States], None]
    journal: object = None
    containers: object = None


class LabChanges:
    """A context in which two threads look at all labs that are followed.

    However many they are, the engine is asked once in `list_seconds`, and for its list alone: to inspect the containers
    of thirty labs takes half a processor.
    """

    def __init__(self, engine: Containers, state: StateFolder, list_seconds: float = LIST_SECONDS) -> None:
        self._engine = engine
        self._state = state
        self._followers: tuple[_Follower, ...] = ()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        rounds = ((self.look_at_journals, JOURNAL_SECONDS), (self.look_at_containers, list_seconds))
        self._threads = [
            threading.Thread(target=self._repeat, args=each_round, daemon=True, name="lab changes")
            for each_round in rounds
        ]

    def __enter__(self) -> LabChanges:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(END_SECONDS)

    def follow(
        self, lab_name: str, *, on_journal: Callable[[], None], on_containers: Callable[[States], None]
    ) -> Callable[[], None]:
        """Call these, in a thread of ours, at the first look and after each change; returns what ends that.

        `on_containers` takes what was seen. They return at once: all other labs wait for them.
        """
        follower = _Follower(lab_name, on_journal, on_containers)
        with self._lock:
            self._followers = (*self._followers, follower)

        def end() -> None:
            with self._lock:
                self._followers = tuple(other for other in self._followers if other is not follower)

        return end

    def _repeat(self, look: Callable[[], None], seconds: float) -> None:
        while not self._ending.wait(seconds):
            look()

    def look_at_journals(self) -> None:
        """Look once at each journal that is followed."""
        for follower in self._followers:
            stamp = self._stamp(follower.lab_name)
            if stamp != follower.journal:
                follower.journal = stamp
                follower.on_journal()

    def _stamp(self, lab_name: str) -> object:
        """What differs whenever the journal does; "none" where there is none."""
        try:
            status = journal_file(self._state, lab_name).stat()
        except OSError:
            return "none"
        return status.st_ino, status.st_size, status.st_mtime_ns

    def look_at_containers(self) -> None:
        """Look once at the containers of all labs. An engine that does not answer has changed nothing."""
        followers = self._followers
        if not followers:
            return
        with suppress(WirelabError):
            states: dict[str, set[tuple[str, str]]] = {follower.lab_name: set() for follower in followers}
            for container in self._engine.listed_containers(labels.LAB):
                states.get(container.labels[labels.LAB], set()).add((container.id, container.state))
            for follower in followers:
                if states[follower.lab_name] != follower.containers:
                    follower.containers = states[follower.lab_name]
                    follower.on_containers(states[follower.lab_name])
