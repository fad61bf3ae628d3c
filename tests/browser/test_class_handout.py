"""The hand-out of a class in a real browser: on a desk, on a phone, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser_pages import DESK, PHONE, go_to, page_without_complaints
from live_view import FakeView

from orchestrator.operations.classroom.endpoint import Endpoint
from orchestrator.rendering.handout import Handout, handout_page
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import BOARD

pytestmark = pytest.mark.sampled(3)

SEATS = [f"seat{number:02}" for number in range(1, 7)]
FINGERPRINT = ":".join(["AB"] * 32)


def handout(endpoint: Endpoint) -> str:
    links = [(seat, f"{endpoint.origin}/?launch={seat.ljust(43, 'x')}") for seat in SEATS]
    return handout_page(Handout("monday", "DNS first", links, FINGERPRINT, is_warned=True))


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The hand-out, opened by who has opened the board."""
    with (
        WebServer({BOARD.lab: FakeView("board")}, handout=handout) as server,
        page_without_complaints(browser, request.param) as page,
    ):
        go_to(page, server.admit(BOARD, "t" * 43))
        page.get_by_role("link", name="Hand-out to print").click()
        page.get_by_role("heading", name="Class monday: hand-out").wait_for()
        yield page


def test_the_board_leads_to_a_card_for_each_seat(page: Any) -> None:
    assert page.locator(".card h2").all_text_contents() == SEATS
    assert page.locator(".code svg").count() == len(SEATS)
    assert page.get_by_role("img", name="QR code of the link of seat03").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_paper_has_the_cards_alone_and_breaks_none(page: Any) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.locator(".intro").wait_for(state="hidden")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).breakInside") == "avoid"
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).color") == "rgb(0, 0, 0)"
    # Two centimetres, in CSS pixels, are the least that a phone reads from an arm's length.
    assert page.locator(".code svg").first.bounding_box()["width"] > 76
