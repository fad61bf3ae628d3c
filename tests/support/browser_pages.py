"""What the tests in a browser open: sizes of windows, pages as files, and what a page complains of.

Chromium breaks off what it loads with this error when a network interface of the machine appears or goes, such as one
of a lab that another test starts. It says nothing about the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.rendering.graph import Picture
from orchestrator.traffic.story import Story

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 900}
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
MOST_TRIES = 20


def go_to(page: Any, address: str) -> None:
    """Open an address in a page, again where the network of the machine changed meanwhile."""
    from playwright.sync_api import Error

    for _ in range(MOST_TRIES):
        try:
            page.goto(address)
        except Error as error:
            if NETWORK_CHANGED not in error.message:
                raise
        else:
            return
    raise AssertionError(f"{address} was not loaded: the network changed {MOST_TRIES} times")


def note_complaints(page: Any, complaints: list[str]) -> None:
    """Add to a list what stands in the console of a page, and what its scripts do not catch."""

    def note(text: str) -> None:
        if NETWORK_CHANGED not in text:
            complaints.append(f"{page.url}: {text}")

    page.on("console", lambda message: note(message.text))
    page.on("pageerror", lambda error: note(str(error)))


@contextmanager
def page_without_complaints(browser: Any, viewport: dict[str, int]) -> Iterator[Any]:
    """A page; at the end nothing stands in its console: no script was refused, and nothing was missing."""
    complaints: list[str] = []
    context = browser.new_context(viewport=viewport)
    page = context.new_page()
    page.set_default_timeout(60_000)
    note_complaints(page, complaints)
    yield page
    context.close()
    assert complaints == []


def terminal_text(page: Any, text: str) -> None:
    """Wait until a terminal that is in sight shows a text."""
    page.wait_for_function(
        "text => document.querySelector('.terminal:not([hidden]) .xterm-rows')?.textContent.includes(text)", arg=text
    )


def open_terminal(page: Any, node: str) -> None:
    before = page.locator(".terminal").count()
    page.get_by_label("Node of the new terminal").select_option(node)
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator(".terminal").nth(before).locator(".xterm-screen").wait_for()


@dataclass(frozen=True)
class Made:
    """A page as a file, and what must be in it."""

    file: Path
    picture: Picture | None = None
    story: Story | None = None
