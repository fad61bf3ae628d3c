"""The policy of the live page on styles, in Chromium: terminals are coloured, and nothing else brings a style in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_pages import DESK, go_to, open_terminal, terminal_text
from fake_live_server import ORIGIN, FakeLiveServer
from live_messages import lab_messages
from picture_labs import SMALL

pytestmark = pytest.mark.sampled(3)

SHEETS = "document.adoptedStyleSheets.length"


@pytest.fixture
def unwatched(browser: Any) -> Iterator[Any]:
    """A page whose complaints are expected."""
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        FakeLiveServer(lab_messages(SMALL)).attach(page)
        go_to(page, f"{ORIGIN}/")
        page.locator("body.ready").wait_for()
        yield page


def test_a_terminal_has_its_font_and_its_colours(live: Callable[..., tuple[Any, FakeLiveServer]]) -> None:
    """Those of the theme and any other (SGR 38;2); its rules go with it, and the console is silent."""
    page, server = live(lab_messages(SMALL))
    open_terminal(page, "client")
    server.write("s1", b"\x1b[31mred \x1b[38;2;1;2;3mown\x1b[0m end")
    terminal_text(page, "end")
    rows = page.locator(".xterm-rows")
    assert "monospace" in rows.evaluate("rows => getComputedStyle(rows).fontFamily")
    colour = "part => getComputedStyle(part).color"
    assert rows.get_by_text("own", exact=True).evaluate(colour) == "rgb(1, 2, 3)"
    assert rows.get_by_text("red", exact=False).last.evaluate(colour) == "rgb(255, 138, 128)"
    assert page.evaluate(SHEETS) > 0
    page.get_by_role("button", name="Close the terminal client").click()
    assert page.evaluate(SHEETS) == 0


@pytest.mark.parametrize(
    "html", ["<p style='position: fixed'>x</p>", "<style>#mark { position: fixed }</style><p id='mark'>x</p>"]
)
def test_a_style_that_somebody_put_in_is_refused(unwatched: Any, html: str) -> None:
    """As in the text of a lesson, if markup ever came through."""
    unwatched.evaluate("html => { document.getElementById('main').innerHTML = html; }", html)
    assert unwatched.locator("main p").evaluate("part => getComputedStyle(part).position") == "static"
