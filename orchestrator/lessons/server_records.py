"""What the logs of servers say of encrypted connections, and the exchanges that follow from it.

Packets show which client opened a connection, and the log what was done on it; the client's port joins the two.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.traffic.exchanges.events import CompletedEvent, Flow, HttpExchange, SshGreeting, TlsHandshake

# As the servers of the lab's images write it (sshd(8), LogLevel VERBOSE; the log formats of app and proxy).
LOGIN = re.compile(r"Accepted \S+ for (?P<user>\S+) from (?P<address>[0-9a-f.:]+) port (?P<port>\d+)")
REQUEST = re.compile(
    r'access \[?(?P<address>[0-9a-f.:]+?)\]?:(?P<port>\d+) "(?P<method>[A-Z]+) (?P<target>\S+)[^"]*" (?P<status>\d{3}) '
)
REMEMBERED = 1000
Client = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class SecureRequest(HttpExchange):
    """A request over TLS and its answer, by the server's log; `host` is the server name (SNI)."""


@dataclass(frozen=True, slots=True)
class SshLogin(SshGreeting):
    """A user whom the server has let in on this connection, by its log."""

    user: str = ""


@dataclass(frozen=True)
class ServerRecord:
    """A line of a server's log: a user was let in, or a request was answered; `client` is server, address and port."""

    client: Client
    user: str = ""
    method: str = ""
    target: str = ""
    status: int = 0


def read_records(node_name: str, lines: Iterable[str]) -> Iterator[ServerRecord]:
    """The records in the lines of a server's log."""
    for line in lines:
        if match := LOGIN.search(line) or REQUEST.search(line):
            words = match.groupdict()
            client = node_name, words["address"].removeprefix("::ffff:"), int(words["port"])
            if "user" in words:
                yield ServerRecord(client, user=words["user"])
            else:
                yield ServerRecord(client, method=words["method"], target=words["target"], status=int(words["status"]))


class RecordedExchanges:
    """Join connections and records, whichever comes first. Both are forgotten after some hundred more."""

    def __init__(self) -> None:
        self._connections: OrderedDict[Client, SshGreeting | TlsHandshake] = OrderedDict()
        self._records: list[ServerRecord] = []

    def clear(self) -> None:
        """Forget all."""
        self._connections.clear()
        self._records.clear()

    def note(self, event: CompletedEvent) -> None:
        """A connection on which something encrypted may follow."""
        if isinstance(event, SshGreeting) or (isinstance(event, TlsHandshake) and event.outcome == "agreed"):
            self._connections[_client_of(event.flow)] = event
            if len(self._connections) > REMEMBERED:
                self._connections.popitem(last=False)

    def add(self, record: ServerRecord) -> None:
        """A line of a log."""
        self._records = [*self._records[-REMEMBERED:], record]

    def take(self) -> list[CompletedEvent]:
        """The exchanges that have become known since the last call."""
        joined = [record for record in self._records if record.client in self._connections]
        self._records = [record for record in self._records if record.client not in self._connections]
        return [exchange for record in joined if (exchange := _exchange(self._connections[record.client], record))]


def _client_of(flow: Flow) -> Client:
    return flow.server.node, flow.client.address, flow.client.port


def _exchange(connection: SshGreeting | TlsHandshake, record: ServerRecord) -> CompletedEvent | None:
    """What was done on the connection; None where the log speaks of another protocol."""
    if isinstance(connection, SshGreeting):
        if not record.user:
            return None
        said = connection.client_says, connection.server_says
        return SshLogin(
            connection.exchange, connection.flow, connection.started, connection.ended, *said, user=record.user
        )
    if not record.method:
        return None
    return SecureRequest(
        connection.exchange,
        connection.flow,
        connection.started,
        connection.ended,
        record.method,
        record.target,
        connection.server_name,
        record.status,
        "",
        None,
        "answered",
    )
