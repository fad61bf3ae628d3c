"""The lines of a log, from the pieces in which an engine sends them."""

from __future__ import annotations

import pytest

from orchestrator.engine.docker.logs import lines


@pytest.mark.parametrize(
    ("pieces", "seen"),
    [
        ([(1, b"one\ntwo\n")], [b"one\n", b"two\n"]),
        ([(1, b"on"), (1, b"e\ntwo")], [b"one\n", b"two"]),
        # Podman sends what was read at once, so that a line of the other stream stands in the middle of one.
        ([(2, b"query: wirelab-probe (127.0."), (1, b"wirelab: ready\n"), (2, b"0.1)\n")],
         [b"wirelab: ready\n", b"query: wirelab-probe (127.0.0.1)\n"]),
        ([(1, b"a"), (2, b"b")], [b"a", b"b"]),
        ([(1, b"\n\n")], [b"\n", b"\n"]),
        ([], []),
    ],
)  # fmt: skip
def test_a_line_is_whole_whatever_comes_between_its_pieces(pieces: list[tuple[int, bytes]], seen: list[bytes]) -> None:
    assert list(lines(pieces)) == seen
