"""The socket of one terminal: bytes both ways, and the size of the terminal as JSON."""

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
    sending = asyncio.create_task(_send(websocket, terminal, shown))
    try:
        await _receive(websocket, terminal, pages)
    except WebSocketDisconnect:
        return
    finally:
        sending.cancel()
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


async def _receive(websocket: WebSocket, terminal: NodeTerminal, pages: Pages) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if typed := message.get("bytes"):
            terminal.write(typed)
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
