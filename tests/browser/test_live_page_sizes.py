"""The live page at its sizes: what is in sight, and that nothing is cut, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browser_pages import DESK, PHONE, open_terminal, terminal_text
from fake_live_server import FakeLiveServer, Message
from live_messages import TOLD, journal, lab_messages, lesson_message, nodes_message, picture_message, task
from picture_labs import SMALL, THIRTY

pytestmark = pytest.mark.sampled(3)

Open = Callable[..., tuple[Any, FakeLiveServer]]
# Whether each node stands within what is in sight of the picture.
WHOLE = """() => {
    const place = document.querySelector(".picture").getBoundingClientRect();
    return [...document.querySelectorAll(".topology .machine .box")].every((box) => {
        const { left, right, top, bottom } = box.getBoundingClientRect();
        return place.left <= left && right <= place.right && place.top <= top && bottom <= place.bottom;
    });
}"""

# Whether the topmost node stands there whole.
TOPMOST = """() => {
    const place = document.querySelector(".picture").getBoundingClientRect();
    const boxes = [...document.querySelectorAll(".topology .machine .box")].map((box) => box.getBoundingClientRect());
    const { left, right, top } = boxes.sort((one, other) => one.top - other.top || one.left - other.left)[0];
    return place.left <= left && right <= place.right && place.top <= top;
}"""


def test_a_phone_shows_all_four_nodes(live: Open) -> None:
    """With their names, at a size that one can read; the wide layout comes back with a wide window."""
    page, _ = live(lab_messages(SMALL), viewport=PHONE)
    page.wait_for_function(WHOLE)
    assert page.locator(".topology .name").first.evaluate("text => text.getBoundingClientRect().height") >= 8
    page.locator('.machine[tabindex="0"]').focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.set_viewport_size(DESK)
    width = picture_message(SMALL)["width"]
    page.wait_for_function("width => document.querySelector('.topology').viewBox.baseVal.width === width", arg=width)
    assert page.locator(".machine[aria-pressed=true]").get_attribute("data-node") == "client"


def test_a_large_picture_opens_where_a_node_is(live: Open) -> None:
    """On a phone, thirty nodes are wider than the window, and the corner of their picture is empty."""
    page, _ = live(lab_messages(THIRTY), viewport=PHONE)
    page.wait_for_function(TOPMOST)


def test_a_large_picture_scrolls_until_it_is_to_fit(live: Open) -> None:
    page, _ = live(lab_messages(THIRTY))
    assert not page.evaluate(WHOLE)
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function(WHOLE)


@pytest.mark.parametrize("viewport", [PHONE, DESK, {"width": 1280, "height": 800}], ids=["phone", "desk", "laptop"])
def test_the_last_line_of_a_terminal_is_in_sight(live: Open, viewport: dict[str, int]) -> None:
    """Also when its rows are full."""
    page, server = live(lab_messages(SMALL), viewport=viewport)
    open_terminal(page, "client")
    server.write("s1", b"line\r\n" * 100 + b"last")
    terminal_text(page, "last")
    screen, last = page.locator(".screen").bounding_box(), page.locator(".xterm-rows > div").last.bounding_box()
    assert screen["y"] <= last["y"]
    assert last["y"] + last["height"] <= screen["y"] + screen["height"]


def test_a_step_of_the_executor_looks_like_every_event(live: Open) -> None:
    """It has the name of a part of the lesson, and none of its colours."""
    page, _ = live(lab_messages(SMALL, journal("step", "network:lab is done")))
    page.get_by_role("tab", name="Events").click()
    styles = page.locator(".journal .event").evaluate_all(
        "all => all.map(item => getComputedStyle(item).color + getComputedStyle(item).fontWeight)"
    )
    assert len(set(styles)) == 1


def test_a_task_that_is_done_is_named_below_the_next_one(live: Open) -> None:
    page, _ = live(lab_messages(SMALL, lesson_message(task(), TOLD), lesson=True))
    assert page.get_by_role("log").locator(".done .label").text_content() == "Task 1 is done"
    assert page.get_by_text("Task 2 of 5").is_visible()


def test_between_two_tasks_the_page_does_not_ask_for_what_is_done(live: Open) -> None:
    """The lab may be made ready for the next task for seconds."""
    message = lesson_message(task("observe"))
    page, server = live(lab_messages(SMALL, message, lesson=True))
    page.get_by_role("button", name="Hint").wait_for()
    done = [entry | {"state": "done"} if entry["state"] == "open" else entry for entry in message["tasks"]]
    server.send(message | {"tasks": done})
    page.get_by_text("This task is done. The next one follows.").wait_for()
    assert page.get_by_role("button", name="Hint").is_hidden()
    server.send(lesson_message(task("observe", name="look-up", number=3)))
    page.get_by_role("button", name="Hint").wait_for()
    assert page.get_by_text("This task is done.").is_hidden()


def test_on_a_tablet_the_task_stands_first_and_stays_in_sight(live: Open) -> None:
    page, _ = live(lab_messages(SMALL, lesson_message(task()), lesson=True), viewport={"width": 768, "height": 640})
    question = page.get_by_role("heading", name="To which machine")
    places = [page.locator(place).bounding_box() for place in ("#lesson", "#lab", "#terminals", "#side")]
    assert [place["y"] for place in places] == sorted(place["y"] for place in places)
    assert places[0]["x"] + places[0]["width"] <= places[1]["x"]
    assert places[3]["y"] - places[2]["y"] - places[2]["height"] < 20
    page.get_by_role("link", name="Story", exact=True).click()
    page.wait_for_function("() => scrollY > 0")
    assert 0 <= question.bounding_box()["y"] <= 640


def test_what_folds_the_earlier_tasks_is_large_enough_to_touch(live: Open) -> None:
    """WCAG 2.2, 2.5.8: 24 pixels."""
    page, _ = live(lab_messages(SMALL, lesson_message(task(), TOLD), lesson=True), viewport=PHONE)
    assert page.get_by_text("Begin again").bounding_box()["height"] >= 24


def test_a_node_that_is_stopped_offers_no_terminal(live: Open) -> None:
    page, server = live(lab_messages(SMALL))
    page.locator('.machine[data-node="app"]').click()
    card = page.get_by_role("region", name="Selected node")
    card.get_by_role("button", name="Open a terminal").wait_for()
    stopped: dict[str, Message] = {"app": {"state": "stopped"}}
    server.send(nodes_message(picture_message(SMALL), stopped))
    card.get_by_role("button", name="Open a terminal").wait_for(state="hidden")


def test_a_long_command_of_a_lesson_is_read_whole_on_a_phone(live: Open) -> None:
    """It breaks; it neither stands beyond the edge nor makes the sentences around it do so."""
    command = "client$ curl -sS --resolve www.shop.lab:443:192.168.7.12 https://www.shop.lab/items/of/the/shop"
    said = [*TOLD, {"kind": "solution", "html": f"<pre><code>{command}</code></pre>"}]
    long_task = task("observe", html=f"<p>Run this.</p><pre><code>{command}</code></pre>")
    page, _ = live(lab_messages(SMALL, lesson_message(long_task, said), lesson=True), viewport=PHONE)
    page.get_by_role("log").locator(".solution").wait_for()
    beyond = page.locator("#lesson pre, #lesson p, #lesson li").evaluate_all(
        "all => all.filter(item => item.scrollWidth > item.clientWidth + 1"
        " && getComputedStyle(item).display === 'block'"
        " || item.getBoundingClientRect().right > innerWidth).map(item => item.textContent)"
    )
    assert beyond == []
