"""What happens in a lab, as values: one event each, written to the lab's journal as one line of JSON.

    {"schema": 1, "time": 1767261600.25, "lab": "basic", "run": "…", "via": "command line", "event": "step", …}

`time` is in seconds since 1970 (UTC). `run` names the command, test process or script that caused the event: its
`command` event holds the whole command line. `seat` is there in a class where several people share a machine.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, ClassVar, Literal, get_args

from orchestrator.quick_dataclass import dataclass

SCHEMA = 1


@dataclass(frozen=True)
class CommandEvent:
    """An operation on the lab began, or ended with an exit code; `error` is what it raised."""

    kind: ClassVar[str] = "command"
    state: Literal["started", "ended"]
    command: tuple[str, ...] = ()
    seconds: float = 0.0
    exit_code: int = 0
    error: str = ""


@dataclass(frozen=True)
class LabEvent:
    """The lab is complete (`up`), or gone (`down`), after so many steps."""

    kind: ClassVar[str] = "lab"
    state: Literal["up", "down"]
    steps: int
    scenario: str = ""


@dataclass(frozen=True)
class StepEvent:
    """A step of a plan changed its state; `seconds` since the plan began. `action` is the type of what it does."""

    kind: ClassVar[str] = "step"
    step: str
    state: Literal["begun", "done", "failed", "skipped"]
    seconds: float
    action: str = ""
    why: str = ""
    detail: str = ""
    error: str = ""


@dataclass(frozen=True)
class NodeEvent:
    """A node changed its state."""

    kind: ClassVar[str] = "node"
    node: str
    state: Literal["starting", "ready", "running", "stopped", "paused", "removed"]


@dataclass(frozen=True)
class FindingEvent:
    """A check ended with a verdict; `node` is where it was asked from."""

    kind: ClassVar[str] = "finding"
    check: str
    check_kind: str
    node: str
    verdict: Literal["pass", "fail", "unknown"]
    expected: str
    actual: str
    evidence: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class CauseEvent:
    """The walk through the layers found the first broken layer of a check that does not hold."""

    kind: ClassVar[str] = "cause"
    check: str
    layer: str
    sentence: str


@dataclass(frozen=True)
class FaultEvent:
    """A fault was put in, or taken out again; `fault` is its words, as after `wirelab inject`, `by` who put it in."""

    kind: ClassVar[str] = "fault"
    state: Literal["in", "out"]
    fault: str
    id: str = ""
    by: str = ""


@dataclass(frozen=True)
class CaptureEvent:
    """The recording of the lab's traffic began, ended or was saved; the packets are in capture files."""

    kind: ClassVar[str] = "capture"
    state: Literal["started", "stopped", "saved"]
    filter: str = ""
    file: str = ""


@dataclass(frozen=True)
class ProgramEvent:
    """A program or a shell began or ended in a node. A shell's end is not seen: its `exit_code` is None."""

    kind: ClassVar[str] = "program"
    state: Literal["started", "ended"]
    node: str
    argv: tuple[str, ...]
    exit_code: int | None = None


@dataclass(frozen=True)
class ProbeEvent:
    """Checks probed from the node between these moments (seconds since 1970): such traffic is no user's."""

    kind: ClassVar[str] = "probe"
    node: str
    since: float
    until: float


@dataclass(frozen=True)
class ProbeRunEvent:
    """A check begins to run a program in the node, or the program has ended. Its packets bear no mark.

    `argv` is the program. If it opens at most one connection to each port, the ports follow. No other word follows,
    because a word of the author's may be a password. `seconds` is how long it runs at most.
    """

    kind: ClassVar[str] = "probing"
    state: Literal["started", "ended"]
    node: str
    argv: tuple[str, ...]
    inside: bool
    seconds: float


@dataclass(frozen=True)
class LessonEvent:
    """A learner began, completed or left a task, tried something, or took a hint or a solution.

    `layer` is the first broken layer of an attempt that failed, as `wirelab why` names it, once it is known.
    """

    kind: ClassVar[str] = "lesson"
    state: Literal["begun", "done", "attempt", "cause", "hint", "solution", "over"]
    lesson: str
    task: str = ""
    sentence: str = ""
    layer: str = ""


@dataclass(frozen=True)
class OtherEvent:
    """An event of a kind that this version of wirelab does not know, with all its fields."""

    kind: ClassVar[str] = "other"
    name: str
    values: tuple[tuple[str, Any], ...] = ()


KnownEvent = (
    CommandEvent | LabEvent | StepEvent | NodeEvent | FindingEvent | CauseEvent | FaultEvent | CaptureEvent
    | ProgramEvent | ProbeEvent | ProbeRunEvent | LessonEvent
)  # fmt: skip
Event = KnownEvent | OtherEvent
KINDS: dict[str, type[KnownEvent]] = {known.kind: known for known in get_args(KnownEvent)}


@dataclass(frozen=True)
class Actor:
    """Who causes events: a run, what it was started by, its command line, and its seat in a class."""

    run: str = ""
    via: Literal["command line", "pytest", "python", "web", "timer", "watchdog"] = "python"
    command: tuple[str, ...] = ()
    seat: str = ""

    def __str__(self) -> str:
        return f"seat {self.seat}" if self.seat else self.via


@dataclass(frozen=True)
class Entry:
    """One line of a journal: an event with its time, its lab, and who caused it."""

    time: float
    lab: str
    event: Event
    run: str = ""
    via: str = ""
    seat: str = ""

    def document(self) -> dict[str, Any]:
        """As it stands in the journal."""
        event = self.event
        head: dict[str, Any] = {"schema": SCHEMA, "time": round(self.time, 6), "lab": self.lab, "run": self.run}
        head["via"] = self.via
        if self.seat:
            head["seat"] = self.seat
        if isinstance(event, OtherEvent):
            return {**head, "event": event.name, **dict(event.values)}
        head["event"] = event.kind
        for field in fields(event):
            value = getattr(event, field.name)
            head[field.name] = list(value) if isinstance(value, tuple) else value
        return head

    def to_json(self) -> str:
        """One line of JSON, without the line's end."""
        return json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"))


def parse_entry(line: str) -> Entry | None:
    """The entry that a line of a journal holds; None where the line is torn or is no entry."""
    try:
        document = json.loads(line)
        head = {name: document.pop(name) for name in ("time", "lab", "event")}
        document.pop("schema", None)
        who = {name: str(document.pop(name, "")) for name in ("run", "via", "seat")}
        return Entry(float(head["time"]), str(head["lab"]), _event(head["event"], document), **who)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _event(kind: str, values: dict[str, Any]) -> Event:
    """The event of that kind; what a later version added to it, or a kind that it added, is no mistake."""
    known = KINDS.get(kind)
    if known is None:
        return OtherEvent(kind, tuple(values.items()))
    wanted = {field.name for field in fields(known)}
    taken: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in wanted
    }
    return known(**taken)
