"""The server of live pages, in a thread of its own, on one address of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType

import uvicorn

from orchestrator.errors import WorldError
from orchestrator.operations.classroom.endpoint import ON_THIS_MACHINE, Endpoint
from orchestrator.operations.classroom.lan import tls_context
from orchestrator.web.app import Site
from orchestrator.web.connections import Connections, counted_protocol
from orchestrator.web.gate import BOARD_PATH, Gate
from orchestrator.web.lab_view import View
from orchestrator.web.sessions import BOARD, Seat, Sessions
from orchestrator.web.tls_door import tls_protocol

LARGEST_MESSAGE = 64 * 1024  # bytes that a page may send at once: what somebody pastes into a terminal
LARGEST_HEAD = 16 * 1024
BACKLOG = 100
END_SECONDS = 5.0


class WebServer:
    """A context that serves the pages of some labs. `endpoint` gets its port when the server begins.

    `handout` makes the page with the links of a class.
    """

    def __init__(
        self,
        views: Mapping[str, View],
        endpoint: Endpoint = ON_THIS_MACHINE,
        handout: Callable[[Endpoint], str] = lambda _endpoint: "",
    ) -> None:
        self._sessions = Sessions()
        self._views = views
        self._handout = handout
        self._listener: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._ended = threading.Event()
        self.endpoint = endpoint

    def __enter__(self) -> WebServer:
        self._listener = _listen(self.endpoint)
        self.endpoint = replace(self.endpoint, port=self._listener.getsockname()[1])
        self._server = uvicorn.Server(self._config())
        threading.Thread(target=self._serve, args=(self._server, self._listener), daemon=True, name="web").start()
        return self

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run([listener])
        finally:
            self._ended.set()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.should_exit = True
            self._ended.wait(END_SECONDS)
        if self._listener:
            self._listener.close()

    @property
    def port(self) -> int:
        return self.endpoint.port

    def launch_url(self, seat: Seat) -> str:
        """A link that opens the page of the seat's lab, once."""
        return f"{self.endpoint.origin}/?launch={self._sessions.invite(seat)}"

    def admit(self, seat: Seat, token: str) -> str:
        """A link that opens the page of the seat's lab, or the board, as often as it is followed."""
        self._sessions.admit(seat, token)
        return lasting_link(self.endpoint, seat, token)

    def wait(self, seconds: float) -> bool:
        """Wait, at most so long, until the server has ended by itself; False while it serves."""
        # No join: in Python 3.11 one that Ctrl-C interrupts takes the thread for ended.
        return self._ended.wait(seconds)

    def _config(self) -> uvicorn.Config:
        cookie = cookie_name(self.port)
        connections = Connections()
        tls = self.endpoint.tls
        site = Site(self._views, self._sessions, cookie, lambda: self._handout(self.endpoint), is_tls=tls is not None)
        protocol = counted_protocol(connections)
        return uvicorn.Config(
            Gate(site.app(), self._sessions, self.endpoint, cookie, connections),
            http=tls_protocol(protocol, connections, tls_context(tls.certificate, tls.key)) if tls else protocol,
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
            backlog=BACKLOG,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )


def lasting_link(endpoint: Endpoint, seat: Seat, token: str) -> str:
    """The link that a server there admits."""
    path = BOARD_PATH if seat == BOARD else "/"
    return f"{endpoint.origin}{path}?launch={token}"


def cookie_name(port: int) -> str:
    """Cookies ignore ports (RFC 6265, section 8.5), so that the port is part of the name."""
    return f"wirelab_{port}"


def _listen(endpoint: Endpoint) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((endpoint.address, endpoint.port))
        listener.listen(BACKLOG)  # whoever comes before the server has begun waits
    except OSError as error:
        listener.close()
        where = "of this machine" if endpoint.tls is None else f"of {endpoint.address}"
        what = f"the page cannot be served on port {endpoint.port} {where}"
        raise WorldError(what, why=error.strerror or str(error), hint="--port 0 takes any that is free") from error
    return listener
