"""What a program writes at once comes in one piece with the engine's answer, and is read all the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_engine import UPGRADED, Answers, served

from orchestrator.engine.docker import DockerEngine


def frame(stream: int, text: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(text)) + text


class Quick(Answers):
    """Its answer, a whole frame and half of one go out together; the other half and the rest come later."""

    def do_GET(self) -> None:
        if not self.pinged():
            self.whole({"ExitCode": 0})

    def do_POST(self) -> None:
        self.asked()
        if not self.path.endswith("/start"):
            self.whole({"Id": "e"})
            return
        half = frame(1, b"second")
        self.wfile.write(UPGRADED + frame(1, b"first ") + frame(2, b"aside") + half[:10])
        self.wfile.write(half[10:] + frame(1, b" third"))
        self.close_connection = True


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DockerEngine]:
    with served(tmp_path / "e", Quick) as url:
        made = DockerEngine(url)
        yield made
        made.close()


def test_run(engine: DockerEngine) -> None:
    found = engine.run("c", ("true",), seconds=5)
    assert (found.exit_code, found.out, found.err) == (0, "first second third", "aside")


def test_attached(engine: DockerEngine) -> None:
    pieces: list[tuple[int, bytes]] = []
    assert engine.attached("c", ("true",), lambda *piece: pieces.append(piece)) == 0
    assert pieces == [(1, b"first "), (2, b"aside"), (1, b"second"), (1, b" third")]


def test_stream(engine: DockerEngine) -> None:
    messages: list[str] = []
    assert b"".join(engine.stream("c", ("true",), messages)) == b"first second third"
    assert messages == ["aside"]
