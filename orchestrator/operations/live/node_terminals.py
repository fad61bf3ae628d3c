"""Terminals in nodes that outlive the page that shows them: each keeps what it showed last, for whoever comes back.

The engine ends no program when its connection goes. So each terminal has a second program in its node, whose input ends
when we end it or die, and which then ends the shell and all that it began.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, UsageInvalid, WirelabError
from orchestrator.lab.node_program import MARK, leash_argv
from orchestrator.lab.shell_record import shell_environment
from orchestrator.operations.live.typed_input import TypedInput
from orchestrator.operations.node_access import find_node, record_terminal, shell_argv

if TYPE_CHECKING:
    from orchestrator.engine.protocol import Engine
    from orchestrator.engine.terminals import Terminal
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

# Takes what a terminal shows; None at its end. Called in the terminal's own thread, which waits for it.
Watch = Callable[[bytes | None], None]

KEPT_BYTES = 64 * 1024
MOST_TERMINALS = 8
IDLE_SECONDS = 600.0  # that a terminal waits for somebody to come back
END_SECONDS = 10.0
LARGEST_SIZE = 1000  # columns or rows
FIRST_SIZE = 80, 24  # columns and rows, until a page says another
MOST_LINES = 500  # a second, on average between two looks: no person reads so fast


class Leash:
    """A program in a node that ends what is marked with `run` once its input ends, also because this process died."""

    def __init__(self, engine: Engine, container: str, run: str) -> None:
        self._engine = engine
        self._container = container
        self._argv = leash_argv(run)
        self._read, self._write = os.pipe()
        self._thread = threading.Thread(target=self._hold, daemon=True, name=f"leash of {run}")
        self._thread.start()

    def _hold(self) -> None:
        with suppress(WirelabError):  # the node is gone, and its programs with it
            self._engine.attached(self._container, self._argv, lambda *_piece: None, self._read)
        os.close(self._read)

    def end(self) -> None:
        """End what is marked, and wait until that is done."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        self._thread.join(END_SECONDS)


@dataclass(frozen=True)
class ShownTerminal:
    """What a terminal shows, for somebody who looks on: its node, its size, and its last output."""

    node: str
    columns: int
    rows: int
    output: bytes


class NodeTerminal:
    """A shell at a terminal in a node. Those who watch it get what it shows; the last of it is kept."""

    def __init__(self, session: str, node_name: str, terminal: Terminal, leash: Leash, shown: bytes) -> None:
        self.session = session
        self.node_name = node_name
        self.exit_code: int | None = None
        self.ended = False
        self.typed = TypedInput()
        self._size = FIRST_SIZE
        self._lines, self._looked_at = 0, time.monotonic()
        self._terminal = terminal
        self._leash = leash
        self._shown = shown
        self._watchers: list[Watch] = []
        self._lock = threading.Lock()
        self._idle: threading.Timer | None = None
        self._thread = threading.Thread(target=self._read, daemon=True, name=f"terminal in {node_name}")

    def begin(self) -> None:
        """Read what the shell writes, from now on."""
        self._thread.start()

    def _read(self) -> None:
        while piece := self._read_piece():
            with self._lock:
                self._lines += piece.count(b"\n")
                self._shown = (self._shown + piece)[-KEPT_BYTES:]
                watchers = tuple(self._watchers)
            for watch in watchers:
                watch(piece)
        self.exit_code = self._terminal.exit_code()
        with self._lock:
            self.ended = True
            watchers = tuple(self._watchers)
        for watch in watchers:
            watch(None)

    def _read_piece(self) -> bytes:
        try:
            return self._terminal.read()
        except OSError:
            return b""  # the engine has gone

    def line_rate(self, now: float) -> float:
        """How many lines a second it has shown since the last call, or since its beginning; `now` is monotonic."""
        with self._lock:
            rate = self._lines / max(1.0, now - self._looked_at)
            self._lines, self._looked_at = 0, now
        return rate

    def watch(self, watch: Watch) -> bytes:
        """Hand on all that comes to `watch`; returns what was shown before."""
        with self._lock:
            self._stop_waiting()
            self._watchers.append(watch)
            return self._shown

    def unwatch(self, watch: Watch, then: Callable[[], None]) -> None:
        """Nobody is there any more: `then` is called if nobody comes back in time."""
        with self._lock:
            self._watchers.remove(watch)
            if not self._watchers:
                self._stop_waiting()
                self._idle = threading.Timer(IDLE_SECONDS, then)
                self._idle.daemon = True
                self._idle.start()

    def _stop_waiting(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def write(self, typed: bytes) -> None:
        """Hand over what somebody types."""
        self._terminal.write(typed)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the shell how large the terminal is. What is no size is left out."""
        if 0 < columns <= LARGEST_SIZE and 0 < rows <= LARGEST_SIZE:
            self._size = columns, rows
            self._terminal.resize(columns, rows)

    @property
    def shown(self) -> ShownTerminal:
        """What it shows now."""
        with self._lock:
            return ShownTerminal(self.node_name, *self._size, self._shown)

    def end(self) -> None:
        """End the shell and all that it began."""
        with self._lock:
            self._stop_waiting()
        self._leash.end()
        self._terminal.close()
        if self._thread is not threading.current_thread():
            self._thread.join(END_SECONDS)


class NodeTerminals:
    """The terminals of one lab; a shell is given in the nodes of `allowed` alone."""

    def __init__(self, workspace: Workspace, scenario: LoadedScenario, lab_name: str, allowed: Sequence[str]) -> None:
        self._workspace = workspace
        self._scenario = scenario
        self._lab_name = lab_name
        self.allowed = tuple(allowed)
        self._open: dict[str, NodeTerminal] = {}
        self._lock = threading.Lock()

    @property
    def has_open(self) -> bool:
        """Whether a terminal is open."""
        return bool(self._open)

    def floods(self, clock: Callable[[], float] = time.monotonic) -> tuple[str, ...]:
        """A sentence for each terminal that has shown more lines than MOST_LINES since the last call."""
        with self._lock:
            terminals = tuple(self._open.values())
        rates = [(terminal.node_name, terminal.line_rate(clock())) for terminal in terminals]
        return tuple(
            f"A terminal in {node} shows {rate:,.0f} lines a second" for node, rate in rates if rate >= MOST_LINES
        )

    def shown(self) -> tuple[ShownTerminal, ...]:
        """What each open terminal shows now."""
        with self._lock:
            terminals = tuple(self._open.values())
        return tuple(terminal.shown for terminal in terminals)

    def open(self, node_name: str) -> NodeTerminal:
        """Open a shell. Raises UsageInvalid where that is not allowed, or where too many are open."""
        if node_name not in self.allowed:
            where = ", ".join(self.allowed) or "no node"
            raise UsageInvalid(f"no shell is given in {node_name!r}", why=f"it is given in: {where}")
        with self._lock:
            self._forget_ended()
            if len(self._open) >= MOST_TERMINALS:
                raise UsageInvalid(f"{MOST_TERMINALS} terminals are open already", hint="close one of them")
            terminal = self._make(node_name)
            self._open[terminal.session] = terminal
        terminal.begin()
        return terminal

    def _make(self, node_name: str) -> NodeTerminal:
        from orchestrator.operations.inspection import observe_lab
        from orchestrator.rendering.welcome import welcome_text

        node = find_node(self._workspace, self._scenario, self._lab_name, node_name, runs=True)
        topology, _ = observe_lab(self._workspace, self._scenario, self._lab_name)
        engine, session = self._workspace.engine, token_hex(16)
        argv = shell_argv(self._scenario.reading.scenario, node_name)
        record_terminal(self._workspace, node, argv)
        environment = {MARK: session, "TERM": "xterm-256color", **shell_environment(argv)}
        terminal = engine.terminal(node.id, argv, environment)
        welcome = f"{welcome_text(topology, node_name)}\n".replace("\n", "\r\n").encode()
        return NodeTerminal(session, node_name, terminal, Leash(engine, node.id, session), welcome)

    def of(self, session: str, node_name: str) -> NodeTerminal:
        """The terminal of that session in that node. Raises NotFound."""
        with self._lock:
            terminal = self._open.get(session)
        if terminal is None or terminal.node_name != node_name:
            raise NotFound("this terminal has ended", hint="open a new one")
        return terminal

    def leave(self, terminal: NodeTerminal, watch: Watch) -> None:
        """A page no longer shows the terminal; it ends if nobody comes back."""
        terminal.unwatch(watch, lambda: self.close(terminal.session))

    def close(self, session: str) -> None:
        """End a terminal. Nothing happens where it has ended."""
        with self._lock:
            terminal = self._open.pop(session, None)
        if terminal:
            terminal.end()

    def _forget_ended(self) -> None:
        for session in [session for session, terminal in self._open.items() if terminal.ended]:
            threading.Thread(target=self._open.pop(session).end, daemon=True).start()

    def close_all(self) -> None:
        """End all terminals, side by side: each takes a moment."""
        with self._lock:
            terminals, self._open = list(self._open.values()), {}
        threads = [threading.Thread(target=terminal.end, daemon=True) for terminal in terminals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(END_SECONDS)
