"""A server of live pages on loopback, with two labs and a browser for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_view import ONE, TWO, FakeView, Room, Visitor, visit

from orchestrator.web.server import WebServer


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    views = {"one": FakeView("one"), "two": FakeView("two")}
    with WebServer(views) as server:
        yield Room(server, views, Visitor(server.port), visit(server, ONE), visit(server, TWO))
