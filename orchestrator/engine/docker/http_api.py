"""Requests to the HTTP API of one Docker engine, over http.client.

The Docker SDK stands on requests, and takes longer to import than a whole `up` may compute
(docs/decisions/an-http-client-of-our-own.md).
"""

from __future__ import annotations

import json
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from orchestrator.engine.address import connect, host_and_port
from orchestrator.engine.docker.liveness import NEXT_PING_SECONDS, PING_SECONDS, wait_readable
from orchestrator.engine.docker.sockets import CHUNK

CALL_SECONDS = 60.0
UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
# The first of the status codes of errors (RFC 9110, section 15).
ERROR = 400
Body = Mapping[str, Any] | None
# Podman's own API beside Docker's. A path that begins with it names its version itself.
LIBPOD = "/v4.0.0/libpod"


class Refused(Exception):
    """The engine answered with an error: its status code, and its words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NoAnswer(Exception):
    """The engine cannot be reached, or went away before the end of its answer."""


class Silence(NoAnswer):
    """Nothing came for as long as the caller waits."""


class Unresponsive(NoAnswer):
    """The engine does not even answer a ping."""


class Request(NamedTuple):
    """What is asked of the engine."""

    method: str
    path: str
    parameters: Mapping[str, object] = {}
    body: Body = None


class HttpApi:
    """The API of the engine at `url`, in the version that it speaks. Safe to use from several threads.

    A path has no version. Parameters that are None are left out. Each wait for the engine ends after `seconds`; with
    None it has no end. Raises Refused or NoAnswer.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._prefix = ""
        # The version of the API that the engine speaks, such as (1, 41); () where it does not tell.
        self.version: tuple[int, ...] = ()
        self.speaks_libpod = False
        # A connection serves one request at a time; those that serve none wait here.
        self._idle: deque[HTTPConnection] = deque()
        self._is_over = False
        self._is_unresponsive = False

    def open(self) -> None:
        """Ask the engine for its version, which all later requests name."""
        with self._answer(Request("GET", "/_ping")) as response:
            _require_success(response, response.read())
        self.speaks_libpod = response.getheader("Libpod-Api-Version") is not None
        if version := response.getheader("Api-Version"):
            self._prefix = f"/v{version}"
            self.version = tuple(int(part) for part in version.split(".") if part.isdigit())

    def ping(self) -> None:
        """Ask whether the engine answers at all, on a connection of its own. Raises Unresponsive.

        After a ping without an answer the next ones wait less long, for a command may have several things to undo.
        """
        seconds = NEXT_PING_SECONDS if self._is_unresponsive else PING_SECONDS
        connection = EngineConnection(self._url, seconds)
        try:
            connection.request("GET", "/_ping")
            connection.getresponse().read()
            self._is_unresponsive = False
        except TimeoutError as error:
            self._is_unresponsive = True
            raise Unresponsive(f"it did not answer a ping within {seconds:g} s") from error
        except (OSError, HTTPException) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Give back the connections; one that serves a thread is closed when it has its answer."""
        self._is_over = True
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON document at this path."""
        if (document := self.find(path, **parameters)) is None:
            raise NoAnswer("its answer was empty")
        return document

    def find(self, path: str, **parameters: object) -> Any:
        """The JSON document at this path; None where the answer of the engine is empty."""
        return _document(self._whole(Request("GET", path, parameters)))

    def post(self, path: str, body: Body = None, *, seconds: float = CALL_SECONDS, **parameters: object) -> Any:
        """Ask the engine to do something; return the JSON document of its answer, None where it is empty.

        Podman says "OK" where Docker says nothing.
        """
        content = self._whole(Request("POST", path, parameters, body), seconds)
        return None if content == b"OK\n" else _document(content)

    def delete(self, path: str, **parameters: object) -> None:
        """Ask the engine to remove something."""
        self._whole(Request("DELETE", path, parameters))

    def stream(self, path: str, *, seconds: float | None, **parameters: object) -> Iterator[bytes]:
        """What the engine answers, piece by piece as it comes."""
        with self._answer(Request("GET", path, parameters), seconds) as response:
            if response.status >= ERROR:
                _require_success(response, response.read())
            while piece := response.read1(CHUNK):
                yield piece

    @contextmanager
    def upgraded(self, path: str, body: Body) -> Iterator[tuple[socket.socket, bytes]]:
        """Begin a conversation that is no HTTP; give its socket, and what came together with the engine's answer."""
        with _map_errors():
            connection = self._connection()
        link = connection.sock
        try:
            with _map_errors():
                response = self._ask(connection, Request("POST", path, {}, body), CALL_SECONDS, UPGRADE)
                if response.status >= ERROR:
                    _require_success(response, response.read())
                early = _read_ahead(link, response)
            yield link, early
        finally:
            connection.close()
            link.close()

    def _whole(self, request: Request, seconds: float = CALL_SECONDS) -> bytes:
        with self._answer(request, seconds) as response:
            content = response.read()
        _require_success(response, content)
        return content

    @contextmanager
    def _answer(self, request: Request, seconds: float | None = CALL_SECONDS) -> Iterator[HTTPResponse]:
        """The answer to a request. If it is read to its end, the connection serves others afterwards."""
        with _map_errors():
            connection, reusable = self._connection(), False
            try:
                response = self._ask(connection, request, seconds, {})
                yield response
                reusable = response.isclosed() and not response.will_close
            finally:
                self._give_back(connection, reusable)

    def _give_back(self, connection: HTTPConnection, reusable: bool) -> None:
        if not reusable:
            connection.close()
            return
        self._idle.append(connection)
        if self._is_over:
            self.close()

    def _connection(self) -> HTTPConnection:
        """An open connection that serves nobody."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if _is_open(connection.sock):
                    return connection
                connection.close()
        connection = EngineConnection(self._url)
        connection.connect()
        return connection

    def _ask(
        self, connection: HTTPConnection, request: Request, seconds: float | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        """Send a request; return the answer as soon as its head has come."""
        if self._is_unresponsive:
            self.ping()
        connection.sock.settimeout(seconds)
        method, path, parameters, body = request
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        prefix = "" if path.startswith(LIBPOD) else self._prefix
        target = f"{prefix}{quote(path, safe='/:')}{'?' if query else ''}{query}"
        content, kind = (json.dumps(body).encode(), {"Content-Type": "application/json"}) if body else (None, {})
        connection.request(method, target, content, {**kind, **headers})
        wait_readable(connection.sock, seconds, self.ping)
        return connection.getresponse()


class EngineConnection(HTTPConnection):
    """HTTP over whatever socket the engine listens on."""

    def __init__(self, url: str, seconds: float = CALL_SECONDS) -> None:
        scheme, _, rest = url.partition("://")
        super().__init__(*(("localhost", 80) if scheme == "unix" else host_and_port(rest)))
        self._url = url
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = connect(self._url, self._seconds)


def _is_open(link: socket.socket) -> bool:
    """Whether the other side keeps the connection; the end of one that serves nobody can be read."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    return not poll.poll(0)


def _read_ahead(link: socket.socket, response: HTTPResponse) -> bytes:
    """What came in one piece with the answer, which nobody would read from the socket any more."""
    link.setblocking(False)
    try:
        return response.fp.peek()
    finally:
        link.setblocking(True)


def _require_success(response: HTTPResponse, content: bytes) -> None:
    if response.status < ERROR:
        return
    try:
        reason = json.loads(content)["message"]
    except (ValueError, KeyError, TypeError):
        reason = content.decode("utf-8", "replace") or response.reason
    raise Refused(response.status, str(reason).strip())


def _document(content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise NoAnswer(f"it sent no JSON: {content[:80]!r}") from error


@contextmanager
def _map_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Silence("it gave no answer in time") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error
