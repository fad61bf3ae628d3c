"""What the pages of a lab are told: everything at their beginning, then each change, in the same order for all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from live_view import Room, Visitor
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from orchestrator.operations.live.lab import RESTART
from orchestrator.web.pages import MOST_WAITING

TRY_AGAIN = 1013


def told(page: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(page.recv(timeout=30))
    return message


def tell(room: Room, lab: str, *changes: object) -> None:
    for change in changes:
        for subscriber in list(room.views[lab].subscribers):
            subscriber(change)


@contextmanager
def opened(visitor: Visitor) -> Iterator[ClientConnection]:
    """The socket of a page that has got its beginning."""
    with visitor.socket() as page:
        assert told(page)["type"] == "hello"
        yield page


def read_to_the_end(page: ClientConnection) -> None:
    while True:
        told(page)


@pytest.mark.slow
def test_each_page_of_a_lab_is_told_each_change_in_its_order_and_no_page_of_another_lab(room: Room) -> None:
    with opened(room.anna) as first, opened(room.anna) as second, opened(room.ben) as other:
        tell(room, "one", "a", "b")
        tell(room, "two", "c")
        assert [told(first)["text"], told(first)["text"]] == ["a", "b"]
        assert [told(second)["text"], told(second)["text"]] == ["a", "b"]
        assert told(other)["text"] == "c"


def test_the_pages_of_a_lab_that_was_made_anew_begin_anew(room: Room) -> None:
    with opened(room.anna) as page, opened(room.ben) as other:
        tell(room, "one", RESTART)
        with pytest.raises(ConnectionClosed) as closed:
            told(page)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == TRY_AGAIN
        tell(room, "two", "x")
        assert told(other)["text"] == "x"
    with opened(room.anna):
        pass


@pytest.mark.slow
def test_a_page_that_is_too_far_behind_begins_anew(room: Room) -> None:
    """It does not fill the memory of the server."""
    with opened(room.anna) as page:
        tell(room, "one", *(f"{number} " + "x" * 1000 for number in range(MOST_WAITING * 3)))
        with pytest.raises(ConnectionClosed):
            read_to_the_end(page)


def test_what_nodes_wrote_stays_text(room: Room) -> None:
    """Escape sequences and tags come as they are, inside of a text of JSON."""
    hostile = "\x1b]0;owned\x07<script>alert(1)</script>\u2028\x00"
    with opened(room.anna) as page:
        tell(room, "one", hostile)
        assert told(page)["text"] == hostile


def test_no_subscriber_is_left_when_the_last_page_has_gone(room: Room) -> None:
    """A lab that nobody watches makes no messages. The server sees each page go while it answers others."""
    with opened(room.anna), opened(room.anna):
        assert room.views["one"].subscribers
    with opened(room.ben) as page:
        for number in range(1000):
            page.send(json.dumps({"id": number, "do": "ping"}))
            told(page)
            if not room.views["one"].subscribers:
                break
    assert room.views["one"].subscribers == []
