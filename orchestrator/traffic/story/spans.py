"""Which exchange served which: a tree built from the times at which exchanges began and ended.

The rule: a node that serves a request asks, between the request and its answer, for the sake of that request. Where
several requests were being served by the node at that time, only what the packets themselves show decides: statements
of one transaction belong together, and so do a resolver's questions for one name. Otherwise nothing is decided, and
the scene says between which requests it stands in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.traffic.exchanges.events import (
    Began,
    Closing,
    Ended,
    Event,
    Link,
    SqlStatement,
    asker,
    begins_at,
    ends_at,
)

# an exchange of these kinds makes its server work; within it the server may ask others
SERVED = frozenset({"http", "dns", "sql"})
# A request that hangs could otherwise gather the traffic of hours.
MOST_CHILDREN = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """Stands for a connection at a place of the story where it is used but was not opened."""

    link: Link
    at: float


@dataclass(frozen=True, slots=True)
class Scene:
    """An event with what served it, by time.

    `doubt` names the exchanges between which it could not be told which one this served; `unsure` counts the scenes
    elsewhere that stand in doubt of belonging here; `more` the scenes left out because there were too many.
    """

    event: Ended | Earlier
    children: tuple[Scene, ...] = ()
    doubt: tuple[Began, ...] = ()
    unsure: int = 0
    more: int = 0

    @property
    def asker(self) -> str:
        """The node that began it."""
        return self.event.link.client.node if isinstance(self.event, Earlier) else asker(self.event)

    @property
    def at(self) -> float:
        """When it began, in seconds since 1970."""
        return order(self)[0]


def order(scene: Scene) -> tuple[float, int]:
    """By time; where two began in the same moment, in the order in which they were seen."""
    if isinstance(scene.event, Earlier):
        return scene.event.at, 0
    return begins_at(scene.event), scene.event.exchange


class _Act:
    """An exchange that is open, or waits for what it may have caused."""

    __slots__ = ("began", "candidates", "children", "ended", "more", "unit", "unsure", "waiting")

    def __init__(self, began: Began, candidates: tuple[_Act, ...]) -> None:
        self.began = began
        self.candidates = candidates
        self.ended: Ended | None = None
        self.unit: _Unit | None = None
        self.children: list[Scene] = []
        self.waiting = 0
        self.unsure = 0
        self.more = 0

    def adopt(self, scene: Scene) -> None:
        if len(self.children) < MOST_CHILDREN:
            self.children.append(scene)
        else:
            self.more += 1

    def served_until(self, when: float) -> bool:
        """Whether this was still being served at that time."""
        end = ends_at(self.ended) if self.ended is not None else None
        return end is None or end >= when

    def until(self) -> float:
        """The last moment at which a packet of this act was seen."""
        assert self.ended is not None
        end = ends_at(self.ended)
        return end if end is not None else getattr(self.ended, "last_try", begins_at(self.ended))

    def possible(self) -> tuple[_Act, ...]:
        """The requests that were being served from this act's beginning to its end."""
        until = self.until()
        return tuple(act for act in self.candidates if act.served_until(until))

    def scene(self, doubt: tuple[_Act, ...] = ()) -> Scene:
        assert self.ended is not None
        children = tuple(sorted(self.children, key=order))
        return Scene(self.ended, children, tuple(act.began for act in doubt), self.unsure, self.more)


class _Unit:
    """Acts that belong to the same request: the statements of a transaction, otherwise a single act."""

    __slots__ = ("acts", "complete", "decided")

    def __init__(self) -> None:
        self.acts: list[_Act] = []
        self.complete = False
        self.decided = False

    def ready(self) -> bool:
        return self.complete and not self.decided and not any(act.waiting for act in self.acts)

    def parents(self) -> tuple[_Act, ...]:
        """The requests that span all acts; empty where none does."""
        possible = [act.possible() for act in self.acts]
        return tuple(act for act in possible[0] if all(act in others for others in possible[1:]))


def scenes(events: Iterable[Event]) -> Iterator[Scene]:
    """The scenes that serve no other, each as soon as all that it may have caused has ended.

    Holds what is open, and what waits for something open.
    """
    nest = _Nest()
    for event in events:
        if isinstance(event, Began):
            nest.begin(event)
        else:
            yield from nest.end(event)
    yield from nest.flush()


class _Nest:
    """The exchanges that are open, by number, by the node that serves them, and by transaction."""

    def __init__(self) -> None:
        self._acts: dict[int, _Act] = {}
        self._served: dict[str, dict[int, _Act]] = {}
        self._transactions: dict[tuple[int, int], _Unit] = {}
        self._undecided: dict[int, _Unit] = {}

    def begin(self, began: Began) -> None:
        candidates = self._candidates(began)
        for candidate in candidates:
            candidate.waiting += 1
        act = self._acts[began.exchange] = _Act(began, candidates)
        if began.kind in SERVED:
            self._served.setdefault(began.server, {})[began.exchange] = act

    def _candidates(self, began: Began) -> tuple[_Act, ...]:
        """What the asker was serving when it asked; a resolver asks others for the same name (RFC 1034, 5.3.3)."""
        found = tuple(self._served.get(began.client, {}).values())
        if began.kind == "dns" and len(found) > 1:
            same = tuple(act for act in found if act.began.kind == "dns" and act.began.subject == began.subject)
            return same or found
        return found

    def end(self, event: Ended) -> Iterator[Scene]:
        act = self._acts.pop(event.exchange, None)
        if act is None:
            yield from self._moment(event)
            return
        act.ended = event
        if act.began.kind in SERVED:
            del self._served[act.began.server][event.exchange]
        unit = self._unit_of(event)
        unit.acts.append(act)
        act.unit = unit
        self._undecided[id(unit)] = unit
        yield from self._settle([unit])

    def _unit_of(self, event: Ended) -> _Unit:
        if not isinstance(event, SqlStatement):
            unit = _Unit()
            unit.complete = True
            return unit
        key = (event.link.number, event.transaction)
        unit = self._transactions.setdefault(key, _Unit())
        # without the server's word, nothing more will come on this connection
        if event.last or event.outcome in ("closed", "reset", "pending"):
            unit.complete = True
            del self._transactions[key]
        return unit

    def _moment(self, event: Ended) -> Iterator[Scene]:
        """An event that has no beginning of its own. A closing goes where its connection is, which `arrange` finds."""
        if isinstance(event, Closing):
            for key in [key for key in self._transactions if key[0] == event.link.number]:
                unit = self._transactions.pop(key)
                unit.complete = True
                yield from self._settle([unit])
            yield Scene(event)
            return
        found = tuple(self._served.get(asker(event), {}).values())
        if len(found) == 1:
            found[0].adopt(Scene(event))
            return
        for act in found:
            act.unsure += 1
        yield Scene(event, doubt=tuple(act.began for act in found))

    def _settle(self, units: list[_Unit]) -> Iterator[Scene]:
        """Decide for these units, and for those that waited for nothing else."""
        while units:
            unit = units.pop()
            if not unit.ready():
                continue
            yield from self._decide(unit)
            for candidate in (one for act in unit.acts for one in act.candidates):
                candidate.waiting -= 1
                if candidate.unit is not None:
                    units.append(candidate.unit)

    def _decide(self, unit: _Unit) -> Iterator[Scene]:
        unit.decided = True
        self._undecided.pop(id(unit), None)
        together = unit.parents()
        for act in unit.acts:
            parents = together or act.possible()
            if len(parents) == 1:
                parents[0].adopt(act.scene())
                continue
            for parent in parents:
                parent.unsure += 1
            common = {parent.candidates for parent in parents}
            above = next(iter(common)) if len(common) == 1 else ()
            if len(above) == 1 and above[0].served_until(act.until()):
                above[0].adopt(act.scene(parents))
            else:
                yield act.scene(parents)

    def flush(self) -> Iterator[Scene]:
        """The capture is over: nothing will come for what still waits; the youngest first, for it serves others."""
        for unit in sorted(self._undecided.values(), key=lambda unit: -max(act.began.exchange for act in unit.acts)):
            if unit.decided:
                continue
            unit.complete = True
            for act in unit.acts:
                act.waiting = 0
            yield from self._settle([unit])
