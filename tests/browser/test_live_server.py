"""The live page from its real server in a real browser: the link, the cookie, the policy of scripts, and the socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from browser_pages import DESK, go_to, page_without_complaints
from live_messages import lab_messages, request_story
from live_view import FakeView
from picture_labs import SMALL

from orchestrator.web.server import WebServer
from orchestrator.web.sessions import Seat

pytestmark = pytest.mark.sampled(3)

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
    with page_without_complaints(browser, DESK) as page:
        yield page


@pytest.fixture
def unwatched(browser: Any) -> Iterator[Any]:
    """A page whose complaints are expected."""
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page


def test_the_link_opens_the_page_and_what_happens_comes_over_the_socket(
    view: PlayedView, server: WebServer, page: Any
) -> None:
    go_to(page, server.launch_url(SEAT))
    page.locator("body.ready").wait_for()
    assert page.url == f"http://127.0.0.1:{server.port}/"  # the token is in no history
    view.tell(*request_story(1))
    page.locator('[role=treeitem][data-number="1"]').wait_for()
    page.reload()
    page.locator("body.ready").wait_for()


def test_a_page_of_another_site_opens_no_socket_to_it(server: WebServer, page: Any) -> None:
    """Also where the browser has the cookie, which it sends along."""
    go_to(page, server.launch_url(SEAT))
    page.locator("body.ready").wait_for()
    token = page.locator("meta[name=page-token]").get_attribute("content")
    evil = page.context.new_page()
    evil.route("http://evil.example/", lambda route: route.fulfill(body="<!doctype html><title>evil</title>"))
    go_to(evil, "http://evil.example/")
    opened = evil.evaluate(
        """([port, token]) => new Promise((done) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/socket?token=${token}`);
            socket.onopen = () => done("opened");
            socket.onerror = () => done("refused");
        })""",
        [server.port, token],
    )
    assert opened == "refused"


@pytest.mark.parametrize("file", ["page.css", "story.js", "vendor/xterm/xterm.js"])
def test_the_page_loads_anew_where_a_file_did_not_come(server: WebServer, unwatched: Any, file: str) -> None:
    """By itself, until all of its files are there; afterwards it may fail as often again."""
    losses = iter(range(2))
    unwatched.route(
        f"**/static/{file}", lambda route: route.abort() if next(losses, None) is not None else route.continue_()
    )
    go_to(unwatched, server.launch_url(SEAT))
    unwatched.locator("body.ready").wait_for()
    assert next(losses, None) is None
    assert unwatched.evaluate("history.state") is None


@pytest.mark.parametrize("file", ["page.css", "story.js"])
def test_a_page_whose_file_never_comes_says_what_to_do(server: WebServer, unwatched: Any, file: str) -> None:
    """After some times; it connects to nothing, for nobody sees its lab."""
    unwatched.clock.install()
    refused: list[str] = []

    def refuse(route: Any) -> None:
        refused.append(route.request.url)
        route.abort()

    unwatched.route(f"**/static/{file}", refuse)
    go_to(unwatched, server.launch_url(SEAT))
    advice = unwatched.get_by_text("then reload the page.")
    while not advice.is_visible():
        unwatched.clock.run_for(1000)
    assert unwatched.get_by_role("heading", name="Some files of this page could not be loaded").is_visible()
    assert len(refused) == 7
    assert unwatched.get_by_role("button").count() == 1  # nothing else that would do nothing
    assert not unwatched.locator("body.ready").count()
    unwatched.unroute(f"**/static/{file}")
    unwatched.get_by_role("button", name="Reload").click()
    unwatched.locator("body.ready").wait_for()
