"""A scripted learner: types into `wirelab learn`, works in the shells of the nodes, and reads what the lesson says."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from lab_bench import CHECKOUT, Bench

from orchestrator.lessons.words import WORDS

DEADLINE = 240.0
HELP = f"- {next(iter(WORDS))}: "  # the beginning of what `help` tells


@dataclass
class Learner:
    """One run of `wirelab learn`; a context that closes the input and waits for the end.

    The learner has a seed, or the code of a seat; the result of a seat is kept in `folder`. `more` are other options.
    """

    bench: Bench
    seed: int = 0
    code: str = ""
    folder: Path = CHECKOUT
    more: tuple[str, ...] = ()
    said: str = ""
    _read_until: int = 0
    _has_ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Learner:
        self.process = subprocess.Popen(
            (
                *(sys.executable, "-m", "orchestrator", "learn", self.bench.scenario),
                *("--lab", self.bench.lab),
                *(("--seat", self.code) if self.code else ("--seed", str(self.seed))),
                *self.more,
            ),
            env=dict(self.bench.engine.environ),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        return self

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            with self._changed:
                self.said += line
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def hears(self, text: str) -> str:
        """Wait until the lesson says a text that it had not said before; what was said until then."""
        until = time.monotonic() + DEADLINE
        with self._changed:
            while text not in self._words()[self._read_until :]:
                left = until - time.monotonic()
                heard_more = left > 0 and not self._has_ended and self._changed.wait(left)
                assert heard_more, f"{text!r} was not said; what was said:\n{self.said}"
            words = self._words()
            heard = words[self._read_until : words.index(text, self._read_until) + len(text)]
            self._read_until += len(heard)
        return heard

    def _words(self) -> str:
        """What was said, on one line: the terminal's width decides where lines end."""
        return " ".join(self.said.split())

    def solution(self) -> str:
        """Ask for the solution; what the lesson answers, however many lines it takes."""
        self.types("solution")
        self.types("help")
        self.hears("solution: ")
        return self.hears(HELP).removesuffix(HELP).strip()

    def types(self, line: str) -> None:
        """Type a line into the lesson."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def runs(self, *argv: str, node: str = "client") -> None:
        """Run a program in a node, as in its shell."""
        self.bench.container(node).exec_run(list(argv))

    def ends(self) -> int:
        """Close the input; the exit code of the command."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(DEADLINE)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        with self.process:  # closes its pipes
            self._reader.join(DEADLINE)
