"""Servers that a node asked, or looked for, and that have not answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    ExchangeStart,
    TcpHandshake,
    UnansweredArp,
)

# For so long nothing came: a program goes on to the next server (resolv.conf(5), timeout; at least a second).
LEAST_SECONDS = 0.9
# A resolver asks the next server by then; who asks it later does so by hand.
MOST_SECONDS = 12.0
KINDS = ("dns", "opening", "arp", "ndp")


@dataclass
class Waits:
    """The beginning of each exchange without an answer, by its number."""

    _starts: dict[int, ExchangeStart] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget all."""
        self._starts.clear()

    def begin(self, start: ExchangeStart) -> None:
        """An exchange began."""
        if start.kind in KINDS:
            self._starts[start.exchange] = start

    def end(self, event: CompletedEvent) -> None:
        """An exchange is over; where it was answered, nobody waited in vain."""
        match event:
            case DnsExchange(rcode="") | UnansweredArp(ended=None):
                return
            case TcpHandshake(outcome="silent" | "unreachable"):
                return
        self._starts.pop(event.exchange, None)

    def before(self, client: str, server: str, moment: float) -> float | None:
        """When this client last began to wait for that server, and then waited until this moment."""
        moments = (
            start.at
            for start in self._starts.values()
            if (start.client, start.server) == (client, server) and LEAST_SECONDS <= moment - start.at <= MOST_SECONDS
        )
        return max(moments, default=None)
