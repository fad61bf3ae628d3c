"""One line on standard output for each request, with the client's own address and port.

    access 192.168.5.13:43210 "GET /items HTTP/1.1" 200 123B 4.2ms

The readiness probe (User-Agent `wirelab-probe`) is no client and leaves no line.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Service = Callable[[Message, Receive, Send], Awaitable[None]]

PROBE = b"wirelab-probe"


def write_line(line: str) -> None:
    """Write one line at once: whoever follows the log sees it before the client reads on."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class AccessLog:
    """ASGI middleware: passes everything on, and writes one line when the answer is complete."""

    def __init__(self, service: Service, write: Callable[[str], None] = write_line) -> None:
        self._service = service
        self._write = write

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (or the lifespan, which is not logged)."""
        if scope["type"] != "http" or is_probe(scope):
            await self._service(scope, receive, send)
            return
        began = perf_counter()
        status, size = 500, 0

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self._service(scope, receive, counted)
        finally:
            self._write(line_of(scope, status, size, perf_counter() - began))


def is_probe(scope: Message) -> bool:
    """True for a request of the readiness probe."""
    return (b"user-agent", PROBE) in scope["headers"]


def line_of(scope: Message, status: int, size: int, seconds: float) -> str:
    """The line for one request; a quote in the request target is percent-encoded, so that it cannot end the field."""
    address, port = scope.get("client") or ("-", 0)
    target = scope.get("raw_path", b"").decode("ascii", "replace")
    if query := scope.get("query_string", b"").decode("ascii", "replace"):
        target += f"?{query}"
    target = target.replace('"', "%22")
    request = f"{scope['method']} {target} HTTP/{scope['http_version']}"
    shown = f"[{address}]" if ":" in address else address
    return f'access {shown}:{port} "{request}" {status} {size}B {seconds * 1000:.1f}ms'
