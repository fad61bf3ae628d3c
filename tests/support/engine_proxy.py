"""Stands between commands and the engine: notes what they ask of it, and can break or hold up their connections."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A request line of HTTP/1.1 (RFC 9112, section 3). It may follow the body of the request before without a line break.
REQUEST = re.compile(rb"([A-Z]+) (/\S*) HTTP/1\.1\r\n")
LONGEST_REQUEST_LINE = 8192


class EngineProxy:
    """Passes all bytes between a socket of its own and the engine's, until it is shut.

    What other clients ask of the engine does not pass here: `requests` holds the requests of its own clients alone.
    """

    def __init__(self, engine_url: str, path: Path) -> None:
        self.url = f"unix://{path}"
        self.requests: list[str] = []
        # Called with each request before it is passed on.
        self.on_request: Callable[[str], None] = lambda _request: None
        self._answers = threading.Event()
        self._answers.set()
        self._engine = engine_url.removeprefix("unix://")
        self._links: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(64)

    def open(self) -> EngineProxy:
        threading.Thread(target=self._welcome, daemon=True).start()
        return self

    def freeze(self) -> None:
        """From now on the engine says nothing more, as if its process were stopped; what it is asked still arrives."""
        self._answers.clear()

    def thaw(self) -> None:
        """The engine says all that it had to say meanwhile."""
        self._answers.set()

    def hold_up(self, seconds: float) -> None:
        """Freeze it for so long."""
        self.freeze()
        threading.Timer(seconds, self.thaw).start()

    def at_first_program(self, act: Callable[[], None]) -> None:
        """Do this when the first program is started in a container."""
        acts = [act]

        def look(request: str) -> None:
            if "/exec/" in request and acts:
                acts.pop()()

        self.on_request = look

    def shut(self) -> None:
        for link in (self._listening, *self._links):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _welcome(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                engine = socket.socket(socket.AF_UNIX)
                self._links += [client, engine]
                engine.connect(self._engine)
                threading.Thread(target=self._pass_requests, args=(client, engine), daemon=True).start()
                threading.Thread(target=self._pass_answers, args=(engine, client), daemon=True).start()

    def _pass_requests(self, client: socket.socket, engine: socket.socket) -> None:
        unread = b""
        with suppress(OSError):
            while piece := client.recv(65536):
                unread = self._note(unread + piece)
                engine.sendall(piece)
            engine.shutdown(socket.SHUT_WR)

    def _note(self, text: bytes) -> bytes:
        """Note the requests in what a client has sent; the end of it, which may be the beginning of another one."""
        end = 0
        for request in REQUEST.finditer(text):
            self.requests.append(f"{request[1].decode()} {request[2].decode()}")
            self.on_request(self.requests[-1])
            end = request.end()
        return text[end:][-LONGEST_REQUEST_LINE:]

    def _pass_answers(self, engine: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := engine.recv(65536):
                self._answers.wait()
                client.sendall(piece)
            self._answers.wait()
            client.shutdown(socket.SHUT_WR)


@contextmanager
def proxy_of(engine_url: str, path: Path) -> Iterator[EngineProxy]:
    """A proxy of that engine on a socket of this path, until the end of the block."""
    proxy = EngineProxy(engine_url, path).open()
    try:
        yield proxy
    finally:
        proxy.thaw()
        proxy.shut()
