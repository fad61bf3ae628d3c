"""A class over its real server, with labs that are none: what the board is told, and what a teacher does with it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from class_seats import FakeSeats
from live_view import Visitor, follow
from websockets.exceptions import ConnectionClosed

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.folder import Classroom, ClassStore, new_class
from orchestrator.operations.classroom.replay import ReplayConsent
from orchestrator.operations.classroom.service import ServedClass
from orchestrator.operations.live.node_terminals import ShownTerminal
from orchestrator.web.board_client import ask_board
from orchestrator.web.board_view import BoardView
from orchestrator.web.seat_view import SeatView
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import BOARD, Seat

pytestmark = pytest.mark.slow

LESSON: Any = SimpleNamespace(title="DNS first", tasks={"look": None, "fetch": None})
SECONDS = 30.0


@dataclass(frozen=True)
class Room:
    """A class that is served; `teacher` and `learner` are browsers of the board and of the second seat."""

    classroom: Classroom
    fakes: FakeSeats
    served: ServedClass
    server: WebServer
    teacher: Visitor
    learner: Visitor

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        return ask_board(self.server.endpoint, self.classroom.board_token, do, **words)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """The first seat is ready; the lab of the second cannot be started."""
    fakes = FakeSeats({"seat02": WorldError("no room")})
    classroom = new_class("monday", Path("/basic/scenario.yaml")).with_seats(2)
    served = ServedClass(StateFolder(tmp_path), classroom, LESSON, fakes.make)
    store = ClassStore(StateFolder(tmp_path))
    store.save(classroom)
    views: dict[str, Any] = {
        seat.lab: SeatView(served.seats[seat.name], ReplayConsent(store, "monday", seat.name))
        for seat in classroom.seats
    }
    with WebServer({**views, BOARD.lab: BoardView(served)}) as server, served:
        fakes.wait(served.seats["seat01"], "ready")
        fakes.wait(served.seats["seat02"], "failed")
        learner = classroom.seats[1]
        links = server.admit(BOARD, classroom.board_token), server.admit(Seat("seat02", learner.lab), learner.token)
        yield Room(classroom, fakes, served, server, *map(follow, links))


def test_the_board_tells_each_seat(room: Room) -> None:
    with room.teacher.socket("/board/socket") as page:
        board = json.loads(page.recv(timeout=SECONDS))
    assert (board["type"], board["tasks"]) == ("board", ["look", "fetch"])
    assert [(seat["seat"], seat["state"], seat["why"]) for seat in board["seats"]] == [
        ("seat01", "ready", ""),
        ("seat02", "failed", "error: no room\ntry:   wirelab class reset monday seat02"),
    ]
    assert not any(seat.token in json.dumps(board) for seat in room.classroom.seats)


def test_a_board_that_is_open_is_told_what_changes(room: Room) -> None:
    with room.teacher.socket("/board/socket") as page:
        page.recv(timeout=SECONDS)
        room.fakes.failures.clear()
        room.ask("reset", seat="seat02")
        while True:
            message = json.loads(page.recv(timeout=SECONDS))
            if message["type"] == "board" and [seat["state"] for seat in message["seats"]] == ["ready", "ready"]:
                return


def test_a_teacher_in_a_terminal_asks_the_same_server(room: Room) -> None:
    assert room.ask("hint", text="look", seats=[], layer="") == {"seats": ["seat01"]}
    assert room.ask("mark_done", seat="seat01", task="look") == {}
    lesson = room.fakes.lessons["seat01"]
    assert (lesson.hints, lesson.marked) == (["look"], ["look"])
    assert room.ask("board")["class"] == "monday"
    room.ask("end")
    assert room.served.end_asked.is_set()


@pytest.mark.parametrize(
    "words",
    [
        {"do": "hint", "text": "x", "seats": ["nobody"], "layer": ""},
        {"do": "hint", "text": "x", "seats": "seat01", "layer": ""},
        {"do": "mark_done", "seat": "seat02", "task": "look"},
        {"do": "mark_done", "seat": "seat01", "task": "nope"},
        {"do": "reset", "seat": "../seat01"},
        {"do": "look", "seat": "seat01"},
        {"do": "look", "seat": "nobody"},
        {"do": "hold", "task": "nope"},
        {"do": "hold", "task": ""},
        {"do": "open", "task": 1},
        {"do": "open_terminal", "node": "client"},
        {"do": "format the disk"},
    ],
)
def test_what_cannot_be_done_is_refused(room: Room, words: dict[str, Any]) -> None:
    with pytest.raises(UsageInvalid):
        room.ask(**words)
    assert room.ask("ping") == {}


def test_a_teacher_looks_into_terminals_of_a_learner_who_agrees_and_of_no_other(room: Room) -> None:
    with pytest.raises(UsageInvalid) as refused:
        room.ask("look", seat="seat01")
    assert refused.value.why.startswith("the learner has not agreed")
    room.served.seats["seat01"].lets_look = True
    with pytest.raises(UsageInvalid, match="seat01 has no terminal open"):
        room.ask("look", seat="seat01")
    room.fakes.terminals.append(ShownTerminal("client", 100, 30, b"client$ \x1b[31mdig\xff"))
    output = b64encode(b"client$ \x1b[31mdig\xff").decode()
    document = {"node": "client", "columns": 100, "rows": 30, "output": output}
    assert room.ask("look", seat="seat01") == {"terminals": [document]}
    with pytest.raises(UsageInvalid):
        room.ask("look", seat="seat02")
    room.served.seats["seat01"].lets_look = False
    with pytest.raises(UsageInvalid):
        room.ask("look", seat="seat01")


def test_without_the_boards_token_nobody_is_answered(room: Room) -> None:
    for token in ("", "x", room.classroom.seats[0].token):
        with pytest.raises(WorldError, match="does not answer"):
            ask_board(room.server.endpoint, token, "ping")


def test_a_seat_without_a_lab_says_so_and_begins_anew_with_its_lab(room: Room) -> None:
    with room.learner.socket() as page:
        assert "Tell your teacher" in json.loads(page.recv(timeout=SECONDS))["title"]
        assert json.loads(page.recv(timeout=SECONDS)) == {"type": "ready"}
        for request in (
            {"do": "hint", "text": "x", "seats": [], "layer": ""},
            {"do": "end"},
            {"do": "check", "number": 1},
        ):
            page.send(json.dumps({"id": 1, **request}))
            assert json.loads(page.recv(timeout=SECONDS))["ok"] is False
        room.ask("reset", seat="seat02")
        with pytest.raises(ConnectionClosed):
            list(page)  # until the server ends the connection, so that the page begins anew
