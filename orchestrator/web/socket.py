"""The socket of a page: sends it what happens, and takes what it asks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from orchestrator.errors import WirelabError
from orchestrator.web.pages import Page, Pages

MOST_AT_WORK = 4  # requests of one page at a time
BEHIND = 1013  # try again later
UNREADABLE = 1003


async def serve_page(websocket: WebSocket, pages: Pages) -> None:
    """Serve one page until it goes."""
    await websocket.accept()
    page = await pages.open()
    sending = asyncio.create_task(_send(websocket, page))
    work: set[asyncio.Task[None]] = set()
    try:
        while True:
            request = _request(await websocket.receive_text())
            if request is None:
                await websocket.close(UNREADABLE)
                return
            if len(work) >= MOST_AT_WORK:
                page.put(_refused(request, "the server is still at work on earlier requests of this page"))
                continue
            task = asyncio.create_task(_answer(page, pages, request))
            work.add(task)
            task.add_done_callback(work.discard)
    except (WebSocketDisconnect, KeyError):  # KeyError: bytes came where text is spoken
        return
    finally:
        sending.cancel()
        pages.close(page)


async def _send(websocket: WebSocket, page: Page) -> None:
    try:
        while True:
            text = await page.next()
            if page.lost:
                break
            await websocket.send_text(text)
        await websocket.close(BEHIND)
    except (WebSocketDisconnect, RuntimeError):
        return  # it has gone, which the reader of the socket sees


def _request(text: str) -> Mapping[str, Any] | None:
    """What a page asks for; None where that is no object with a number and a word."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"id": int(), "do": str()}:
            return dict(document)
    return None


async def _answer(page: Page, pages: Pages, request: Mapping[str, Any]) -> None:
    try:
        data = await pages.work(lambda: pages.view.answer(request))
        page.put({"type": "reply", "id": request["id"], "ok": True, "data": data})
    except WirelabError as error:
        page.put(_refused(request, error.what, error.why, error.hint))


def _refused(request: Mapping[str, Any], what: str, why: str = "", hint: str = "") -> dict[str, Any]:
    return {"type": "reply", "id": request["id"], "ok": False, "error": what, "why": why, "try": hint}
