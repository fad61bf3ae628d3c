"""The connections that have not passed the gate: too many, too long, and one that ended by itself meanwhile."""

from __future__ import annotations

from typing import Any, cast

from orchestrator.web.connections import Client, Connections, client_of


class AbortedTransport:
    """A transport that, once it was aborted, does not tell its address any more, as asyncio's for TLS."""

    def __init__(self, port: int) -> None:
        self._address: tuple[str, int] | None = ("192.0.2.1", port)

    @property
    def is_open(self) -> bool:
        return self._address is not None

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        if self._address is None:
            raise AttributeError("'NoneType' object has no attribute '_get_extra_info'")
        return self._address

    def abort(self) -> None:
        self._address = None


def opened(connections: Connections, port: int) -> tuple[Client, Any]:
    transport = cast(Any, AbortedTransport(port))
    client = client_of(transport)
    connections.add(client, transport)
    return client, transport


def test_the_oldest_of_too_many_is_closed_and_its_deadline_passes_in_silence() -> None:
    connections = Connections(most=2)
    first, second, third = (opened(connections, port) for port in (1, 2, 3))
    assert [transport.is_open for _, transport in (first, second, third)] == [False, True, True]
    connections.expire(*first)
    connections.remove(*first)
    assert second[1].is_open


def test_a_connection_that_has_not_passed_in_time_is_closed_and_one_that_has_is_not() -> None:
    connections = Connections()
    slow, trusted = opened(connections, 1), opened(connections, 2)
    connections.trust(trusted[0])
    for client, transport in (slow, trusted):
        connections.expire(client, transport)
    assert (slow[1].is_open, trusted[1].is_open) == (False, True)


def test_a_connection_that_has_ended_takes_no_newer_one_of_its_address_along() -> None:
    """As when a client opens a connection from the same port again."""
    connections = Connections()
    client, old = opened(connections, 1)
    _, new = opened(connections, 1)
    connections.remove(client, old)
    connections.expire(client, old)
    assert new.is_open
    connections.expire(client, new)
    assert not new.is_open
