"""What a program writes at once comes in one piece with the engine's answer, and is read all the same."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from orchestrator.engines.docker import DockerEngine

ANSWER = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def frame(stream: int, text: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(text)) + text


class Quick(BaseHTTPRequestHandler):
    """Its answer, a whole frame and half of one go out together; the other half and the rest come later."""

    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "test"

    def log_message(self, *_words: object) -> None:
        return

    def do_GET(self) -> None:
        self._document({"ApiVersion": "1.41", "Version": "20.10.24", "ExitCode": 0})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/start"):
            self._document({"Id": "e"})
            return
        half = frame(1, b"second")
        self.wfile.write(ANSWER + frame(1, b"first ") + frame(2, b"aside") + half[:10])
        self.wfile.write(half[10:] + frame(1, b" third"))
        self.close_connection = True

    def _document(self, document: dict[str, object]) -> None:
        self.send_response(200)
        body = json.dumps(document).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DockerEngine]:
    path = tmp_path / "e"
    with Server(str(path), Quick) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        made = DockerEngine(f"unix://{path}")
        yield made
        made.close()
        server.shutdown()


def test_run(engine: DockerEngine) -> None:
    found = engine.run("c", ("true",), seconds=5)
    assert (found.exit_code, found.out, found.err) == (0, "first second third", "aside")


def test_attached(engine: DockerEngine) -> None:
    pieces: list[tuple[int, bytes]] = []
    assert engine.attached("c", ("true",), lambda *piece: pieces.append(piece)) == 0
    assert pieces == [(1, b"first "), (2, b"aside"), (1, b"second"), (1, b" third")]


def test_stream(engine: DockerEngine) -> None:
    said: list[str] = []
    assert b"".join(engine.stream("c", ("true",), said)) == b"first second third"
    assert said == ["aside"]
