"""The board of a class in a real browser, from its real server; a stand-in for the class plays boards to it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from browser_pages import DESK, PHONE, go_to, page_without_complaints
from lab_bench import DEADLINE, eventually
from live_messages import HOSTILE
from live_view import FakeView

from orchestrator.errors import UsageInvalid
from orchestrator.events import LessonEvent
from orchestrator.lessons.board import Board, board_document, seat_row
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.web.seat_view import NOTHING
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import BOARD, Seat

pytestmark = pytest.mark.sampled(3)

TASKS = ("guess", "look")
BEGUN = (10.0, LessonEvent("begun", "basic", "guess"))
FAILED = (20.0, LessonEvent("cause", "basic", "guess", HOSTILE, "DNS answer"))
WHY = f"error: {HOSTILE}\nwhy:   no room\ntry:   wirelab class reset monday s3"
TRIED = Progress("basic", 1, "", {"guess": TaskProgress(attempts=2)})
DONE = Progress("basic", 1, "", {"guess": TaskProgress(done=True), "look": TaskProgress(done=True, marked=True)})


def board(*stuck: str, held_from: str = "") -> dict[str, Any]:
    """Three seats, of which these are stuck; the last one is done."""
    rows = [
        seat_row(seat, "ready", TASKS, TRIED, (BEGUN, *([FAILED] if seat in stuck else []))) for seat in ("s1", "s2")
    ]
    rows.append(seat_row("s3", "failed", TASKS, DONE, (), WHY))
    return {
        "type": "board",
        **board_document(Board("monday", "basic", "DNS first", TASKS, tuple(rows), True, held_from)),
    }


@dataclass
class PlayedView(FakeView):
    """Tells what a test plays, and takes whatever it is asked; `replies` is what is asked for -> the answer."""

    played: list[dict[str, Any]] = field(default_factory=list)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def documents(self) -> list[dict[str, Any]]:
        return [*self.played, {"type": "ready"}]

    def document(self, change: Any) -> dict[str, Any]:
        document: dict[str, Any] = change
        return document

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request["do"] == "look" and not self.replies:
            raise UsageInvalid("the terminals of s1 are not shown", why="the learner has not agreed")
        return self.replies.get(request["do"], {})

    def tell(self, message: dict[str, Any]) -> None:
        for subscriber in self.subscribers:
            subscriber(message)


@pytest.fixture
def view() -> PlayedView:
    return PlayedView("board", played=[board("s1", "s2")])


@pytest.fixture
def server(view: PlayedView) -> Iterator[WebServer]:
    hello = {"type": "hello", "schema": 1, "lab": "seat01", "title": "Your lab is starting…", "can": NOTHING}
    with WebServer({BOARD.lab: view, "one": PlayedView("one", played=[hello])}) as server:
        yield server


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    with page_without_complaints(browser, request.param) as page:
        yield page


def open_board(page: Any, server: WebServer) -> None:
    go_to(page, server.admit(BOARD, "t" * 43))
    page.get_by_role("heading", name="Class monday: DNS first").wait_for()
    assert page.url == f"http://127.0.0.1:{server.port}/board"  # the token is in no history


def test_who_is_stuck_stands_together_and_gets_one_hint(view: PlayedView, server: WebServer, page: Any) -> None:
    """What a teacher types stays while the board changes; text of a seat is text."""
    open_board(page, server)
    group = page.locator(".group")
    assert "DNS answer: s1, s2, since" in group.inner_text()
    assert HOSTILE in group.inner_text()
    field = group.get_by_label("A hint for all who are stuck on: DNS answer")
    field.fill("Is the name right?")
    view.tell(board("s2"))
    page.get_by_text("DNS answer: s2, since").wait_for()
    assert field.input_value() == "Is the name right?"
    field.press("Enter")
    page.wait_for_function("document.querySelector('.group input').value === ''")
    hint = next(request for request in view.asked if request["do"] == "hint")
    assert (hint["text"], hint["seats"], hint["layer"]) == ("Is the name right?", ["s2"], "")
    view.tell(board())
    page.get_by_text("Nobody.").wait_for()


def test_a_seat_shows_its_tasks_and_what_a_teacher_can_do(view: PlayedView, server: WebServer, page: Any) -> None:
    open_board(page, server)
    first, last = page.locator("tr[data-seat=s1]"), page.locator("tr[data-seat=s3]")
    assert first.locator("td.now").text_content() == "● 2 stuck now, 2 attempts"
    view.tell(board("s2"))
    page.wait_for_function("document.querySelector('tr[data-seat=s1] td.now').textContent === '● 2 now, 2 attempts'")
    view.tell(board("s1", "s2"))
    assert [cell.text_content() for cell in last.locator("td.done, td.marked").all()] == ["✓ done", "✎ marked as done"]
    assert f"failed\n{WHY}" in str(last.text_content())
    assert "\nwhy: no room\ntry: wirelab class reset monday s3" in last.inner_text()  # each in a line of its own
    page.once("dialog", lambda dialog: dialog.dismiss())
    first.get_by_role("button", name="Mark as done").click()
    page.once("dialog", lambda dialog: dialog.accept())
    last.get_by_role("button", name="Reset the lab").click()
    view.tell(board())
    page.get_by_text("Nobody.").wait_for()
    # A request comes over a socket that waits for nothing that the page shows.
    assert eventually(lambda: any(request["do"] == "reset" for request in view.asked), DEADLINE)
    assert [request["do"] for request in view.asked if request["do"] != "ping"] == ["reset"]
    assert last.get_by_role("button", name="Mark as done").count() == 0


def test_a_task_is_held_and_opened_at_its_head(view: PlayedView, server: WebServer, page: Any) -> None:
    open_board(page, server)
    page.get_by_role("button", name="Hold guess and the tasks after it").click()
    assert eventually(lambda: any(request["do"] == "hold" for request in view.asked), DEADLINE)
    view.tell(board(held_from="guess"))
    page.get_by_role("button", name="Open guess and the tasks before it").wait_for()
    assert page.locator("th .held").count() == len(TASKS)
    assert page.locator("tr[data-seat=s1] td.now").text_content() == "waits until you open the task"
    page.get_by_role("button", name="Open look and the tasks before it").click()
    assert eventually(lambda: any(request["do"] == "open" for request in view.asked), DEADLINE)
    asked = [(request["do"], request["task"]) for request in view.asked if request["do"] != "ping"]
    assert asked == [("hold", "guess"), ("open", "look")]


def looked_at(output: bytes) -> dict[str, dict[str, Any]]:
    shown = {"node": "client", "columns": 100, "rows": 30, "output": b64encode(output).decode()}
    return {"look": {"terminals": [shown]}}


def test_a_teacher_looks_into_terminals_where_the_learner_has_agreed(
    view: PlayedView, server: WebServer, page: Any
) -> None:
    """What comes later is shown, too; nothing can be typed; what a node wrote is only text."""
    open_board(page, server)
    look = page.get_by_role("button", name="Look into the terminals of s1")
    look.click()
    page.get_by_text("the learner has not agreed").wait_for()
    assert page.locator("dialog").count() == 0
    view.replies = looked_at(b"client$ dig app.shop.lab")
    look.click()
    dialog = page.get_by_role("dialog", name="Terminals of s1")
    dialog.locator(".xterm-rows", has_text="client$ dig app.shop.lab").wait_for()
    view.replies = looked_at(f"client$ {HOSTILE}".encode())
    dialog.locator(".xterm-rows", has_text=HOSTILE[:12]).wait_for()
    page.keyboard.type("rm -rf /")
    assert {request["do"] for request in view.asked} <= {"look", "ping"}
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.viewport_size["width"]
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_a_seat_that_waits_for_its_lab_is_told_so(server: WebServer, page: Any) -> None:
    go_to(page, server.admit(Seat("seat01", "one"), "a" * 43))
    page.get_by_role("heading", name="Your lab is starting…").wait_for()
    page.locator("body.ready").wait_for()


def test_nothing_of_the_board_is_wider_than_the_page(server: WebServer, page: Any) -> None:
    open_board(page, server)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator(".seats").focus()  # the table scrolls by keys, too


def test_a_learner_agrees_to_a_replay_in_a_box(page: Any) -> None:
    hello = {"type": "hello", "schema": 1, "lab": "seat01", "title": "Class", "can": {**NOTHING, "lesson": True}}
    view = PlayedView("one", played=[hello, {"type": "consent", "given": False}])
    with WebServer({"one": view}) as server:
        go_to(page, server.admit(Seat("seat01", "one"), "a" * 43))
        page.get_by_text("What my teacher may see").click()
        box = page.get_by_label("My teacher may replay my attempts and hints after the class.")
        box.check()
        page.get_by_label("My teacher may look into my terminals during the class.").check()
        assert eventually(lambda: {"id", "do", "look"} in [set(request) for request in view.asked], DEADLINE)
        assert eventually(lambda: {"id", "do", "given"} in [set(request) for request in view.asked], DEADLINE)
        view.tell({"type": "consent", "given": False})  # from another tab of the seat
        page.wait_for_function("!document.querySelector('.consent input').checked")
    asked = [{**request, "id": 0} for request in view.asked if request["do"] == "consent"]
    assert asked == [{"id": 0, "do": "consent", "given": True}, {"id": 0, "do": "consent", "look": True}]
