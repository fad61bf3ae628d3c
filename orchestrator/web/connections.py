"""Limits the connections of those who have shown nothing yet: whoever opens thousands takes none from a page.

A server that keeps each open connection runs out of descriptors, and then answers nobody. So the oldest connection that
has not passed the gate is closed where there are too many, and each one after a few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Client = tuple[Any, ...]

MOST_UNKNOWN = 128
SECONDS_TO_PASS = 10.0


class Connections:
    """The connections that have not passed the gate, by the address of their client, the oldest first."""

    def __init__(self, most: int = MOST_UNKNOWN) -> None:
        self._most = most
        self._unknown: dict[Client, asyncio.Transport] = {}

    def add(self, client: Client, transport: asyncio.Transport) -> None:
        """A connection was opened."""
        self._unknown[client] = transport
        for oldest in list(self._unknown)[: -self._most]:
            self._unknown.pop(oldest).abort()

    def trust(self, client: Iterable[Any] | None) -> None:
        """A request from this address has passed the gate: its connection may stay."""
        self._unknown.pop(tuple(client or ()), None)

    def remove(self, client: Client, transport: asyncio.Transport) -> None:
        """A connection was closed."""
        if self._unknown.get(client) is transport:
            del self._unknown[client]

    def expire(self, client: Client, transport: asyncio.Transport) -> None:
        """The time to pass the gate is over."""
        if self._unknown.get(client) is transport:
            self.remove(client, transport)
            transport.abort()


def client_of(transport: asyncio.Transport) -> Client:
    """The address of who opened a connection. A TLS transport that was aborted cannot be asked for it any more."""
    peer = transport.get_extra_info("peername")
    return tuple(peer[:2]) if peer else (id(transport),)


def counted_protocol(connections: Connections) -> type[H11Protocol]:
    """Uvicorn's protocol for HTTP, whose connections are counted."""

    class CountedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._opened = client_of(transport), transport
            connections.add(*self._opened)
            self._deadline = self.loop.call_later(SECONDS_TO_PASS, connections.expire, *self._opened)

        def connection_lost(self, exc: Exception | None) -> None:
            self._deadline.cancel()
            connections.remove(*self._opened)
            super().connection_lost(exc)

    return CountedProtocol
