"""Read what is typed in the shells of a lab's nodes, as these record it, in a thread for each node."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.lab.shell_record import READER, SHELL
from orchestrator.lessons.typed_programs import TypedPrograms

if TYPE_CHECKING:
    from orchestrator.lessons.repairs import ProgramRun
    from orchestrator.operations.lab_handle import LabHandle

END_SECONDS = 5.0


class ShellReader:
    """The record of one node. The program that reads it in the node ends with our end of its input."""

    def __init__(self, lab: LabHandle, node_name: str) -> None:
        self.programs = TypedPrograms(node_name)
        self._lab = lab
        self._node_name = node_name
        self._pieces: SimpleQueue[bytes] = SimpleQueue()
        self._rest = b""
        self._read, self._write = os.pipe()
        self._thread = threading.Thread(target=self._attend, daemon=True, name=f"shells of {node_name}")

    def begin(self) -> None:
        """Read from now on, in a thread."""
        self._thread.start()

    def _attend(self) -> None:
        with suppress(WirelabError):  # the node is gone, or has no bash
            node = self._lab.node(self._node_name)
            self._lab.workspace.engine.attached(node.container, READER, self._take, self._read)
        os.close(self._read)

    def _take(self, stream: int, piece: bytes) -> None:
        if stream == 1:
            self._pieces.put(piece)

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def look(self) -> None:
        """Note what has come since the last call."""
        with suppress(Empty):
            while True:
                *lines, self._rest = (self._rest + self._pieces.get_nowait()).split(b"\n")
                for line in lines:
                    self.programs.add(line.decode("utf-8", "replace"))

    def end(self) -> None:
        """Let the program in the node end."""
        os.close(self._write)

    def wait(self) -> None:
        """Wait until the program has ended."""
        self._thread.join(END_SECONDS)


class ShellWatch:
    """The shells of all nodes in which the journal tells of one."""

    def __init__(self) -> None:
        self._readers: dict[str, ShellReader] = {}
        self._old: dict[str, float] = {}

    def look(self, lab: LabHandle, runs: Iterable[ProgramRun]) -> None:
        """Begin to read in each node in which a shell was opened, also once the node was started again."""
        opened = {run.node: run.began for run in runs if run.argv == SHELL}
        for node_name, began in opened.items():
            reader = self._readers.get(node_name)
            if self._old.get(node_name) == began or (reader and not reader.has_ended):
                continue
            if reader:
                reader.end()
            self._old[node_name] = began
            self._readers[node_name] = ShellReader(lab, node_name)
            self._readers[node_name].begin()

    def runs(self) -> list[ProgramRun]:
        """What was typed, as far as it is known."""
        for reader in self._readers.values():
            reader.look()
        return [run for reader in self._readers.values() for run in reader.programs.runs]

    def close(self) -> None:
        for reader in self._readers.values():
            reader.end()
        for reader in self._readers.values():
            reader.wait()
        self._readers.clear()
