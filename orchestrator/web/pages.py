"""The open pages of one lab: each has a queue of messages, from the changes of the lab and the replies to the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from orchestrator.operations.live.lab import RESTART
from orchestrator.web.lab_view import View

MOST_AT_WORK = 4  # requests of all pages of a lab at a time; others wait for them
MOST_WAITING = 4000  # messages; a page that is further behind begins anew

Result = TypeVar("Result")


class Page:
    """The messages for one page, in their order. `lost` says that some did not fit."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self.lost = False

    def put(self, document: dict[str, Any]) -> None:
        """Send a document, after those that wait."""
        self.put_text(dump(document))

    def put_text(self, text: str) -> None:
        """Send a document that is written already."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.lost = True

    def begin_anew(self) -> None:
        """Close the page's socket: it opens another one, and gets everything anew."""
        self.lost = True
        self.put_text("")  # wakes up who waits for the next message

    async def next(self) -> str:
        """The next message; waits for it."""
        return await self._queue.get()


class Pages:
    """The pages of one lab. Changes come from threads, and are sent in the thread of the server."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._pages: list[Page] = []
        self._unsubscribe: Callable[[], None] | None = None
        # Of its own: who waits for a slow check in one lab keeps no other lab waiting.
        self._threads = ThreadPoolExecutor(MOST_AT_WORK, thread_name_prefix="page")

    async def work(self, function: Callable[[], Result]) -> Result:
        """Call what may take long in a thread of this lab."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def open(self) -> Page:
        """A page that has got all that is known, and gets each change from now on."""
        loop = asyncio.get_running_loop()
        if self._unsubscribe is None:
            self._unsubscribe = self.view.subscribe(lambda change: _call(loop, self._send, change))
        page = Page()
        # Changes that come meanwhile stand after it, and say the same again or more.
        waiting: list[Any] = []
        unsubscribe = self.view.subscribe(lambda change: _call(loop, waiting.append, change))
        try:
            documents = await self.work(self.view.documents)
        finally:
            unsubscribe()
        for document in documents:
            page.put(document)
        for change in waiting:
            _tell(page, self._text(change))
        self._pages.append(page)
        return page

    def close(self, page: Page) -> None:
        """The page has gone."""
        self._pages.remove(page)
        if not self._pages and self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None

    def _send(self, change: Any) -> None:
        text = self._text(change)
        for page in self._pages:
            _tell(page, text)

    def _text(self, change: Any) -> str | None:
        """What a page is told of a change; None where it is to begin anew."""
        return None if change == RESTART else dump(self.view.document(change))


def _tell(page: Page, text: str | None) -> None:
    if text is None:
        page.begin_anew()
    else:
        page.put_text(text)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[Any], None], change: Any) -> None:
    """In the thread of the server; nowhere once it has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, change)


def dump(document: dict[str, Any]) -> str:
    """A document as one line of JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
