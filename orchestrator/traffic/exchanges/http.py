"""HTTP/1 requests and their answers (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import ExchangeStart, Flow, HttpExchange, TrafficEvent
from orchestrator.traffic.packets.packet import Packet, parse_number


class OpenRequest:
    """A request that waits for its answer."""

    __slots__ = ("exchange", "flow", "host", "method", "started", "target")

    def __init__(self, exchange: int, flow: Flow, started: float, packet: Packet | None, index: int) -> None:
        self.exchange = exchange
        self.flow = flow
        self.started = started
        self.method = _nth(packet, at.HTTP_METHOD, index)
        self.target = _nth(packet, at.HTTP_TARGET, index)
        self.host = _nth(packet, at.HTTP_HOST, index)

    def ended(
        self,
        ended: float | None,
        outcome: str,
        status: int | None = None,
        phrase: str = "",
        size: int | None = None,
        ended_by: str = "",
    ) -> HttpExchange:
        return HttpExchange(
            self.exchange,
            self.flow,
            self.started,
            ended,
            self.method,
            self.target,
            self.host,
            status,
            phrase,
            size,
            outcome,
            ended_by,
        )


class HttpReader:
    """Pair requests with answers, which come in the same order (RFC 9112, section 9.3.2)."""

    def __init__(self, context: TrafficContext, flow: Flow) -> None:
        self._context = context
        self._flow = flow
        self._waiting: deque[OpenRequest] = deque()

    @property
    def waits(self) -> bool:
        """Whether a request has no answer yet."""
        return bool(self._waiting)

    def read(self, packet: Packet, from_client: bool, since: float | None) -> Iterator[TrafficEvent]:
        """`since` is when the client began to send what this packet completes."""
        if from_client:
            yield from self._requested(packet, packet.time if since is None else since)
        else:
            yield from self._answered(packet)

    def _requested(self, packet: Packet, since: float) -> Iterator[TrafficEvent]:
        for index in range(len(packet.texts(at.HTTP_METHOD))):
            request = OpenRequest(self._context.exchange_number(), self._flow, since, packet, index)
            self._waiting.append(request)
            yield self._began(request)

    def _began(self, request: OpenRequest) -> ExchangeStart:
        client, server, number = request.flow.client, request.flow.server, request.flow.number
        subject = f"{request.method} {request.target}"
        return ExchangeStart(
            request.exchange,
            "http",
            request.started,
            client.node,
            server.node,
            number,
            subject,
            server.port,
            client.port,
        )

    def _answered(self, packet: Packet) -> Iterator[TrafficEvent]:
        phrases = packet.texts(at.HTTP_PHRASE)
        statuses = packet.texts(at.HTTP_STATUS)
        for index, status in enumerate(statuses):
            if status.startswith("1") and status != "101":
                continue  # an interim answer; the final one follows (RFC 9110, section 15.2)
            request = self._waiting.popleft() if self._waiting else self._unseen(packet)
            phrase = phrases[index] if index < len(phrases) else ""
            size = 0 if _bare(request, status) else _size(packet) if len(statuses) == 1 else None
            yield request.ended(packet.time, "answered", parse_number(status), phrase, size)

    def _unseen(self, packet: Packet) -> OpenRequest:
        return OpenRequest(self._context.exchange_number(), self._flow, packet.time, None, 0)

    def end(self, outcome: str, unread: int = 0, by: str = "") -> Iterator[TrafficEvent]:
        """`unread` is how many bytes came from the server after its last whole answer; `by` ended the connection."""
        for request in self._waiting:
            yield request.ended(None, outcome, size=unread or None, ended_by=by)
            unread = 0
        self._waiting.clear()


def _nth(packet: Packet | None, place: int, index: int) -> str:
    texts = packet.texts(place) if packet else []
    return texts[index] if index < len(texts) else ""


def _bare(request: OpenRequest, status: str) -> bool:
    """Whether the answer has no body, whatever length its header states (RFC 9112, section 6.3)."""
    return request.method == "HEAD" or status in ("101", "204", "304")


def _size(packet: Packet) -> int | None:
    length = packet.text(at.HTTP_LENGTH)
    if re.fullmatch("[0-9]{1,15}", length.strip()):
        return int(length)
    chunks = packet.texts(at.HTTP_CHUNKS)
    return sum(parse_number(chunk) for chunk in chunks) if chunks else None
