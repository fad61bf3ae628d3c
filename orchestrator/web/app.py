"""What the server answers: the page, its files, its socket, and the download of a capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from orchestrator.errors import WirelabError
from orchestrator.web.gate import BOARD_PATH, HANDOUT_PATH, STATIC_PATH, board_cookie
from orchestrator.web.index_page import BOARD_PAGE, LIVE_PAGE, STATIC, index_page
from orchestrator.web.lab_view import View
from orchestrator.web.pages import Pages
from orchestrator.web.sessions import BOARD, Session, Sessions
from orchestrator.web.socket import serve_page
from orchestrator.web.terminal import serve_terminal

NO_STORE = {"cache-control": "no-store"}


class Site:
    """The routes of the live page, for the labs of all seats. The gate stands before them.

    `handout` makes the page that a teacher prints.
    """

    def __init__(
        self, views: Mapping[str, View], sessions: Sessions, cookie: str, handout: Callable[[], str], *, is_tls: bool
    ) -> None:
        self._pages = {lab: Pages(view) for lab, view in views.items()}
        self._sessions = sessions
        self._cookie = cookie
        self._is_tls = is_tls
        self._handout = handout

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/", self._index),
                Route(BOARD_PATH, self._index),
                Route(HANDOUT_PATH, self._handout_page),
                Route("/capture.pcapng", self._capture),
                WebSocketRoute("/socket", self._socket),
                WebSocketRoute(f"{BOARD_PATH}/socket", self._socket),
                WebSocketRoute("/terminal/{node}", self._terminal),
                Mount(STATIC_PATH, StaticFiles(directory=STATIC)),
            ]
        )

    async def _index(self, request: Request) -> Response:
        session: Session | None = request.scope["session"]
        if (token := request.query_params.get("launch")) is not None:
            return self._launch(self._sessions.begin(token) or session)
        if session is None:
            return PlainTextResponse("not found\n", 404)
        file = BOARD_PAGE if session.seat == BOARD else LIVE_PAGE
        return Response(index_page(session.page_token, file), media_type="text/html", headers=NO_STORE)

    async def _handout_page(self, _request: Request) -> Response:
        """The gate lets a teacher's session alone come here."""
        return Response(self._handout(), media_type="text/html", headers=NO_STORE)

    def _launch(self, session: Session | None) -> Response:
        if session is None:
            text = "This link was used already, or is not whole. Use the link that wirelab printed last.\n"
            return PlainTextResponse(text, 403, headers=NO_STORE)
        path, cookie = ("/", self._cookie) if session.seat != BOARD else (BOARD_PATH, board_cookie(self._cookie))
        response = RedirectResponse(path, 303, headers=NO_STORE)
        response.set_cookie(cookie, session.cookie, httponly=True, samesite="strict", path="/", secure=self._is_tls)
        return response

    async def _socket(self, websocket: WebSocket) -> None:
        await serve_page(websocket, self._of_seat(websocket.scope["session"]))

    async def _terminal(self, websocket: WebSocket) -> None:
        await serve_terminal(websocket, self._of_seat(websocket.scope["session"]))

    async def _capture(self, request: Request) -> Response:
        pages = self._of_seat(request.scope["session"])
        try:
            pieces = await pages.work(pages.view.pcapng)
            first = await pages.work(lambda: next(pieces, b""))
        except WirelabError as error:
            return PlainTextResponse(f"{error.what}\n", 409, headers=NO_STORE)

        def whole() -> Iterator[bytes]:
            yield first
            yield from pieces

        headers = {"content-disposition": 'attachment; filename="capture.pcapng"', **NO_STORE}
        return StreamingResponse(whole(), media_type="application/x-pcapng", headers=headers)

    def _of_seat(self, session: Session) -> Pages:
        """The pages of the lab of this session's seat: what the browser sends chooses none."""
        return self._pages[session.seat.lab]
