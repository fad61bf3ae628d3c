"""TLS before the protocol of a server: a connection that begins no TLS is closed, and counted until it has begun it.

Uvicorn's own TLS counts a connection only after its handshake, and waits a minute for that: whoever opened thousands
and said nothing would take all descriptors.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from orchestrator.web.connections import SECONDS_TO_PASS, Connections, client_of

MakeProtocol = Callable[..., asyncio.Protocol]


class TlsDoor(asyncio.Protocol):
    """Makes the handshake of one connection, and then hands it to a protocol that `make` gives."""

    def __init__(self, make: Callable[[], asyncio.Protocol], connections: Connections, context: ssl.SSLContext) -> None:
        self._make = make
        self._connections = connections
        self._context = context
        self._early: list[bytes] = []
        self._is_lost = False
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = cast(asyncio.Transport, transport)
        opened.pause_reading()
        self._connections.add(client_of(opened), opened)
        self._handshake = asyncio.get_running_loop().create_task(self._begin_tls(opened))

    def data_received(self, data: bytes) -> None:
        """Keep what comes together with the end of the handshake."""
        self._early.append(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._is_lost = True

    async def _begin_tls(self, opened: asyncio.Transport) -> None:
        client = client_of(opened)
        begin = asyncio.get_running_loop().start_tls
        try:
            inner = await begin(opened, self, self._context, server_side=True, ssl_handshake_timeout=SECONDS_TO_PASS)
        except OSError:  # also ssl.SSLError, and the time-out
            inner = None
        if inner is None or self._is_lost:
            self._connections.remove(client, opened)
            opened.abort()
            return
        protocol = self._make()
        inner.set_protocol(protocol)
        protocol.connection_made(inner)
        for data in self._early:
            protocol.data_received(data)


def tls_protocol(make: MakeProtocol, connections: Connections, context: ssl.SSLContext) -> Any:
    """What Uvicorn takes for a class of protocols: the same one, behind TLS."""

    def protocol(**settings: Any) -> TlsDoor:
        return TlsDoor(lambda: make(**settings), connections, context)

    return protocol
