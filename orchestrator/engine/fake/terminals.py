"""Terminals of the engine in memory: what is typed is echoed, and becomes the input of a program when that ends."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue

from orchestrator.engine.fake.inside import FakePrograms
from orchestrator.engine.programs import Argv, Env, Output
from orchestrator.engine.terminals import Terminal

END_OF_INPUT = b"\x04"  # Ctrl-D
# In the contract a program waits for a line, and then tells how large its terminal is.
TELL_SIZE = ("sh", "-c", "read line; stty size")


class FakeTerminals(FakePrograms):
    """The capability `Terminals`. A program that reads its input gets it as a whole, at Ctrl-D."""

    def terminal(self, container: str, argv: Argv, env: Env = None) -> Terminal:
        with self._changed:
            self._require(container, "running")
        terminal = FakeTerminal(lambda stdin: self._call(container, argv, 0, env=env, stdin=stdin), tuple(argv))
        if argv[0] not in ("cat", "sh"):
            terminal.end()
        return terminal


class FakeTerminal:
    """What was typed so far, and what is to be read."""

    def __init__(self, run: Callable[[bytes], Output], argv: tuple[str, ...]) -> None:
        self._run = run
        self._argv = argv
        self._typed = b""
        self._written: SimpleQueue[bytes] = SimpleQueue()
        self._size = (80, 24)
        self._code: int | None = None

    def read(self) -> bytes:
        piece = self._written.get()
        if not piece:
            self._written.put(b"")  # it stays at its end
        return piece

    def write(self, typed: bytes) -> None:
        if self._code is not None:
            return
        self._typed += typed.replace(END_OF_INPUT, b"")
        if echoed := typed.replace(END_OF_INPUT, b"").replace(b"\n", b"\r\n"):
            self._written.put(echoed)
        if END_OF_INPUT in typed or (self._argv == TELL_SIZE and b"\n" in typed):
            self.end()

    def end(self) -> None:
        """Run the program with what was typed."""
        columns, rows = self._size
        size = Output(0, f"{rows} {columns}\n", "")
        output = size if self._argv == TELL_SIZE else self._run(self._typed)
        self._code = output.exit_code
        for text in filter(None, (output.out, output.err)):
            self._written.put(text.replace("\n", "\r\n").encode())
        self._written.put(b"")

    def resize(self, columns: int, rows: int) -> None:
        self._size = (columns, rows)

    def exit_code(self) -> int | None:
        return self._code

    def close(self) -> None:
        self._written.put(b"")
