"""The socket of one terminal: bytes both ways, and the size of the terminal as JSON.

A page that names itself puts the place of its first byte before each piece that is typed, and is told as JSON how many
of its bytes have been taken. It sends the others again where the connection was lost.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from orchestrator.errors import WirelabError
from orchestrator.operations.live.node_terminals import NodeTerminal
from orchestrator.operations.live.typed_input import PAGE
from orchestrator.web.pages import Pages

MOST_WAITING = 32  # pieces; while a page is behind, the program waits
SLOWEST_SECONDS = 10.0  # that a program waits for a page


class Shown:
    """What a terminal shows, from its thread to the socket; the thread waits while the page is behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self._gone = False

    def watch(self, piece: bytes | None) -> None:
        """Take a piece, in the thread of the terminal."""
        if self._gone or self._loop.is_closed():
            return
        put = asyncio.run_coroutine_threadsafe(self._queue.put(piece), self._loop)
        try:
            put.result(SLOWEST_SECONDS)
        except (FutureTimeoutError, CancelledError):
            put.cancel()
            self._gone = True

    async def next(self) -> bytes | None:
        return await self._queue.get()

    def leave(self) -> None:
        """Nobody reads any more: whoever waits goes on."""
        self._gone = True
        with suppress(asyncio.QueueEmpty):
            while True:
                self._queue.get_nowait()


class Typing:
    """What one page types, and how much of it was taken, which a page that names itself is told."""

    def __init__(self, terminal: NodeTerminal, page: str) -> None:
        self._terminal = terminal
        self._page = page if PAGE.fullmatch(page) else ""
        self._news = asyncio.Event()
        self._news.set()

    def take(self, message: bytes) -> None:
        """Pass on the part of the message that the terminal has not had yet."""
        typed = self._terminal.typed.new(self._page, message) if self._page else message
        if typed:
            self._terminal.write(typed)
        self._news.set()

    async def tell(self, websocket: WebSocket) -> None:
        """Tell the page how much the terminal has taken, each time there is more; typing does not wait for that."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while self._page:
                await self._news.wait()
                self._news.clear()
                await websocket.send_text(json.dumps({"taken": self._terminal.typed.taken(self._page)}))


async def serve_terminal(websocket: WebSocket, pages: Pages) -> None:
    """Show a terminal that is open to one page, until either goes."""
    await websocket.accept()
    try:
        terminal = pages.view.terminal(websocket.query_params.get("session", ""), websocket.path_params["node"])
    except WirelabError as error:
        await websocket.send_text(json.dumps({"error": error.what, "try": error.hint}))
        await websocket.close()
        return
    shown = Shown()
    await websocket.send_bytes(terminal.watch(shown.watch))
    typing = Typing(terminal, websocket.query_params.get("page", ""))
    tasks = asyncio.create_task(_send(websocket, terminal, shown)), asyncio.create_task(typing.tell(websocket))
    try:
        await _receive(websocket, terminal, pages, typing)
    except WebSocketDisconnect:
        return
    finally:
        for task in tasks:
            task.cancel()
        shown.leave()
        await pages.work(lambda: pages.view.leave_terminal(terminal, shown.watch))


async def _send(websocket: WebSocket, terminal: NodeTerminal, shown: Shown) -> None:
    try:
        if not terminal.ended:
            while piece := await shown.next():
                await websocket.send_bytes(piece)
        await websocket.send_text(json.dumps({"exit": terminal.exit_code}))
        await websocket.close()
    except (WebSocketDisconnect, RuntimeError):
        return  # it has gone


async def _receive(websocket: WebSocket, terminal: NodeTerminal, pages: Pages, typing: Typing) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if typed := message.get("bytes"):
            typing.take(typed)
        elif (text := message.get("text")) and (size := _size(text)) is not None:
            await pages.work(partial(terminal.resize, *size))


def _size(text: str) -> tuple[int, int] | None:
    """The columns and rows; None where the text says no size."""
    try:
        match json.loads(text):
            case {"resize": [int() as columns, int() as rows]}:
                return columns, rows
    except (ValueError, RecursionError):
        return None
    return None
