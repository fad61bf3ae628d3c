"""Attacks of one seat of a class on another one, and on the board; beside each what that seat may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from live_view import FakeView, Visitor, follow
from websockets.exceptions import InvalidStatus

from orchestrator.web.gate import MOST_SOCKETS
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import BOARD, Seat

pytestmark = pytest.mark.slow

TOKENS = {"anna": "a" * 43, "ben": "b" * 43, "board": "t" * 43}
SEATS = {"anna": Seat("anna", "one"), "ben": Seat("ben", "two"), "board": BOARD}


def serve() -> WebServer:
    views = {"one": FakeView("one"), "two": FakeView("two"), BOARD.lab: FakeView("board")}
    return WebServer(views, handout=lambda endpoint: f"all links of {endpoint.origin}")


@dataclass(frozen=True)
class Classroom:
    """The server of a class, the link of each seat, and a browser that has opened it."""

    server: WebServer
    links: dict[str, str]
    anna: Visitor
    ben: Visitor
    teacher: Visitor


@pytest.fixture(scope="module")
def room() -> Iterator[Classroom]:
    with serve() as server:
        links = {name: server.admit(SEATS[name], TOKENS[name]) for name in SEATS}
        yield Classroom(server, links, follow(links["anna"]), follow(links["ben"]), follow(links["board"]))


def hello(visitor: Visitor, path: str = "/socket", **changes: Any) -> str:
    """The lab that a socket tells of first."""
    with visitor.socket(path, **changes) as page:
        return str(json.loads(page.recv(timeout=30))["lab"])


def assert_no_socket(visitor: Visitor, path: str, **changes: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, visitor.socket(path, **changes):
        pass
    assert refused.value.response.status_code == 403


def with_cookie(visitor: Visitor, name: str) -> Visitor:
    """The same browser, whose cookie it has given another name."""
    return Visitor(visitor.port, f"{name}={visitor.cookie.partition('=')[2]}", visitor.page_token)


def test_each_link_opens_its_own_seat(room: Classroom) -> None:
    assert (hello(room.anna), hello(room.ben)) == ("one", "two")
    assert hello(room.teacher, "/board/socket") == "board"
    assert room.teacher.get("/board")[0].status == 200
    assert room.anna.get("/static/main.js")[0].status == room.teacher.get("/static/board.js")[0].status == 200


def test_a_link_opens_its_seat_again_and_again(room: Classroom) -> None:
    """On another machine, or after the cookie was lost."""
    assert hello(follow(room.links["anna"])) == hello(follow(room.links["anna"])) == "one"
    assert hello(room.anna) == "one"


def test_a_page_that_is_open_goes_on_with_the_next_server(room: Classroom) -> None:
    """Its cookie and its token are those that the same link gives again; a restart with new links refuses them."""
    with serve() as server:
        server.admit(SEATS["anna"], TOKENS["anna"])
        cookie = f"wirelab_{server.port}={room.anna.cookie.partition('=')[2]}"
        same = Visitor(server.port, cookie, room.anna.page_token)
        assert hello(same) == "one"
        bens = f"wirelab_{server.port}={room.ben.cookie.partition('=')[2]}"
        assert_no_socket(Visitor(server.port, bens, room.ben.page_token), "/socket")


def test_another_seats_link_leads_to_that_seat_alone(room: Classroom) -> None:
    """Who opens it with the cookie of a seat is in the other one, and no longer in both."""
    link = room.links["ben"].partition(str(room.server.port))[2]
    response, _ = room.anna.get(link)
    assert str(response.getheader("Set-Cookie")).split(";")[0] == room.ben.cookie


@pytest.mark.parametrize("path", ["/board", "/board/", "/board/socket", "/board?launch=", "/board?launch=x", "//board"])
def test_no_seat_opens_the_board(room: Classroom, path: str) -> None:
    response, text = room.anna.get(path)
    assert response.status in (403, 404)
    assert "page-token" not in text


def test_the_hand_out_with_all_links_is_for_the_teacher_alone(room: Classroom) -> None:
    path, disguised = "/board/handout", with_cookie(room.anna, f"wirelab_{room.server.port}_board")
    response, text = room.teacher.get(path)
    assert (response.status, text) == (200, f"all links of {room.server.endpoint.origin}")
    assert response.getheader("Cache-Control") == "no-store"
    for visitor in (room.anna, disguised, Visitor(room.server.port)):
        for query in ("", "?launch=", f"?launch={TOKENS['anna']}"):
            response, text = visitor.get(path + query)
            assert (response.status, "all links" in text) == (403, False)


def test_no_seats_cookie_opens_the_board_under_its_name(room: Classroom) -> None:
    disguised = with_cookie(room.anna, f"wirelab_{room.server.port}_board")
    for visitor in (room.anna, disguised, with_cookie(room.teacher, f"wirelab_{room.server.port}")):
        assert visitor.get("/board")[0].status == 403
        assert_no_socket(visitor, "/board/socket")
        assert_no_socket(visitor, "/board/socket", token=room.teacher.page_token)
    assert with_cookie(room.teacher, f"wirelab_{room.server.port}").get("/")[0].status == 403
    assert room.teacher.get("/")[0].status == 403  # the board is no seat


def test_a_seats_token_opens_neither_another_socket_nor_a_terminal(room: Classroom) -> None:
    for path in ("/socket", "/terminal/client?session=1"):
        assert_no_socket(room.anna, path, token=room.ben.page_token)
        assert_no_socket(room.anna, path, token=TOKENS["ben"])
        assert_no_socket(Visitor(room.server.port, "", room.ben.page_token), path)
    for text in (TOKENS["anna"], room.anna.page_token):
        guessed = Visitor(room.server.port, f"wirelab_{room.server.port}={text}", text)
        assert guessed.get("/")[0].status == 403


def test_nothing_that_a_seat_sends_chooses_another_one(room: Classroom) -> None:
    assert hello(room.anna, "/socket?seat=ben&lab=two") == "one"
    assert room.anna.get("/capture.pcapng?lab=two&seat=ben")[1] == "pcapng of one"
    assert room.anna.get("/?seat=ben")[1].count(room.ben.page_token) == 0
    both = Visitor(room.server.port, f"{room.anna.cookie}; wirelab_{room.server.port}=x", room.anna.page_token)
    assert both.get("/")[0].status == 403


def test_no_page_holds_a_token_of_a_link(room: Classroom) -> None:
    """Whoever sees a page, its source or its cookie cannot make the link of it."""
    for visitor, path in ((room.anna, "/"), (room.teacher, "/board")):
        text = visitor.get(path)[1] + visitor.cookie
        assert not any(token in text for token in TOKENS.values())


def test_a_seat_that_opens_all_its_sockets_keeps_no_other_from_working() -> None:
    with serve() as server, ExitStack() as stack:
        anna, ben, teacher = (follow(server.admit(SEATS[name], TOKENS[name])) for name in SEATS)
        for _ in range(MOST_SOCKETS):
            stack.enter_context(anna.socket()).recv(timeout=30)
        assert_no_socket(anna, "/socket")
        assert (hello(ben), hello(teacher, "/board/socket")) == ("two", "board")
