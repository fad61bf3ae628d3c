"""The packets that completed a task, as they stand in a result, and whether they show what the result says of them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import product
from typing import Any

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import AddressesOf, Comparison, Matched
from orchestrator.lessons.host_addresses import LOOPBACK_ADDRESSES
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.lesson import ObserveTask
from orchestrator.lessons.observations import UnansweredObservation
from orchestrator.lessons.server_records import SecureRequest, SshLogin
from orchestrator.lessons.waits import Waits
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    ExchangeStart,
    Flow,
    SshGreeting,
    TlsHandshake,
    TrafficEvent,
    UnansweredArp,
    end_time,
    start_time,
)
from orchestrator.traffic.packets.frames import Frame, fingerprints, pcapng_of, read_frames
from orchestrator.traffic.packets.packet import Packet, read_packets, sort_by_time
from orchestrator.traffic.packets.pcapng import DamagedCapture
from orchestrator.traffic.packets.routed import RoutedPackets
from orchestrator.traffic.packets.selection import PacketSelection

MOST_BYTES = 32 * 1024
MOST_TEXT = (MOST_BYTES + 2) // 3 * 4  # in base64 (RFC 4648)
MOMENT = 0.001  # seconds; the same packet is read twice
BEFORE_SECONDS = 60.0  # a connection that was opened so long before a request is not looked for
AFTER_SECONDS = 2.0  # for packets that repeat what was sent before
# What nothing but a log tells, and what the packets show of it.
RECORDED = {SecureRequest: TlsHandshake, SshLogin: SshGreeting}
# The lines that tshark prints for a capture (traffic/packets/decode.py), with HTTP at these ports, too.
Decode = Callable[[bytes, Sequence[int]], Sequence[str]]


class WrongPackets(ValueError):
    """The packets are not those that completed the task; the text says why."""


class NoPackets(Exception):
    """There are no packets to be judged; the text says why."""


def selection_of(
    task: ObserveTask, event: CompletedEvent, earlier: CompletedEvent | float | None, addresses_of: AddressesOf
) -> PacketSelection:
    """The packets that show an exchange, and what the task wants to see first.

    `earlier` is that, or when the wait for an answer began where that is what comes first.
    """
    flow, began = _flow(event), start_time(event)
    moments = [began, *(moment for moment in (flow.opened, flow.asked) if moment and moment > began - BEFORE_SECONDS)]
    flows, pairs = [flow], []
    if isinstance(earlier, float):
        moments.append(earlier)
        pairs = list(_pairs(task, addresses_of))
    elif earlier is not None:
        moments.append(start_time(earlier))
        flows.append(_flow(earlier))
    until = max(began, end_time(event) or began, getattr(event, "last_try", began)) + AFTER_SECONDS
    return PacketSelection(flows, min(moments), until, pairs)


def _flow(event: CompletedEvent) -> Flow:
    if isinstance(event, UnansweredArp):
        raise TypeError("the search for a machine has no flow, and completes no task")
    return event.flow


def _pairs(task: ObserveTask, addresses_of: AddressesOf) -> Iterator[tuple[str, str]]:
    """The addresses of a node that waits, and of the server that does not answer it."""
    if isinstance(task.after, UnansweredObservation):
        for client, server in product(addresses_of(task.after.client), addresses_of(task.after.unanswered)):
            if ip_address(client).version == ip_address(server).version:
                yield client, server


def crosses_network(task: ObserveTask) -> bool:
    """Whether a packet that completes the task, or that comes first, crosses a network of the lab."""
    return any(wanted.loopback_port is None for wanted in (task.observe, task.after) if wanted)


def packets_document(captures: Sequence[bytes], cut_at: int) -> Mapping[str, Any]:
    """Packets as they are kept: base64 of a pcapng file; of more than MOST_BYTES, or of none, why they are not kept.

    A capture of `cut_at` bytes may go on after them.
    """
    too_many = not_kept(f"they have more than {MOST_BYTES // 1024} KiB")
    if any(len(capture) >= cut_at for capture in captures):
        return too_many
    try:
        frames = [frame for capture in captures for frame in read_frames(capture)]
    except DamagedCapture as error:
        return not_kept(f"their recording is damaged: {error}")
    if not frames:
        return not_kept("the recording does not have them any more")
    kept = pcapng_of(sorted(frames, key=lambda frame: frame.time))
    if len(kept) > MOST_BYTES:
        return too_many
    return {"pcapng": b64encode(kept).decode()}


def not_kept(why: str) -> Mapping[str, Any]:
    """What stands in place of packets that could not be kept."""
    return {"not_kept": why[:200]}


def kept_frames(evidence: Mapping[str, Any]) -> tuple[Frame, ...]:
    """The packets of a task. Raises NoPackets where none are kept, WrongPackets where they cannot be read."""
    document = evidence.get("packets")
    if document is None:
        raise NoPackets("no packets were kept")
    if not isinstance(document, Mapping):
        raise WrongPackets("the packets have another form")
    if "not_kept" in document:
        raise NoPackets(f"its packets were not kept: {str(document['not_kept'])[:200]}")
    text = document.get("pcapng")
    if not isinstance(text, str):
        raise WrongPackets("the packets have another form")
    if len(text) > MOST_TEXT:
        raise WrongPackets(f"the packets have more than {MOST_BYTES // 1024} KiB, which wirelab never keeps")
    try:
        capture = b64decode(text, validate=True)
    except ValueError:  # also for text that is no ASCII
        raise WrongPackets("the packets cannot be read: they are no base64") from None
    try:
        frames = read_frames(capture)
    except DamagedCapture as error:
        raise WrongPackets(f"the packets cannot be read: {error}") from None
    if not frames:
        raise WrongPackets("the packets are empty: the file holds none")
    return frames


def packet_fingerprints(evidence: Mapping[str, Any]) -> frozenset[str]:
    """What no other seat can have alike of these packets; empty where there are none that can be read."""
    try:
        return fingerprints(kept_frames(evidence))
    except (NoPackets, WrongPackets):
        return frozenset()


@dataclass(frozen=True)
class PacketJudge:
    """Judges the packets of a task again, in the lab from which they come: host -> its addresses, and its nodes."""

    task: ObserveTask
    hosts: Mapping[str, Sequence[str]]
    nodes: Sequence[str]

    def require(self, evidence: Mapping[str, Any], event: CompletedEvent, decode: Decode | None) -> None:
        """Raise WrongPackets unless the packets show this exchange, and it completes the task; or NoPackets."""
        frames = kept_frames(evidence)
        if decode is None:
            raise NoPackets("its packets were not read: that needs a container engine")
        packets = tuple(sort_by_time(read_packets(decode(pcapng_of(frames), self._http_ports))))
        if len(packets) != len(frames):
            raise WrongPackets(f"the packets cannot be read: of {len(frames)}, {len(packets)} can be decoded")
        self._require_own(packets)
        events = tuple(read_events(RoutedPackets().without_copies(packets), self._names))
        shown = self._shown(events, event)
        comparison = self.task.observe.compare(shown, self.addresses_of)
        if not isinstance(comparison, Matched):
            raise WrongPackets(_other(comparison))
        if self.task.after and not self._is_after(events, shown):
            raise WrongPackets(f"the packets do not show first {self.task.after.wanted}")

    @property
    def _names(self) -> dict[str, str]:
        names = {address: node for node in self.nodes for address in self.hosts.get(node, ())}
        return names | {address: wanted.client for wanted in self._inside for address in LOOPBACK_ADDRESSES}

    @property
    def _inside(self) -> list[BaseObservation]:
        """What crosses no network of what the task wants to see."""
        return [wanted for wanted in (self.task.observe, self.task.after) if wanted and wanted.loopback_port]

    @property
    def _http_ports(self) -> tuple[int, ...]:
        """Where a program of the learner answers HTTP to its own node."""
        wanted = [wanted for wanted in self._inside if isinstance(wanted, HttpObservation)]
        return tuple(wanted.loopback_port or 80 for wanted in wanted)

    def addresses_of(self, host: str) -> Sequence[str]:
        """The addresses of a host in the lab from which the packets come."""
        return self.hosts.get(host.lower(), (host.strip("[]"),))

    def _require_own(self, packets: Sequence[Packet]) -> None:
        """Of what crosses a network of the lab, one end at least is a machine of it."""
        own = {*self._names, *(address for known in self.hosts.values() for address in known)}
        for packet in packets:
            if packet.stream >= 0 and own.isdisjoint((packet.source, packet.target)):
                ends = f"neither {packet.source} nor {packet.target}"
                raise WrongPackets(f"the packets are those of another lab: this one has {ends}")

    def _shown(self, events: Sequence[TrafficEvent], event: CompletedEvent) -> CompletedEvent:
        """The exchange as the packets show it; what only a log tells is taken from the result."""
        wanted = RECORDED.get(type(event), type(event))
        ended = [shown for shown in events if not isinstance(shown, ExchangeStart)]
        for shown in ended:
            if type(shown) is wanted and _is_same(shown, event):
                return _recorded(shown, event)
        others = [self.task.observe.compare(shown, self.addresses_of) for shown in ended]
        raise WrongPackets(_other(next((other for other in others if other is not None), None)))

    def _is_after(self, events: Sequence[TrafficEvent], shown: CompletedEvent) -> bool:
        after = self.task.after
        if isinstance(after, UnansweredObservation):
            return _waits(events).before(after.client, after.unanswered, start_time(shown)) is not None
        ended = (other for other in events if not isinstance(other, ExchangeStart))
        moments = (end_time(other) or start_time(other) for other in ended if self._is_earlier(other))
        return any(moment <= start_time(shown) for moment in moments)

    def _is_earlier(self, event: CompletedEvent) -> bool:
        after = self.task.after
        return after is not None and isinstance(after.compare(event, self.addresses_of), Matched)


def _is_same(shown: CompletedEvent, event: CompletedEvent) -> bool:
    """Whether two exchanges are one: it began at the same time, between the same ends."""
    ours, theirs = _flow(shown), _flow(event)
    ends = [(end.address, end.port) for end in (ours.client, ours.server)]
    is_between = ends == [(end.address, end.port) for end in (theirs.client, theirs.server)]
    return is_between and abs(start_time(shown) - start_time(event)) < MOMENT


def _recorded(shown: CompletedEvent, event: CompletedEvent) -> CompletedEvent:
    """The packets' exchange with what the result says of its content, where the packets are encrypted."""
    match shown, event:
        case TlsHandshake(), SecureRequest():
            if shown.outcome != "agreed":
                raise WrongPackets("the packets show TLS that was not agreed")
            return replace(event, flow=shown.flow, host=shown.server_name)
        case SshGreeting(), SshLogin():
            return replace(event, flow=shown.flow)
    return shown


def _waits(events: Sequence[TrafficEvent]) -> Waits:
    waits = Waits()
    for event in events:
        if isinstance(event, ExchangeStart):
            waits.begin(event)
        else:
            waits.end(event)
    return waits


def _other(comparison: Comparison) -> str:
    """What the packets show in place of what completed the task."""
    if comparison is None:
        return "the packets do not show it"
    if isinstance(comparison, Matched):
        return "the packets show another attempt than the one of which the result tells"
    return f"the packets show something else: {comparison.sentence}"
