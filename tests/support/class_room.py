"""A class over its real server: its command line, its board, and the labs of its seats."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab_bench import CHECKOUT, Bench, Engine, Ran, eventually, piped

from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.folder import ClassStore
from orchestrator.web.board_client import ask_board

DEADLINE = 240.0
SEAT_DEADLINE = 120.0  # for each seat of a class that starts, on a machine that does much else


@dataclass(frozen=True)
class Class:
    """A class by its name, and the command line for it."""

    engine: Engine
    name: str
    seats: Sequence[str]

    def cli(self, command: str, *words: str) -> Ran:
        return Bench(self.engine, self.name).run("class", command, self.name, *words)

    def lab(self, seat: str) -> Bench:
        return Bench(self.engine, f"{self.name}-{seat}")

    def in_client(self, seat: str, *argv: str) -> Ran:
        return Bench(self.engine, self.name).run("exec", f"{self.name}-{seat}", "client", "--", *argv)

    def nodes(self, seat: str) -> dict[str, str]:
        """Node of the seat's lab -> container id."""
        containers = self.lab(seat).containers()
        ids = {container.labels.get("wirelab.node", ""): container.id for container in containers}
        return {node: container_id for node, container_id in ids.items() if node}

    def readers(self, seat: str) -> list[str]:
        """The programs that run in the container which captures the seat's packets."""
        found = [container for container in self.lab(seat).containers() if "wirelab.capture" in container.labels]
        rows = [row for container in found for row in container.top(ps_args="-o pid,comm")["Processes"]]
        return sorted({row[-1] for row in rows} & {"dumpcap", "tshark"})

    def printed_board(self) -> Any:
        """The board as the command line prints it."""
        ran = self.cli("status", "--json")
        assert ran.code == 0, ran.err
        return ran.document

    def board(self) -> Any:
        """The same of a class that is served, without a command for each look."""
        kept = ClassStore(StateFolder.of(self.engine.environ)).require(self.name)
        return ask_board(kept.endpoint, kept.board_token, "board")

    def values(self, of: str) -> dict[str, Any]:
        """Seat -> this value of the board."""
        return {seat["seat"]: seat[of] for seat in self.board()["seats"]}

    def is_so(self, wanted: dict[str, Any], of: str) -> bool:
        """Whether these seats have these values of the board."""
        values = self.values(of)
        return {seat: values[seat] for seat in wanted} == wanted

    @contextmanager
    def served(self, *words: str, ending: signal.Signals = signal.SIGINT) -> Iterator[dict[str, str]]:
        """The class while it is served, all its seats ready; gives its links.

        The server gets a signal at the end.
        """
        argv = (sys.executable, "-m", "orchestrator", "class", "start", self.name, *words)
        pipe, states = subprocess.PIPE, dict.fromkeys(self.seats, "ready")
        with subprocess.Popen(argv, env=dict(self.engine.environ), cwd=CHECKOUT, stdout=pipe, text=True) as process:
            try:
                # Printed once the server answers.
                lines = [piped(process.stdout).readline().split() for _ in ("board", *self.seats)]
                is_started = eventually(lambda: self.is_so(states, "state"), SEAT_DEADLINE * len(self.seats))
                assert is_started, self.board()
                yield {line[0]: line[1] for line in lines}
            finally:
                process.send_signal(ending)
                process.wait(DEADLINE)
