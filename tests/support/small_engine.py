"""A few answers of an engine, over a socket of a test's own: what a test wants it to say wrongly, it adds itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

API_VERSION = "1.41"
UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


class Answers(BaseHTTPRequestHandler):
    """What each of them needs to be one."""

    protocol_version = "HTTP/1.1"
    api_version = API_VERSION

    def address_string(self) -> str:
        return "test"

    def log_message(self, *_words: object) -> None:
        return

    def asked(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def asked_for(self, key: str) -> object:
        """One value of the JSON object that the request brought."""
        return json.loads(self.asked())[key]

    def pinged(self) -> bool:
        """Answer the question for the API's version, if this is it."""
        if self.path != "/_ping":
            return False
        self.send_response(200)
        self.send_header("Api-Version", self.api_version)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def whole(self, document: Mapping[str, object] | Sequence[object], code: int = 200) -> None:
        self.send_response(code)
        body = json.dumps(document).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingUnixStreamServer):
    # A client keeps its connections open.
    daemon_threads = True
    # A client that is the sixth to wait would be refused at once (EAGAIN of connect(2)), as an engine refuses nobody.
    request_queue_size = 128


@contextmanager
def served(path: Path, answers: type[Answers]) -> Iterator[str]:
    """The address under which it answers, until the end."""
    with Server(str(path), answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()
