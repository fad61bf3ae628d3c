"""The greeting of SSH (RFC 4253, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import ExchangeStart, Flow, SshGreeting, TrafficEvent
from orchestrator.traffic.packets.packet import Packet


class SshReader:
    """Wait for the identification lines of both sides."""

    def __init__(self, context: TrafficContext, flow: Flow) -> None:
        self._flow = flow
        self._exchange = context.exchange_number()  # a reader is made when the first line is seen
        self._started: float | None = None
        self._says = {True: "", False: ""}
        self._over = False

    def read(self, packet: Packet, from_client: bool) -> Iterator[TrafficEvent]:
        if self._over:
            return
        if self._started is None:
            self._started = packet.time
            client, server, number = self._flow.client, self._flow.server, self._flow.number
            ports = server.port, client.port
            yield ExchangeStart(self._exchange, "ssh", packet.time, client.node, server.node, number, "", *ports)
        self._says[from_client] = packet.text(at.SSH_LINE)
        if all(self._says.values()):
            yield self._greeted(packet.time)

    def _greeted(self, ended: float | None) -> SshGreeting:
        self._over = True
        return SshGreeting(self._exchange, self._flow, self._started or 0.0, ended, self._says[True], self._says[False])

    def end(self, outcome: str) -> Iterator[TrafficEvent]:  # noqa: ARG002
        if self._started is not None and not self._over:
            yield self._greeted(None)
