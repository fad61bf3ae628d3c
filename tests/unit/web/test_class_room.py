"""A class that a room reaches over TLS: its own pages are served, and whoever comes otherwise gets no token."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from http.client import HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

import pytest
from live_view import FakeView
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from orchestrator.errors import WorldError
from orchestrator.operations.classroom.endpoint import Endpoint, Tls
from orchestrator.operations.classroom.folder import AUTHORITY
from orchestrator.operations.classroom.lan import LanWish, lan_endpoint
from orchestrator.web.board_client import ask_board
from orchestrator.web.connections import MOST_UNKNOWN
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import BOARD, Seat

pytestmark = pytest.mark.slow

ADDRESS, TOKEN = "127.0.0.2", "t" * 43
SECONDS = 30.0


@dataclass(frozen=True)
class Room:
    """The server of a class on an address that is not the usual one, and the authority that its browsers trust."""

    server: WebServer
    trusted: ssl.SSLContext
    link: str

    def get(self, path: str, context: ssl.SSLContext | None = None, **headers: str) -> tuple[HTTPResponse, str]:
        connection = HTTPSConnection(ADDRESS, self.server.port, timeout=SECONDS, context=context or self.trusted)
        with closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response, response.read().decode()

    def launch(self) -> str:
        """The cookie that the link brings."""
        address = urlsplit(self.link)
        return str(self.get(f"{address.path}?{address.query}")[0].getheader("Set-Cookie"))

    def socket(self, origin: str) -> ClientConnection:
        cookie = self.launch().split(";")[0]
        page = self.get("/", Cookie=cookie)[1].partition('name="page-token" content="')[2].partition('"')[0]
        return connect(
            f"wss://{ADDRESS}:{self.server.port}/socket?token={page}",
            ssl=self.trusted,
            origin=Origin(origin),
            additional_headers={"Cookie": cookie},
            open_timeout=SECONDS,
            proxy=None,
        )


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("monday")
    endpoint = lan_endpoint(folder, LanWish(ADDRESS), 0)
    with WebServer({"one": FakeView("one"), BOARD.lab: FakeView("board")}, endpoint) as server:
        server.admit(BOARD, TOKEN)
        link = server.admit(Seat("anna", "one"), "a" * 43)
        yield Room(server, ssl.create_default_context(cafile=str(folder / AUTHORITY)), link)


def assert_page_is_served(room: Room) -> None:
    with room.socket(room.server.endpoint.origin) as page:
        assert json.loads(page.recv(timeout=SECONDS)) == {"type": "hello", "lab": "one"}


def test_a_browser_that_trusts_the_authority_gets_the_page(room: Room) -> None:
    assert room.link.startswith(f"https://{ADDRESS}:{room.server.port}/?launch=")
    assert "Secure" in room.launch()  # its cookie goes over no plain connection
    assert_page_is_served(room)


def test_a_browser_that_does_not_know_the_authority_is_warned(room: Room) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        room.get("/", ssl.create_default_context())


@pytest.mark.parametrize("host", ["evil.example:{port}", f"{ADDRESS}:1", ADDRESS, "127.0.0.1:{port}", ""])
def test_a_foreign_host_is_refused(room: Room, host: str) -> None:
    cookie = room.launch().split(";")[0]
    response, text = room.get("/", Host=host.format(port=room.server.port), Cookie=cookie)
    assert response.status in (400, 421)
    assert "page-token" not in text
    assert_page_is_served(room)


def test_a_page_of_plain_http_opens_no_socket(room: Room) -> None:
    for origin in (
        f"http://{ADDRESS}:{room.server.port}",
        "https://evil.example",
        f"https://127.0.0.1:{room.server.port}",
    ):
        with pytest.raises(InvalidStatus) as refused, room.socket(origin):
            pass
        assert refused.value.response.status_code == 403


def test_plain_http_is_refused_and_told_nothing(room: Room) -> None:
    address = urlsplit(room.link)
    with socket.create_connection((ADDRESS, room.server.port), SECONDS) as plain:
        plain.sendall(f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: received(plain), b""))
    assert b"HTTP" not in answer
    assert b"wirelab" not in answer
    assert_page_is_served(room)


def received(plain: socket.socket) -> bytes:
    try:
        return plain.recv(4096)
    except ConnectionResetError:
        return b""


def test_no_other_address_of_the_machine_is_served(room: Room) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", room.server.port), SECONDS)


def test_whoever_opens_connections_and_begins_no_tls_keeps_nobody_out(room: Room) -> None:
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection((ADDRESS, room.server.port), SECONDS))
            for _ in range(MOST_UNKNOWN + 50)
        ]
        assert_page_is_served(room)
        assert received(silent[0]) == b""  # the oldest ones are closed


def test_the_command_line_asks_the_server_of_that_certificate_alone(room: Room) -> None:
    endpoint = room.server.endpoint
    assert ask_board(endpoint, TOKEN, "ping") == {"lab": "board"}
    assert endpoint.tls
    other = replace(endpoint, tls=Tls(endpoint.tls.certificate, endpoint.tls.key, "AA:BB"))
    with pytest.raises(WorldError, match="does not answer") as refused:
        ask_board(other, TOKEN, "ping")
    assert "another certificate" in refused.value.why
    with pytest.raises(WorldError, match="does not answer"):
        ask_board(Endpoint(endpoint.port, ADDRESS, ADDRESS), TOKEN, "ping")
