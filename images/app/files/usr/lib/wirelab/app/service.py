"""The service: /items, /health, /ready, /whoami."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accesslog import AccessLog
from database import Away, Database, warm_up
from items import LONGEST_BODY, ItemInvalid, name_of

NO_DATABASE = "this app uses no database"


class Answer(Response):
    """JSON that a person can read; values that JSON does not know (dates, numerics) become text."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The document, with a newline at its end, as a terminal likes it."""
        return (json.dumps(content, ensure_ascii=False, default=str) + "\n").encode()


def service_of(node: str, database: Database | None) -> AccessLog:
    """The ASGI service of this node; without a database, whatever needs one answers 503."""
    pages = _Pages(node, database)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        warming = asyncio.ensure_future(asyncio.to_thread(warm_up)) if database else None
        yield
        if warming:
            await warming
        if database:
            await database.close()

    routes = [
        Route("/", pages.index, methods=["GET"]),
        Route("/items", pages.items, methods=["GET"]),
        Route("/items", pages.add_item, methods=["POST"]),
        Route("/health", pages.health, methods=["GET"]),
        Route("/ready", pages.ready, methods=["GET"]),
        Route("/whoami", pages.whoami, methods=["GET"]),
    ]
    return AccessLog(Starlette(routes=routes, lifespan=lifespan))


class _Pages:
    """What each path answers."""

    def __init__(self, node: str, database: Database | None) -> None:
        self._node = node
        self._database = database

    async def index(self, _request: Request) -> Answer:
        return Answer({"node": self._node, "paths": ["/items", "/health", "/ready", "/whoami"]})

    async def health(self, _request: Request) -> Answer:
        return Answer({"status": "up"})

    async def ready(self, _request: Request) -> Answer:
        async def ask(connection: Any) -> Answer:
            await connection.execute("SELECT 1")
            return Answer({"status": "ready"})

        return await self._with_database(ask)

    async def items(self, _request: Request) -> Answer:
        async def read(connection: Any) -> Answer:
            cursor = await connection.execute("SELECT * FROM items ORDER BY id")
            return Answer(await cursor.fetchall())

        return await self._with_database(read)

    async def add_item(self, request: Request) -> Answer:
        try:
            name = name_of(await _body_of(request))
        except ItemInvalid as error:
            return Answer({"error": str(error)}, error.status)

        async def insert(connection: Any) -> Answer:
            cursor = await connection.execute("INSERT INTO items (name) VALUES (%s) RETURNING *", (name,))
            return Answer(await cursor.fetchone(), 201)

        return await self._with_database(insert)

    async def whoami(self, request: Request) -> Answer:
        address, port = request.scope["server"]
        asker = request.scope.get("client") or ("", 0)
        return Answer(
            {
                "node": self._node,
                "serves": {"address": address, "port": port},
                "asked_by": {"address": asker[0], "port": asker[1]},
                "forwarded_for": request.headers.get("x-forwarded-for"),
                "database": await self._as_client(),
            }
        )

    async def _as_client(self) -> dict[str, Any] | None:
        """The two ends of a connection to the database, and what its name resolved to; None without a database."""
        if not self._database:
            return None
        target = self._database.target
        named: dict[str, Any] = {"name": target.host, "port": target.port}
        try:
            return named | await self._database.run(_ends_of)
        except Away as reason:
            return named | {"error": str(reason)}

    async def _with_database(self, work: Any) -> Answer:
        if not self._database:
            return Answer({"error": NO_DATABASE}, 503)
        import psycopg

        try:
            answer: Answer = await self._database.run(work)
        except Away as reason:
            return Answer({"error": "the database is away", "reason": str(reason)}, 503)
        except psycopg.Error as error:
            return Answer({"error": "the database refused the statement", "reason": str(error)}, 500)
        return answer


async def _body_of(request: Request) -> bytes:
    """The body, read no further than one byte past what is allowed."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            break
    return body


async def _ends_of(connection: Any) -> dict[str, Any]:
    borrowed = socket.socket(fileno=connection.fileno())
    try:
        here, there = borrowed.getsockname(), borrowed.getpeername()
    finally:
        borrowed.detach()
    return {
        "resolved": list(connection.resolved),
        "peer": {"address": there[0], "port": there[1]},
        "own": {"address": here[0], "port": here[1]},
    }
