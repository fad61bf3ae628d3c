"""An engine that goes away, falls silent or never ends while it answers: an error of ours, and no traceback."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from small_engine import UPGRADED, Answers, served

from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.docker.images import DockerImageStore
from orchestrator.errors import EngineMissing, ImageMissing, TookTooLong
from orchestrator.planning.specs import ContainerSpec


class Dying(Answers):
    """Answers what is short; of a stream it sends a piece and goes away, of a program's output it sends no end."""

    def do_GET(self) -> None:
        if not self.pinged():
            self._broken(b"\1\0\0\0\0\0\0\6ready\n")

    def do_POST(self) -> None:
        if "/containers/create" in self.path:
            self.asked()
            self.whole({"message": "No such image: mine:1"}, 404)
        elif "/images/create" in self.path:
            self._broken(b'{"status": "Pulling"}\r\n')
        elif self.path.endswith("/start"):
            self._endless()
        else:
            self.asked()
            self.whole({"Id": "e"})

    def _broken(self, piece: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n40\r\n" % (len(piece), piece))
        self.close_connection = True

    def _endless(self) -> None:
        self.wfile.write(UPGRADED)
        self.close_connection = True
        if "no-end" not in str(self.server.server_address):
            return  # the request's body is unread: the kernel tells the reader that the connection was reset
        frame = struct.pack(">BxxxL", 1, 1 << 20) + bytes(1 << 20)
        try:
            while True:
                self.wfile.write(frame)
        except OSError:
            return


def await_ready(engine: DockerEngine) -> object:
    return engine.await_line("c", "wirelab: ready".__eq__, since=0.0, seconds=5.0, stop=lambda: False)


@pytest.mark.parametrize(
    "ask",
    [
        await_ready,
        lambda engine: list(engine.follow("c")),
        lambda engine: engine.run("c", ("true",), seconds=5),
        lambda engine: engine.attached("c", ("true",), lambda *_piece: None),
        lambda engine: list(engine.stream("c", ("true",), [])),
    ],
    ids=["await_line", "follow", "run", "attached", "stream"],
)
def test_an_engine_that_goes_away_in_the_middle_is_missing(
    tmp_path: Path, ask: Callable[[DockerEngine], object]
) -> None:
    with served(tmp_path / "e", Dying) as url, closing(DockerEngine(url)) as engine, pytest.raises(EngineMissing):
        ask(engine)


def test_a_pull_that_breaks_off_leaves_the_image_missing(tmp_path: Path) -> None:
    with served(tmp_path / "e", Dying) as url:
        with closing(DockerEngine(url)) as engine, pytest.raises(ImageMissing):
            engine.make_container(ContainerSpec("n", "mine:1", {}))
        assert DockerImageStore(url).pull("debian:trixie") is False


@pytest.mark.slow
def test_a_program_that_writes_without_end_takes_too_long(tmp_path: Path) -> None:
    """Its output would fill the memory before its time is over."""
    with (
        served(tmp_path / "no-end", Dying) as url,
        closing(DockerEngine(url)) as engine,
        pytest.raises(TookTooLong) as caught,
    ):
        engine.run("c", ("yes",), seconds=60)
    assert "64 MiB" in caught.value.why
