"""The live page from its real server in a real browser: the link, the cookie, the policy of scripts, and the socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from browser_pages import DESK
from live_messages import lab_messages, request_story
from live_view import FakeView
from picture_labs import SMALL

from orchestrator.web.server import WebServer
from orchestrator.web.sessions import Seat

SEAT = Seat("", "one")


@dataclass
class PlayedView(FakeView):
    """A lab that tells what the tests of the page play."""

    played: list[dict[str, Any]] = field(default_factory=lambda: lab_messages(SMALL))

    def documents(self) -> list[dict[str, Any]]:
        return [*self.played, {"type": "ready"}]

    def document(self, change: Any) -> dict[str, Any]:
        told: dict[str, Any] = change
        return told

    def tell(self, *messages: dict[str, Any]) -> None:
        """Something happens in the lab."""
        for message in messages:
            for subscriber in self.subscribers:
                subscriber(message)


@pytest.fixture
def view() -> PlayedView:
    return PlayedView("one")


@pytest.fixture
def server(view: PlayedView) -> Iterator[WebServer]:
    with WebServer({"one": view}) as server:
        yield server


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page; at the end nothing stands in the console: no script was refused, and nothing was missing."""
    complaints: list[str] = []
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def test_the_link_opens_the_page_and_what_happens_comes_over_the_socket(
    view: PlayedView, server: WebServer, page: Any
) -> None:
    page.goto(server.launch_url(SEAT))
    page.locator("body.ready").wait_for()
    assert page.url == f"http://127.0.0.1:{server.port}/"  # the token is in no history
    view.tell(*request_story(1))
    page.locator('[role=treeitem][data-number="1"]').wait_for()
    page.reload()
    page.locator("body.ready").wait_for()


def test_a_page_of_another_site_opens_no_socket_to_it(server: WebServer, page: Any) -> None:
    """Also where the browser has the cookie, which it sends along."""
    page.goto(server.launch_url(SEAT))
    page.locator("body.ready").wait_for()
    token = page.locator("meta[name=page-token]").get_attribute("content")
    evil = page.context.new_page()
    evil.route("http://evil.example/", lambda route: route.fulfill(body="<!doctype html><title>evil</title>"))
    evil.goto("http://evil.example/")
    opened = evil.evaluate(
        """([port, token]) => new Promise((done) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/socket?token=${token}`);
            socket.onopen = () => done("opened");
            socket.onerror = () => done("refused");
        })""",
        [server.port, token],
    )
    assert opened == "refused"
