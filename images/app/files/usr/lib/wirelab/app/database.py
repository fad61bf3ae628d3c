"""The service as a client of its database.

Connections come from psycopg's pool: opened on demand, closed when idle. So a cold request shows its whole path: a
DNS question, a TCP connection, SQL.

While the database (or the DNS server) is away, a request learns the reason within PATIENCE. The pool's own answer to
a failure is to wait and try again, longer each time; so a pool that failed is thrown away, and the next request
starts with a fresh one: the service is back with the first request after the database is.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from accesslog import write_line
from settings import Target

PATIENCE = 2.5  # seconds from the request to its answer, whatever the database does
CONNECTING = 2  # seconds for one connection, the least that libpq takes
IDLE = 2.0  # seconds after which an unused connection is closed
T = TypeVar("T")
Work = Callable[[Any], Awaitable[T]]


class Away(Exception):
    """The database cannot be used now; the text is the reason."""


class Database:
    """Runs pieces of work on a connection of the pool."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._pool: _Pool | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._said = ""

    async def run(self, work: Work[T]) -> T:
        """Do the work on a connection; raises Away with the reason, within PATIENCE."""
        pool = self._pool = self._pool or _Pool(self.target)
        try:
            result = await pool.run(work)
        except Away as reason:
            self._throw_away(pool)
            self._say(f"is away: {reason}")
            raise
        self._say("answers")
        return result

    async def close(self) -> None:
        """Close what is open."""
        if self._pool:
            self._throw_away(self._pool)
        if self._closing:
            await asyncio.wait(self._closing, timeout=1)

    def _throw_away(self, pool: _Pool) -> None:
        if self._pool is pool:
            self._pool = None
            closing = asyncio.ensure_future(pool.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _say(self, news: str) -> None:
        """One line in the log when the state changes."""
        if news != self._said:
            self._said = news
            write_line(f"database {self.target.host}:{self.target.port} {news}")


def database_of(target: Target | None) -> Database | None:
    """The database of the settings, or None."""
    return Database(target) if target else None


def warm_up() -> None:
    """Import psycopg: 70 ms that nobody should wait for, neither the start nor the first request."""
    import psycopg.rows  # noqa: F401
    import psycopg_pool  # noqa: F401


class _Pool:
    """One pool of psycopg's, from its first connection to its first failure."""

    def __init__(self, target: Target) -> None:
        import logging

        from psycopg_pool import AsyncConnectionPool

        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # its news are in our answers
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pool = AsyncConnectionPool(
            connection_class=_connection_class(),
            kwargs={"target": target, "report": self._report},
            min_size=0,
            max_size=8,
            max_idle=IDLE,
            reconnect_timeout=0,
            check=_still_open,
            open=False,
        )

    def _report(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)

    async def run(self, work: Work[T]) -> T:
        import psycopg

        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        connection = await self._take()
        # work on a silent connection is ended by ending the connection
        guard = loop.call_at(deadline, _hang_up, connection)
        try:
            async with connection:
                return await work(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            silent = f"no answer within {PATIENCE} seconds"
            raise Away(silent if loop.time() >= deadline else _first_line(error)) from error
        finally:
            guard.cancel()
            await self._pool.putconn(connection)

    async def _take(self) -> Any:
        """A connection; or Away, as soon as an attempt to connect has failed."""
        if self._pool.closed:
            await self._pool.open()
        taking = asyncio.ensure_future(self._pool.getconn(timeout=PATIENCE))
        await asyncio.wait({taking, self._failed}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if taking.done() and not taking.exception():
            return taking.result()
        taking.add_done_callback(self._give_back)
        taking.cancel()
        raise Away(self._failed.result() if self._failed.done() else f"no connection within {PATIENCE} seconds")

    def _give_back(self, taking: asyncio.Future[Any]) -> None:
        """A connection that came in the moment in which it was given up: back to the pool, which closes it."""
        if not taking.cancelled() and not taking.exception():
            self._returning = asyncio.ensure_future(self._pool.putconn(taking.result()))

    async def close(self) -> None:
        with suppress(Exception):
            await self._pool.close(timeout=1)


def _connection_class() -> Any:
    """A connection that resolves its own name, keeps what it resolved to, and reports why it could not connect."""
    import psycopg

    class Connection(psycopg.AsyncConnection[Any]):
        resolved: tuple[str, ...] = ()

        @classmethod
        async def connect(cls, conninfo: str = "", *, target: Target, report: Callable[[str], None], **rest: Any):  # type: ignore[no-untyped-def,override]
            try:
                resolved = await _addresses(target)
                # A prepared statement would cross the wire once with its text, and later by its name alone.
                rest["prepare_threshold"] = None
                connection = await super().connect(conninfo, **rest, **_parameters(target, resolved))
            except Exception as error:
                report(_first_line(error))
                raise
            connection.resolved = resolved
            return connection

    return Connection


def _parameters(target: Target, resolved: tuple[str, ...]) -> dict[str, Any]:
    from psycopg.rows import dict_row

    with open(target.password_file, encoding="utf-8") as file:
        password = file.read().strip()
    return {
        "host": ",".join([target.host] * len(resolved)),
        "hostaddr": ",".join(resolved),
        "port": target.port,
        "dbname": target.name,
        "user": target.user,
        "password": password,
        "application_name": "app",
        "connect_timeout": CONNECTING,
        "sslmode": "disable",
        "gssencmode": "disable",
        "autocommit": True,
        "row_factory": dict_row,
    }


async def _addresses(target: Target) -> tuple[str, ...]:
    """What the name resolves to, asked as an absolute name, so that no search list multiplies the questions."""
    name = target.host if "." not in target.host or target.host.endswith(".") else f"{target.host}."
    asking = asyncio.get_running_loop().getaddrinfo(
        name, target.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    try:
        async with asyncio.timeout(CONNECTING):
            found = await asking
    except TimeoutError as error:
        raise Away(f"the name {target.host} does not resolve: no answer from the DNS server") from error
    except OSError as error:
        raise Away(f"the name {target.host} does not resolve: {error.strerror}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _still_open(connection: Any) -> None:
    """Refuse an idle connection that the server has ended: it is readable, though nothing was asked.

    This costs no packet, where a question such as `SELECT 1` would show up in every capture.
    """
    import psycopg

    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if waiting.poll(0):
        await connection.close()
        raise psycopg.OperationalError("the server has closed the connection")


def _hang_up(connection: Any) -> None:
    """End the connection under whoever waits for it: the wait ends with an error at once."""
    with suppress(Exception), socket.socket(fileno=connection.fileno()) as borrowed:
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
