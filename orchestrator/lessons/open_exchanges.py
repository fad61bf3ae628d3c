"""The exchanges of a learner that have no answer yet, and what is said of one that has none for too long."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import Different, Layer
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import SqlObservation, TlsObservation, UnansweredObservation
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.traffic.exchanges.events import CompletedEvent, ExchangeStart, TcpClose, TcpHandshake

# Without an answer for so long, the learner is told so; on a network of one machine answers take milliseconds.
SILENT_SECONDS = 1.5
# As long for a machine that is looked for on the network: this begins to be told at the second try, a second later.
SEARCH_SECONDS = 0.5

LAYERS: dict[str, Layer] = {
    "dns": "dns",
    "opening": "tcp",
    "http": "http",
    "tls": "tls",
    "sql": "sql",
    "sql-start": "sql",
    "unused": "tcp",
    "ssh": "ssh",
    "udp": "udp",
}
# What a server has accepted before it can be asked anything of this kind.
CONNECTED = ("http", "tls", "sql", "sql-start")
# What wants more than a connection.
NEEDS_MORE = (HttpObservation, SqlObservation, TlsObservation, SshObservation)
# A connection on which nothing was asked so far.
UNUSED = "unused"


@dataclass(eq=False)
class _Open:
    """An exchange that began, when this was noticed, and what became of its silence."""

    start: ExchangeStart
    since: float
    is_told: bool = False
    is_counted: bool = False

    def is_silent(self, now: float) -> bool:
        patience = SEARCH_SECONDS if self.start.kind in ("arp", "ndp") else SILENT_SECONDS
        return not self.is_told and now >= self.since + patience


class OpenExchanges:
    """Exchanges by their numbers. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def begin(self, start: ExchangeStart, now: float) -> None:
        """An exchange of the learner began; a connection on which it did is in use."""
        self._drop_unused(start.flow)
        self._open[start.exchange] = _Open(start, now)

    def end(self, event: CompletedEvent, now: float) -> bool:
        """An exchange ended. Returns whether its silence was counted as an attempt."""
        known = self._open.pop(event.exchange, None)
        if isinstance(event, TcpClose):
            self._drop_unused(event.flow.number)
        if known and isinstance(event, TcpHandshake) and event.outcome == "accepted":
            flow = event.flow
            start = ExchangeStart(
                event.exchange,
                UNUSED,
                event.started,
                flow.client.node,
                flow.server.node,
                flow.number,
                "",
                flow.server.port,
            )
            self._open[event.exchange] = _Open(start, now)
        return known is not None and known.is_counted

    def _drop_unused(self, flow: int) -> None:
        for number, known in list(self._open.items()):
            if known.start.kind == UNUSED and known.start.flow == flow:
                del self._open[number]

    def take_silent(self, now: float) -> list[ExchangeStart]:
        """Those that have become silent since the last call. They stay open: an answer may still come."""
        silent = [known for known in self._open.values() if known.is_silent(now)]
        for known in silent:
            known.is_told = True
        return [known.start for known in silent]

    def count(self, exchange: int) -> None:
        """Note that the silence of this exchange was counted as an attempt."""
        self._open[exchange].is_counted = True

    @property
    def awaits_answer(self) -> bool:
        """Whether one that may still be answered, or told of as silent, is open."""
        return any(not known.is_told and known.start.kind in (*LAYERS, "arp", "ndp") for known in self._open.values())

    def clear(self) -> None:
        """Forget all."""
        self._open.clear()


def silence(start: ExchangeStart) -> str | None:
    """What is so of an exchange that has no answer; None where none is due."""
    client, server, place = start.client, start.server, f"port {start.port} of {start.server}"
    request = {
        "http": f"{client} sent a request to {place}",
        "tls": f"{client} began TLS with {place}",
        "sql": f"{client} sent a statement to {place}",
        "sql-start": f"{client} asked {place} for a session",
    }.get(start.kind)
    if request:
        return f"{request}: {server} accepted the connection, and has not answered so far"
    match start.kind:
        case "dns":
            name = start.subject.split(" ")[0]  # and not the type: a program asks for both families at once
            return f"{client} asked {server} for {name}, and no answer came so far"
        case "opening":
            return f"{client} tries to connect to {_place_with_address(start)}, and no answer came so far"
        case "ssh":
            return f"{client} is connected to {place}, where {server} speaks SSH, and has not answered it so far"
        case "icmp":
            return f"{client} pinged {server}, and no answer came so far"
        case "udp":  # it has no end, and of an answer nothing is known
            return f"{client} sent UDP to {place}; UDP opens no connection, and need not be answered"
        case "arp" | "ndp":
            return f"{client} looks for {server} on its network, and no answer came so far"
    return None


def _place_with_address(start: ExchangeStart) -> str:
    """The port that is tried, and the address, for a machine may have several, and not all can be reached."""
    if not start.server_address:
        return f"port {start.port} of {start.server}"
    where = dict.fromkeys((start.server, start.server_address))
    return f"{', '.join(where)}, port {start.port}"


def is_wanted(earlier: BaseObservation | None, start: ExchangeStart) -> bool:
    """Whether the task wants to see first that this has no answer."""
    if not isinstance(earlier, UnansweredObservation):
        return False
    return (earlier.client, earlier.unanswered) == (start.client, start.server)


def unanswered(observation: BaseObservation, start: ExchangeStart) -> Different | None:
    """What is said of an exchange of the right node that has no answer yet."""
    if start.client != observation.client:
        return None
    seen = silence(start)
    if start.kind == UNUSED and isinstance(observation, NEEDS_MORE):
        place = f"port {start.port} of {start.server}"
        seen = f"{start.client} is connected to {place}, and no request was seen on the connection so far"
    return Different(LAYERS.get(start.kind, "address"), seen, observation.wanted) if seen else None
