"""Watch the logs of servers for what no packet shows: what is done on encrypted connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.lessons.server_records import ServerRecord, read_records

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import LabHandle

PAUSE_SECONDS = 0.25


class LogWatch:
    """The logs of some nodes from now on; a context that needs no end. A log is read anew four times a second."""

    def __init__(
        self, lab: LabHandle, node_names: Sequence[str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = lab.workspace.engine
        self._monotonic = monotonic
        self._containers = {
            name: container.id
            for name in node_names
            if (container := lab.made.observe().container_of(name)) is not None
        }
        self._lab = lab
        self._since = self._engine.now()
        self._read = dict.fromkeys(self._containers, 0)
        self._next = 0.0

    def is_stale(self) -> bool:
        """Whether one of the nodes was made anew: its log is another one."""
        observed = self._lab.made.observe()
        return any(
            (container := observed.container_of(name)) is not None and container.id != known
            for name, known in self._containers.items()
        )

    def new(self) -> list[ServerRecord]:
        """What the logs say since the last call."""
        if self._monotonic() < self._next:
            return []
        self._next = self._monotonic() + PAUSE_SECONDS
        records: list[ServerRecord] = []
        for name, container in self._containers.items():
            with suppress(NotFound):
                lines = self._engine.log(container, self._since).splitlines(keepends=True)
                whole = [line for line in lines if line.endswith("\n")]
                records += read_records(name, whole[self._read[name] :])
                self._read[name] = len(whole)
        return records

    def __enter__(self) -> LogWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
