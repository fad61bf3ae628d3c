"""Stands between a command and the engine and writes down which requests pass."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path

REQUEST = re.compile(rb"^(GET|HEAD|POST|PUT|DELETE|PATCH) (\S+) HTTP/1")


class Listener:
    """A socket of its own in front of the engine's; `requests` holds "METHOD path" as they came."""

    def __init__(self, engine: str, path: Path) -> None:
        self.url = f"unix://{path}"
        self.requests: list[str] = []
        self._engine = engine
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def writes(self) -> list[str]:
        """The requests that may change something."""
        return [request for request in self.requests if not request.startswith(("GET ", "HEAD "))]

    def _accept(self) -> None:
        while True:
            client, _ = self._socket.accept()
            engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            engine.connect(self._engine.removeprefix("unix://"))
            threading.Thread(target=self._pass, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(engine, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                match = REQUEST.match(piece) if requests else None
                if match:
                    self.requests.append(f"{match[1].decode()} {match[2].decode()}")
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
