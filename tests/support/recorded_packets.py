"""Packets of the recordings as they stand in a learner's result, and what tshark printed for them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from recorded import RECORDINGS, events, lines

from orchestrator.lessons.evidence import exchange_evidence
from orchestrator.lessons.packet_evidence import packets_document
from orchestrator.traffic.exchanges.events import CompletedEvent, DnsExchange, ExchangeStart, HttpExchange
from orchestrator.traffic.packets.decode import FRAME_FIELDS
from orchestrator.traffic.packets.frames import Frame, pcapng_of, read_frames

# What the result of a learner says of the lab in which the recordings were made.
NODES = {"app": "192.168.231.12", "dns": "192.168.231.10", "client": "192.168.231.13"}
HOSTS = {
    "app": ["192.168.231.12"],
    "app.shop.lab": ["192.168.231.12"],
    "dns": ["192.168.231.10"],
    "client": ["192.168.231.13"],
    "db": ["192.168.231.11"],
}
LAB: dict[str, Any] = {"nodes": NODES, "hosts": HOSTS}
CUT_AT = 1 << 20  # bytes that no recording has
RECORDED = ("first", "second", "web", "tls", "records", "silent", "paused", "dns_down")
PORTS = tuple(FRAME_FIELDS.index(name) for name in ("tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"))


@cache
def _recording(name: str) -> tuple[tuple[Frame, str], ...]:
    frames = read_frames((RECORDINGS / f"{name}.pcapng").read_bytes())
    return tuple(zip(frames, (line.rstrip("\n") for line in lines(name)), strict=True))


@cache
def _known() -> dict[Frame, str]:
    return {frame: line for name in RECORDED for frame, line in _recording(name)}


def decode(capture: bytes, _http: Sequence[int] = ()) -> list[str]:
    """What tshark prints for packets of the recordings; nothing for others."""
    return [_known()[frame] for frame in read_frames(capture) if frame in _known()]


def frames_of(name: str, exchanges: Iterable[CompletedEvent]) -> list[Frame]:
    """The frames of these exchanges, in order."""
    flows = [(event.flow.client.port, event.flow.server.port) for event in exchanges]  # type: ignore[union-attr]
    wanted = {frozenset(map(str, flow)) for flow in flows}
    return [frame for frame, line in _recording(name) if wanted & _flows(line)]


def _flows(line: str) -> set[frozenset[str]]:
    fields = line.split("\t")
    tcp, udp = (frozenset(fields[place] for place in places) for places in (PORTS[:2], PORTS[2:]))
    return {tcp, udp}


def lookup(name: str = "first", number: int = 0) -> DnsExchange:
    """A question of the client for the address of app.shop.lab."""
    found = [event for event in ended(name) if isinstance(event, DnsExchange) and _is_lookup(event)]
    return found[number]


def _is_lookup(event: DnsExchange) -> bool:
    return (event.flow.client.node, event.name.rstrip("."), event.type) == ("client", "app.shop.lab", "A")


def request(name: str = "first") -> HttpExchange:
    """The first HTTP request of the client."""
    return next(event for event in ended(name) if isinstance(event, HttpExchange))


def ended(name: str) -> list[CompletedEvent]:
    """What happened in a recording, without the beginnings."""
    return [event for event in events(name) if not isinstance(event, ExchangeStart)]


def evidence(name: str, event: CompletedEvent, *others: CompletedEvent, earlier: float | None = None) -> dict[str, Any]:
    """The evidence of a task that this exchange completed, as it is read from a file."""
    packets = packets_document([pcapng_of(frames_of(name, (event, *others)))], CUT_AT)
    document: dict[str, Any] = json.loads(json.dumps({**exchange_evidence(event, earlier), **LAB}))
    return {**document, "packets": packets}


def packets(frames: Iterable[Frame]) -> dict[str, str]:
    """These frames as they stand in a result, whatever they are."""
    return {"pcapng": b64encode(pcapng_of(frames)).decode()}
