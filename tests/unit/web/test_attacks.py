"""Attacks on the server of the live page, each with what a browser of ours may do beside it."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from live_view import ONE, FakeView, Room, Visitor, visit
from websockets.exceptions import ConnectionClosed, InvalidStatus

from orchestrator.web.connections import MOST_UNKNOWN
from orchestrator.web.gate import MOST_SOCKETS
from orchestrator.web.server import LARGEST_HEAD, LARGEST_MESSAGE, WebServer

pytestmark = pytest.mark.slow

SECRET = "class Site"  # stands in app.py, one folder above the static files


def assert_page_is_served(room: Room) -> None:
    """Whoever has shown a link gets the page and its socket."""
    response, text = room.anna.get("/")
    assert (response.status, "page-token" in text) == (200, True)
    with room.anna.socket() as page:
        assert json.loads(page.recv(timeout=30)) == {"type": "hello", "lab": "one"}


def assert_no_socket(visitor: Visitor, path: str = "/socket", **changes: Any) -> None:
    """The handshake is refused before a socket is opened, so that nothing can be sent over it."""
    with pytest.raises(InvalidStatus) as refused, visitor.socket(path, **changes):
        pass
    assert refused.value.response.status_code == 403


def test_a_page_of_ours_is_served(room: Room) -> None:
    assert_page_is_served(room)
    with room.anna.socket() as page:
        page.recv(timeout=30)
        page.send(json.dumps({"id": 7, "do": "ping"}))
        assert json.loads(page.recv(timeout=30)) == {"type": "reply", "id": 7, "ok": True, "data": {"lab": "one"}}


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/capture.pcapng", "/anything"])
def test_without_a_link_nothing_is_served(room: Room, path: str) -> None:
    response, text = room.nobody.get(path)
    assert response.status == 403
    assert "page-token" not in text


def test_a_link_opens_the_page_once(room: Room) -> None:
    """Whoever reads it later, in a history or over a shoulder, gets nothing."""
    link = room.server.launch_url(ONE).partition(str(room.server.port))[2]
    first, _ = room.nobody.get(link)
    cookie = str(first.getheader("Set-Cookie"))
    opened, _ = Visitor(room.server.port, cookie.split(";")[0]).get("/")
    second, text = room.nobody.get(link)
    assert (first.status, first.getheader("Location")) == (303, "/")
    assert opened.status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (second.status, second.getheader("Set-Cookie")) == (403, None)
    assert "used already" in text
    assert room.anna.get(link)[0].status == 303  # a browser that is in already is only led to the page


def test_a_link_whose_answer_was_lost_can_be_followed_again(room: Room) -> None:
    """Until one browser has shown its cookie; a cookie of another answer then opens nothing."""
    link = room.server.launch_url(ONE).partition(str(room.server.port))[2]
    lost, came = (
        Visitor(room.server.port, str(room.nobody.get(link)[0].getheader("Set-Cookie")).split(";")[0]) for _ in range(2)
    )
    assert came.get("/")[0].status == 200
    assert lost.get("/")[0].status == 403
    assert room.nobody.get(link)[0].status == 403


@pytest.mark.parametrize("token", ["", "x", "../..", "%00", "a" * 5000])
def test_a_wrong_link_opens_nothing(room: Room, token: str) -> None:
    response, _ = room.nobody.get(f"/?launch={token}")
    assert (response.status, response.getheader("Set-Cookie")) == (403, None)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}", ""]
)
def test_a_foreign_host_is_refused(room: Room, host: str) -> None:
    """A name of another site that leads to 127.0.0.1 makes the browser send that name (DNS rebinding)."""
    named = host.format(port=room.server.port)
    response, text = room.anna.get("/", Host=named)
    assert (response.status, "page-token" in text) == (421, False)
    link = room.server.launch_url(ONE).partition(str(room.server.port))[2]
    assert room.nobody.get(link, Host=named)[0].getheader("Set-Cookie") is None
    if named:
        assert_no_socket(room.anna, host=named)


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1:{port}"],
)
def test_a_socket_from_a_foreign_page_is_refused(room: Room, origin: str | None) -> None:
    """A browser adds the cookie to a socket that any page opens; only the origin tells whose page it is."""
    assert_no_socket(room.anna, origin=origin.format(port=room.server.port) if origin else origin)
    assert_no_socket(room.anna, path="/terminal/client?session=1", origin=origin)


@pytest.mark.parametrize("path", ["/socket", "/terminal/client?session=1", "/nowhere"])
@pytest.mark.parametrize("token", ["", "x", "a" * 3000])
def test_a_socket_without_the_pages_token_is_refused(room: Room, path: str, token: str) -> None:
    assert_no_socket(room.anna, path=path, token=token)


def test_a_socket_without_the_cookie_is_refused(room: Room) -> None:
    assert_no_socket(room.nobody, token=room.anna.page_token)


def test_the_token_of_another_seat_opens_nothing(room: Room) -> None:
    assert_no_socket(room.anna, token=room.ben.page_token)
    assert_no_socket(room.anna, path="/terminal/client?session=1", token=room.ben.page_token)


def test_nothing_that_a_browser_sends_chooses_the_lab(room: Room) -> None:
    """The seat does, and the server alone knows the seat."""
    with room.anna.socket("/socket?lab=two&seat=ben") as page:
        assert json.loads(page.recv(timeout=30))["lab"] == "one"
        page.send(json.dumps({"id": 1, "do": "ping", "lab": "two", "seat": "ben"}))
        assert json.loads(page.recv(timeout=30))["data"] == {"lab": "one"}
    assert room.anna.get("/capture.pcapng?lab=two")[1] == "pcapng of one"
    assert room.ben.get("/capture.pcapng")[1] == "pcapng of two"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/..%5capp.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/%00",
        "/../app.py",
        "/app.py",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_static_files(room: Room, path: str) -> None:
    response, text = room.anna.get(path)
    assert response.status in (400, 404)
    assert SECRET not in text
    assert "root:" not in text
    assert room.anna.get("/static/main.js")[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_pages_are_only_read(room: Room, method: str) -> None:
    assert room.anna.get("/", method=method)[0].status == 405


def test_every_answer_has_the_headers_that_tie_a_browsers_hands(room: Room) -> None:
    for visitor, path in ((room.anna, "/"), (room.anna, "/static/main.js"), (room.nobody, "/"), (room.anna, "/none")):
        response, _ = visitor.get(path)
        policy = str(response.getheader("Content-Security-Policy"))
        assert "default-src 'none'" in policy
        assert "script-src 'self' 'sha256-" in policy
        assert "frame-ancestors 'none'" in policy
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert response.getheader("Referrer-Policy") == "no-referrer"
    assert room.anna.get("/")[0].getheader("Cache-Control") == "no-store"


@pytest.mark.parametrize("size", [LARGEST_MESSAGE + 1, 4 * 1024 * 1024])
def test_an_oversize_message_ends_its_socket_alone(room: Room, size: int) -> None:
    with room.anna.socket() as page:
        page.recv(timeout=30)
        page.send("x" * size)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009  # RFC 6455, section 7.4.1: message too big
    assert_page_is_served(room)


def test_an_oversize_head_is_refused(room: Room) -> None:
    """The server reads no head that does not end: it answers that it is wrong, or hangs up."""
    try:
        response, _ = room.anna.get("/", X_Long="x" * (64 * LARGEST_HEAD))
    except ConnectionError:
        pass
    else:
        assert response.status == 400
    assert_page_is_served(room)


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"id": "1", "do": "ping"}', '{"id": 1}', "[" * 10_000])
def test_what_is_no_request_ends_its_socket_alone(room: Room, text: str) -> None:
    with room.anna.socket() as page:
        page.recv(timeout=30)
        page.send(text)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=30)
    assert_page_is_served(room)


def test_an_unknown_request_is_answered(room: Room) -> None:
    with room.anna.socket() as page:
        page.recv(timeout=30)
        page.send(json.dumps({"id": 1, "do": "format the disk"}))
        answer = json.loads(page.recv(timeout=30))
    assert answer == {"type": "reply", "id": 1, "ok": False, "error": "no such request", "why": "", "try": "ping"}


@contextmanager
def many_files() -> Iterator[int]:
    """As many open files as this process may have; gives that number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.rounds(1, full=20)
def test_thousands_of_open_sockets_keep_no_page_away(room: Room) -> None:
    """The oldest that have shown nothing are closed; five hundred at a time, 10,000 in a full run."""
    with many_files() as most, ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(("127.0.0.1", room.server.port), 30))
            for _ in range(min(500, most // 2))
        ]
        assert_page_is_served(room)
        for connection in held[:-MOST_UNKNOWN]:
            connection.settimeout(30)
            assert is_closed(connection)
        assert_page_is_served(room)


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server has closed it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_page_that_is_open_outlives_the_flood(room: Room) -> None:
    with room.anna.socket() as page, ExitStack() as stack:
        page.recv(timeout=30)
        for _ in range(MOST_UNKNOWN + 50):
            stack.enter_context(socket.create_connection(("127.0.0.1", room.server.port), 30))
        page.send(json.dumps({"id": 3, "do": "ping"}))
        assert json.loads(page.recv(timeout=30))["ok"]


def test_one_browser_opens_no_more_sockets_than_all_may_have() -> None:
    """On a server of its own, which counts no socket of another test."""
    with WebServer({"one": FakeView("one")}) as server, ExitStack() as stack:
        visitor = visit(server, ONE)
        for _ in range(MOST_SOCKETS):
            stack.enter_context(visitor.socket()).recv(timeout=30)
        assert_no_socket(visitor)
        assert visitor.get("/")[0].status == 200
