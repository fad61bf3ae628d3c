"""A terminal that shows more lines than anybody reads is named; one that shows a page is not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestrator.operations.live.node_terminals import NodeTerminal, NodeTerminals


class Shell:
    """A terminal that shows what a test puts into it, piece by piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def exit_code(self) -> int:
        return 0


def opened(*pieces: bytes) -> tuple[NodeTerminals, float]:
    """Terminals of which one has shown these pieces to its watcher; and when it was opened, at the latest."""
    terminals: Any = NodeTerminals(None, None, "lab", ["client"])  # type: ignore[arg-type]
    shell: Any = Shell([*pieces])
    terminal = NodeTerminal("session", "client", shell, None, b"")  # type: ignore[arg-type]
    terminals._open["session"] = terminal
    has_ended = threading.Event()
    terminal.watch(lambda piece: has_ended.set() if piece is None else None)
    begun = terminal._looked_at
    terminal.begin()
    assert has_ended.wait(20)
    return terminals, begun


@pytest.mark.parametrize(
    ("lines", "seconds", "said"),
    [
        (15_000, 15, ("A terminal in client shows 1,000 lines a second",)),
        (7_500, 15, ("A terminal in client shows 500 lines a second",)),
        (7_000, 15, ()),
        (40, 0, ()),  # a page, just after the shell was opened
    ],
)
def test_a_flood_is_named_from_five_hundred_lines_a_second_on(lines: int, seconds: int, said: tuple[str, ...]) -> None:
    terminals, begun = opened(*[b"line\r\n" * 100] * (lines // 100), b"line\r\n" * (lines % 100))
    assert terminals.floods(lambda: begun + seconds) == said


def test_each_look_counts_from_the_one_before() -> None:
    terminals, begun = opened(b"line\r\n" * 60_000)
    assert terminals.floods(lambda: begun + 30.0) != ()
    assert terminals.floods(lambda: begun + 45.0) == ()
