"""Read the logs of nodes: what was written, and what is being written, by several nodes at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue

from orchestrator.engine.protocol import Engine
from orchestrator.errors import WirelabError
from orchestrator.quick_dataclass import dataclass

# Questions of wirelab's own, of a readiness probe or a check that marks a place in the log: nobody's traffic.
OWN_QUESTION = re.compile(r" \((?:wirelab-probe[^)]*|w[0-9a-f]+\.log-mark)\): query: ")


@dataclass(frozen=True)
class LogSelection:
    """Which lines of a log: those since a moment (seconds since 1970), the last `tail`, with `own` questions or not."""

    since: float = 0.0
    tail: int | None = None
    own: bool = False

    def wants(self, line: str) -> bool:
        return self.own or not OWN_QUESTION.search(line)


def written_lines(engine: Engine, container: str, selection: LogSelection) -> list[str]:
    """What a node has written."""
    lines = [line for line in engine.log(container, selection.since).splitlines() if selection.wants(line)]
    return lines if selection.tail is None else lines[max(0, len(lines) - selection.tail) :]


def followed_lines(engine: Engine, container: str, selection: LogSelection) -> Iterator[str]:
    """What a node has written and goes on to write, until its container ends."""
    skipped = 0
    if selection.tail is not None:
        everything = LogSelection(selection.since, own=selection.own)
        skipped = len(written_lines(engine, container, everything)) - selection.tail
    for line in engine.follow(container, selection.since):
        if not selection.wants(line):
            continue
        if skipped > 0:
            skipped -= 1
        else:
            yield line


def followed_by_node(
    engine: Engine, containers: Mapping[str, str], selection: LogSelection
) -> Iterator[tuple[str, str]]:
    """(node, line) of several nodes as they write, until the containers of all have ended."""
    lines: SimpleQueue[tuple[str, str | WirelabError | None]] = SimpleQueue()

    def follow(node_name: str, container: str) -> None:
        try:
            for line in followed_lines(engine, container, selection):
                lines.put((node_name, line))
        except WirelabError as error:
            lines.put((node_name, error))
        else:
            lines.put((node_name, None))

    for node_name, container in containers.items():
        # Nobody can end the wait for a log's next line: the threads end with the process.
        threading.Thread(target=follow, args=(node_name, container), daemon=True).start()
    running = len(containers)
    while running:
        node_name, line = lines.get()
        if isinstance(line, WirelabError):
            raise line
        if line is None:
            running -= 1
        else:
            yield node_name, line
