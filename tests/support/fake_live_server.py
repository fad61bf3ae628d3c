"""A stand-in for the server of the live page: the page's own files, and a socket that plays messages to it.

Both live in the browser's own request routing, so no port is opened and nothing is waited for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from orchestrator.operations.live.typed_input import TypedInput
from orchestrator.web.index_page import STATIC, content_security_policy, index_page

ORIGIN = "http://localhost:8000"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
Message = dict[str, Any]
Reply = Message | Callable[[Message], Message]


class FakeLiveServer:
    """Serves one page. `requests` has what the page asked for, `typed` what was typed into each terminal."""

    def __init__(self, messages: list[Message], replies: Mapping[str, Reply] | None = None) -> None:
        self.messages = messages
        self.replies = dict(replies or {})
        self.requests: list[Message] = []
        self.typed: dict[str, list[str | bytes]] = {}
        self.output: dict[str, bytes] = {}
        self.losing: set[str] = set()  # terminals of which no message arrives
        self._inputs: dict[str, TypedInput] = {}
        self.is_up = True
        self._sockets: list[Any] = []
        self._terminals: dict[str, Any] = {}
        self._sessions = 0

    def attach(self, page: Any) -> None:
        """Answer all requests of the page."""
        page.route("**/*", self._answer)
        page.route_web_socket("**/socket?**", self._open)
        page.route_web_socket("**/terminal/**", self._open_terminal)

    def send(self, *messages: Message) -> None:
        """Send messages to the page, and again to whoever connects later."""
        self.messages += messages
        self.play(*messages)

    def play(self, *messages: Message) -> None:
        """Send messages to the page now."""
        for message in messages:
            for socket in self._sockets:
                socket.send(json.dumps(message))

    def write(self, session: str, output: bytes) -> None:
        """Write output of a terminal."""
        self.output[session] = self.output.get(session, b"") + output
        self._terminals[session].send(output)

    def _take(self, session: str, page: str, message: str | bytes) -> None:
        """Take what is typed as the server does, unless it is to be lost on its way."""
        if session in self.losing:
            return
        terminal, socket = self._inputs[session], self._terminals[session]
        self.typed[session].append(message if isinstance(message, str) else terminal.new(page, message))
        socket.send(json.dumps({"taken": terminal.taken(page)}))

    def close_terminal_socket(self, session: str) -> None:
        """Close the socket of one terminal, which goes on."""
        self._terminals[session].close()

    def end_terminal(self, session: str, document: Message) -> None:
        """End a terminal, with what the server says of it."""
        self._terminals[session].send(json.dumps(document))
        self._terminals[session].close()

    def go_down(self) -> None:
        """Close all sockets, and refuse new ones."""
        self.is_up = False
        for socket in (*self._sockets, *self._terminals.values()):
            socket.close()
        self._sockets, self._terminals = [], {}

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        if f"{url.scheme}://{url.netloc}" != ORIGIN:
            route.abort()
            return
        file = STATIC / ("index.html" if url.path == "/" else unquote(url.path).removeprefix("/static/"))
        if not file.is_file():
            route.fulfill(status=404, body="")
            return
        body = index_page("page-token") if url.path == "/" else file.read_text("utf-8")
        headers = {"Content-Security-Policy": content_security_policy(), "X-Content-Type-Options": "nosniff"}
        route.fulfill(body=body, content_type=f"{TYPES[file.suffix]}; charset=utf-8", headers=headers)

    def _open(self, socket: Any) -> None:
        if not self.is_up:
            socket.close()
            return
        self._sockets.append(socket)
        socket.on_message(lambda text: self._reply(socket, json.loads(text)))
        for message in self.messages:
            socket.send(json.dumps(message))
        socket.send(json.dumps({"type": "ready"}))

    def _reply(self, socket: Any, request: Message) -> None:
        self.requests.append(request)
        reply = self.replies.get(request["do"], {"ok": True, "data": {}})
        if request["do"] == "open_terminal" and "open_terminal" not in self.replies:
            self._sessions += 1
            reply = {"ok": True, "data": {"session": f"s{self._sessions}"}}
        made = reply(request) if callable(reply) else reply
        socket.send(json.dumps({"type": "reply", "id": request["id"], **made}))

    def _open_terminal(self, socket: Any) -> None:
        if not self.is_up:
            socket.close()
            return
        query = parse_qs(urlsplit(socket.url).query)
        session, page = query["session"][0], query["page"][0]
        self._terminals[session] = socket
        self.typed.setdefault(session, [])
        terminal = self._inputs.setdefault(session, TypedInput())
        socket.on_message(lambda message: self._take(session, page, message))
        socket.send(json.dumps({"taken": terminal.taken(page)}))
        if output := self.output.setdefault(session, b"\x1b[32mclient\x1b[0m$ "):
            socket.send(output)
