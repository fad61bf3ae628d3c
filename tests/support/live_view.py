"""A live lab that is none: the server of the live page is tested with it, without an engine."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from websockets import Origin
from websockets.sync.client import ClientConnection, connect

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.operations.live.node_terminals import NodeTerminal, Watch
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import Seat

SECONDS = 30.0


@dataclass
class FakeView:
    """Says its name, repeats what it is asked, and tells what a test hands to `tell`."""

    lab: str
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    subscribers: list[Callable[[Any], None]] = field(default_factory=list)

    def subscribe(self, tell: Callable[[Any], None]) -> Callable[[], None]:
        self.subscribers.append(tell)
        return lambda: self.subscribers.remove(tell)

    def documents(self) -> list[dict[str, Any]]:
        return [{"type": "hello", "lab": self.lab}]

    def document(self, change: Any) -> dict[str, Any]:
        return {"type": "change", "text": change}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request["do"] != "ping":
            raise UsageInvalid("no such request", hint="ping")
        return {"lab": self.lab}

    def terminal(self, session: str, node_name: str) -> NodeTerminal:
        raise NotFound(f"no terminal {session!r} in {node_name!r}")

    def leave_terminal(self, _terminal: NodeTerminal, _watch: Watch) -> None:
        """There is none."""

    def pcapng(self) -> Iterator[bytes]:
        return iter((b"pcapng of ", self.lab.encode()))


@dataclass(frozen=True)
class Visitor:
    """What a browser sends to a server; `cookie` is empty for one that has shown no link."""

    port: int
    cookie: str = ""
    page_token: str = ""

    def get(self, path: str, *, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
        """The answer to one request, with its text. Underscores in the names of headers stand for hyphens."""
        own = {"Cookie": self.cookie} if self.cookie else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, headers={**own, **named})
            response = connection.getresponse()
            return response, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def socket(
        self, path: str = "/socket", *, token: str | None = None, origin: str | None = "", host: str = ""
    ) -> ClientConnection:
        """Open a WebSocket as the page does, or with what a test changes of that."""
        token = self.page_token if token is None else token
        own = f"127.0.0.1:{self.port}"
        return connect(
            f"ws://{host or own}{path}{'&' if '?' in path else '?'}token={token}",
            sock=socket.create_connection(("127.0.0.1", self.port), SECONDS),
            origin=Origin(f"http://{own}" if origin == "" else origin) if origin is not None else None,
            additional_headers={"Cookie": self.cookie} if self.cookie else {},
            open_timeout=SECONDS,
            close_timeout=SECONDS,
            # With a limit the client stops reading, and so does not see the answer to its close for all that time.
            max_queue=None,
            proxy=None,
        )


def visit(server: WebServer, seat: Seat) -> Visitor:
    """A browser that has opened the link of a seat."""
    return follow(server.launch_url(seat))


def follow(link: str) -> Visitor:
    """A browser that has opened a link."""
    address = urlsplit(link)
    assert address.port, link
    response, _ = Visitor(address.port).get(f"{address.path}?{address.query}")
    cookie = str(response.getheader("Set-Cookie")).split(";")[0]
    _, page = Visitor(address.port, cookie).get(address.path)
    token = re.search(r'name="page-token" content="([^"]+)"', page)
    assert token, page
    return Visitor(address.port, cookie, token[1])


ONE, TWO = Seat("anna", "one"), Seat("ben", "two")


@dataclass(frozen=True)
class Room:
    """The server, its two labs, somebody who knows nothing, and one browser in each seat."""

    server: WebServer
    views: dict[str, FakeView]
    nobody: Visitor
    anna: Visitor
    ben: Visitor
