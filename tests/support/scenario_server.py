"""A server on 127.0.0.1 that has archives, and bare git repositories by git's own program (git-http-backend(1))."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Files of `server.folder`; below /git/ its repositories.

    /away leads on for ever, /elsewhere?URL leads there, /closed wants a login.
    """

    server: ScenarioServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = urlsplit(self.path).path
        if path.startswith("/git/"):
            self._git(b"")
        elif path == "/away":
            self._answer(302, b"", {"Location": "/away"})
        elif path == "/elsewhere":
            self._answer(302, b"", {"Location": urlsplit(self.path).query})
        elif path == "/closed":
            self._answer(401, b"")
        elif path == "/endless":
            self._endless()
        elif (file := self.server.folder / path[1:]).is_file():
            self._answer(200, file.read_bytes())
        else:
            self._answer(404, b"nothing here")

    def do_POST(self) -> None:
        self._git(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1024 * 1024))
        except OSError:
            return

    def _git(self, body: bytes) -> None:
        url = urlsplit(self.path)
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path.removeprefix("/git"),
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(
            ("git", "http-backend"), input=body, env={**os.environ, **variables}, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        self._answer(status, content, fields)


class ScenarioServer(ThreadingHTTPServer):
    """Serves a folder, over TLS with the certificate and the key of these files; `asked` has the paths asked for."""

    def __init__(self, folder: Path, certificate: Path | None = None, key: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.folder = folder
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_words: object) -> None:
        """Say nothing of a client that went away, such as one that does not trust the certificate."""


@contextmanager
def scenario_server(folder: Path, certificate: Path | None = None, key: Path | None = None) -> Iterator[ScenarioServer]:
    """The server, until the end of the block."""
    with ScenarioServer(folder, certificate, key) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def make_repository(folder: Path, files: dict[str, str], links: dict[str, str] | None = None) -> tuple[Path, str]:
    """A bare repository `shop.git` in the folder, with one commit of these files, and the commit's name."""
    work, bare = folder / "work", folder / "shop.git"
    work.mkdir(parents=True)
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    for name, target in (links or {}).items():
        (work / name).symlink_to(target)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-qm", "one")):
        subprocess.run(("git", "-C", str(work), *words), check=True, capture_output=True)
    subprocess.run(("git", "clone", "-q", "--bare", str(work), str(bare)), check=True, capture_output=True)
    done = subprocess.run(("git", "-C", str(bare), "rev-parse", "HEAD"), check=True, capture_output=True, text=True)
    return bare, done.stdout.strip()
