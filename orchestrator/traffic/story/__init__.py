"""The story of what crossed the wire: who asked whom, what came of it, and what served what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import inf

from orchestrator.traffic.exchanges.events import (
    Asked,
    Began,
    Closing,
    Datagrams,
    Ended,
    Event,
    HttpExchange,
    Opening,
    SqlStatement,
    UnansweredArp,
    asker,
    begins_at,
)
from orchestrator.traffic.story.nesting import arrange
from orchestrator.traffic.story.spans import Earlier, Scene, scenes

__all__ = [
    "Counts",
    "Earlier",
    "Losses",
    "Mark",
    "Scene",
    "Story",
    "arrange",
    "count",
    "live_scenes",
    "scenes",
    "story",
]


@dataclass(frozen=True)
class Losses:
    """Packets that are missing: dropped by the kernel, overwritten in the ring, or unreadable."""

    dropped: int = 0
    overwritten: int = 0
    unreadable: int = 0

    @property
    def any(self) -> bool:
        return bool(self.dropped or self.overwritten or self.unreadable)


@dataclass(frozen=True)
class Mark:
    """Traffic that is not the story's own, such as that of a check.

    It is what `node` began between `since` and `until` (seconds since 1970), from one of the `ports` where any are
    named; and with it all that this caused.
    """

    label: str
    node: str
    since: float = -inf
    until: float = inf
    ports: frozenset[int] = frozenset()

    def covers(self, event: Ended) -> bool:
        """Whether this event is of the marked traffic."""
        if asker(event) != self.node or not self.since <= begins_at(event) <= self.until:
            return False
        return not self.ports or (not isinstance(event, UnansweredArp) and event.link.client.port in self.ports)


@dataclass
class Counts:
    """How many exchanges of each kind there were, whether they are shown or not."""

    questions: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    statements: int = 0
    connections: int = 0
    refused: int = 0
    silent: int = 0
    datagrams: int = 0
    pings: int = 0

    def add(self, event: Ended) -> None:
        match event:
            case Asked(operation="query"):
                self.questions[event.type] = self.questions.get(event.type, 0) + event.tries
            case HttpExchange(method=method) if method:
                self.requests += 1
            case SqlStatement():
                self.statements += 1
            case Opening(outcome="accepted"):
                self.connections += 1
            case Opening(outcome="refused"):
                self.refused += 1
            case Opening():
                self.silent += 1
            case Datagrams(link=link) if link.protocol == "icmp":
                self.pings += event.sent
            case Datagrams():
                self.datagrams += 1


@dataclass(frozen=True)
class Story:
    """What happened, as a tree; `began` is the time of the first event, None where there was none.

    `hidden` counts, by label, the marked scenes that were left out.
    """

    scenes: tuple[Scene, ...]
    began: float | None
    counts: Counts
    losses: Losses = Losses()
    hidden: tuple[tuple[str, int], ...] = ()


def count(events: Iterable[Event], counts: Counts) -> Iterator[Event]:
    """The same events; each that is over is counted on its way."""
    for event in events:
        if not isinstance(event, Began):
            counts.add(event)
        yield event


def story(
    events: Iterable[Event], *, losses: Losses = Losses(), marks: tuple[Mark, ...] = (), began_by: str = ""
) -> Story:
    """The whole story of these events; the traffic that `marks` cover is left out and counted.

    With `began_by`, only what this node began, for itself or for the sake of a request that it served; only that is
    counted then.
    """
    counts = Counts()
    kept, left, hidden = [], [], dict.fromkeys((mark.label for mark in marks), 0)
    for scene in scenes(count(events, counts)):
        event = scene.event
        assert not isinstance(event, Earlier)
        label = next((mark.label for mark in marks if mark.covers(event)), None)
        if label is None:
            kept.append(scene)
        elif not isinstance(event, Closing):
            left.append(scene)
            hidden[label] += 1
    only_left = _connections(left) - _connections(kept, closings=False)
    kept = [one for one in kept if not (isinstance(one.event, Closing) and one.event.link.number in only_left)]
    if began_by:
        kept = list(_begun(kept, began_by))
        counts = Counts()
        _count_all(kept, counts)
    arranged = arrange(kept)
    began = min((_begins(scene) for scene in arranged), default=None)
    return Story(arranged, began, counts, losses, tuple(item for item in hidden.items() if item[1]))


def _begun(told: Iterable[Scene], node: str) -> Iterator[Scene]:
    """The scenes that a node began, wherever they stand; with each what it caused."""
    for scene in told:
        if scene.asker == node:
            yield scene
        else:
            yield from _begun(scene.children, node)


def _count_all(told: Iterable[Scene], counts: Counts) -> None:
    for scene in told:
        if not isinstance(scene.event, Earlier):
            counts.add(scene.event)
        _count_all(scene.children, counts)


def _connections(told: Iterable[Scene], *, closings: bool = True) -> set[int]:
    """The numbers of the connections on which these scenes and those below them happened."""
    found = set()
    for scene in told:
        event = scene.event
        if not isinstance(event, UnansweredArp) and (closings or not isinstance(event, Closing)):
            found.add(event.link.number)
        found |= _connections(scene.children, closings=closings)
    return found


def live_scenes(events: Iterable[Event], began_by: str = "") -> Iterator[Scene]:
    """Each scene that serves no other as soon as it is over, with what it caused put below its connections.

    With `began_by`, of each what this node began.
    """
    for scene in _begun(scenes(events), began_by) if began_by else scenes(events):
        if not (isinstance(scene.event, Closing) and scene.event.how == "open"):
            yield replace(scene, children=arrange(scene.children))


def _begins(scene: Scene) -> float:
    return scene.event.at if isinstance(scene.event, Earlier) else begins_at(scene.event)
