"""The gate before the live page: whatever is asked over HTTP or a WebSocket is judged here, before anything is done.

A page of another site can open a WebSocket to this machine, and its cookies ignore ports (RFC 6265, section 8.5). A
name of another site can be led to 127.0.0.1 (DNS rebinding). So the Host must be one of ours, the Origin of a socket
must be ours, and a socket needs the session's cookie and the token of its page (RFC 6455, sections 10.2 and 10.5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from orchestrator.operations.classroom.endpoint import Endpoint
from orchestrator.web.connections import Connections
from orchestrator.web.index_page import content_security_policy
from orchestrator.web.sessions import BOARD, Session, Sessions

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
MOST_SOCKETS = 32  # of all pages and terminals of one seat together
BOARD_PATH = "/board"
HANDOUT_PATH = f"{BOARD_PATH}/handout"
STATIC_PATH = "/static"
REFUSED = 1008  # RFC 6455, section 7.4.1: policy violation
TOO_MANY = 1013  # the registry of RFC 6455 codes: try again later


@dataclass(frozen=True)
class Refusal:
    """Why something is refused: a status of HTTP, and a sentence for a person."""

    status: int
    text: str


class Gate:
    """Lets through to `app` what comes from one of our own pages, with its session as `scope["session"]`."""

    def __init__(self, app: App, sessions: Sessions, endpoint: Endpoint, cookie: str, open_now: Connections) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = endpoint.hosts
        self._origins = frozenset(f"{endpoint.scheme}://{host}" for host in endpoint.hosts)
        self._cookie = cookie
        self._connections = open_now
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._host_refusal(scope) or _method_refusal(scope)
        session = self._session(scope)
        launches = scope["path"] in ("/", BOARD_PATH) and "launch" in _query(scope)
        if refusal is None and session is None and not launches:
            refusal = Refusal(403, "This page needs its link: use the one that wirelab printed.")
        if refusal:
            await _refuse(send, refusal)
            return
        if session:
            self._connections.trust(scope.get("client"))
        scope["session"] = session
        await self._app(scope, receive, _with_headers(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._socket_session(scope)
        if session is None or self._sockets[session.seat.lab] >= MOST_SOCKETS:
            await receive()  # the request to connect
            # Before it is accepted, this answers the handshake with the status 403.
            await send({"type": "websocket.close", "code": TOO_MANY if session else REFUSED})
            return
        self._connections.trust(scope.get("client"))
        scope["session"] = session
        self._sockets[session.seat.lab] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets[session.seat.lab] -= 1

    def _socket_session(self, scope: Scope) -> Session | None:
        """The session of the page that opens this socket; None where it is no page of ours."""
        if self._host_refusal(scope) or _only(scope, b"origin") not in self._origins:
            return None
        tokens = _query(scope).get("token", [])
        session = self._session(scope)
        return session if session and len(tokens) == 1 and session.has_page(tokens[0]) else None

    def _session(self, scope: Scope) -> Session | None:
        """The session whose cookie is shown: that of the board for the paths of the board, of a seat for all others.

        A browser may have both. Static files are the same for everybody.
        """
        of_board = _is_below(scope["path"], BOARD_PATH)
        names = (self._cookie, board_cookie(self._cookie))
        wanted = names if _is_below(scope["path"], STATIC_PATH) else (names[of_board],)
        shown = ((name, self._sessions.of_cookie(self._cookie_named(scope, name))) for name in wanted)
        # A seat's cookie under the name of the board's opens nothing, nor the other way round.
        return next((own for name, own in shown if own and (own.seat == BOARD) == (name == names[1])), None)

    def _host_refusal(self, scope: Scope) -> Refusal | None:
        if _only(scope, b"host") in self._hosts:
            return None
        return Refusal(421, "This server answers to its own address only.")

    @staticmethod
    def _cookie_named(scope: Scope, name: str) -> str:
        try:
            cookies = SimpleCookie(_only(scope, b"cookie") or "")
        except CookieError:
            return ""
        morsel = cookies.get(name)
        return morsel.value if morsel else ""


def board_cookie(cookie: str) -> str:
    """The name of the board's cookie beside that of the seats: a browser may show both pages."""
    return f"{cookie}_board"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _only(scope: Scope, name: bytes) -> str | None:
    """The value of a header that is there just once."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _method_refusal(scope: Scope) -> Refusal | None:
    return None if scope["method"] in ("GET", "HEAD") else Refusal(405, "Pages are only read here.")


def _with_headers(send: Send) -> Send:
    """Add the headers that every answer has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = {**HEADERS, "content-security-policy": content_security_policy()}
            ours = [(name.encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", ()), *ours]}
        await send(message)

    return sending


async def _refuse(send: Send, refusal: Refusal) -> None:
    sending = _with_headers(send)
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await sending({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await sending({"type": "http.response.body", "body": f"{refusal.text}\n".encode()})
