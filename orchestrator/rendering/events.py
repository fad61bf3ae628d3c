"""The events of a lab as text for people: a line each."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from shlex import join
from typing import assert_never

from orchestrator.events import (
    CaptureEvent,
    CauseEvent,
    CommandEvent,
    Entry,
    Event,
    FaultEvent,
    FindingEvent,
    LabEvent,
    LessonEvent,
    NodeEvent,
    OtherEvent,
    ProbeEvent,
    ProbeRunEvent,
    ProgramEvent,
    StepEvent,
)
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.step_sentences import step_sentence

VERDICTS = {"pass": "pass", "fail": "FAIL", "unknown": "UNKNOWN"}


def entry_text(entry: Entry, zone: tzinfo | None = UTC) -> str:
    """The time of day, who caused the event (a part of the run's id), its kind, and what happened."""
    at = datetime.fromtimestamp(entry.time, zone)
    kind = entry.event.name if isinstance(entry.event, OtherEvent) else entry.event.kind
    who = (entry.run.rpartition("-")[2] or "-")[:6]
    seat = f" seat {entry.seat}" if entry.seat else ""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  {who:6}{seat}  {kind:8} {event_text(entry.event)}".rstrip()


def event_text(event: Event) -> str:
    """What happened."""
    match event:
        case CommandEvent():
            return _command_text(event)
        case LabEvent():
            done = counted(event.steps, "step") if event.steps else "nothing had to be done"
            return f"the lab is {event.state} ({done})"
        case StepEvent():
            return step_sentence(event)
        case NodeEvent():
            return f"{event.node} is {event.state}"
        case FindingEvent():
            difference = "" if event.verdict == "pass" else f": expected {event.expected}, but seen: {event.actual}"
            return f"{VERDICTS[event.verdict]} {event.check}{difference}"
        case CauseEvent():
            return f"{event.check}: {event.sentence}"
        case FaultEvent():
            by = f", put in by {event.by}" if event.by and event.state == "out" else ""
            return f"{event.state}: {event.fault}" + (f" [{event.id}]" if event.id else "") + by
        case CaptureEvent():
            return " ".join(part for part in (event.state, event.filter, event.file) if part)
        case ProgramEvent():
            ended = "" if event.exit_code is None else f"  (exit code {event.exit_code})"
            return f"{event.node}$ {join(event.argv)}{ended}"
        case ProbeEvent():
            return f"checks sent probes from {event.node} for {event.until - event.since:.2f} s"
        case ProbeRunEvent():
            return f"a check {'runs' if event.state == 'started' else 'has run'} {event.argv[0]} in {event.node}"
        case LessonEvent():
            task = f" {event.task}" if event.task else ""
            return f"{event.lesson}{task}: {event.state}" + (f": {event.sentence}" if event.sentence else "")
        case OtherEvent():
            return " ".join(f"{name}={value}" for name, value in event.values)
        case _:
            assert_never(event)


def _command_text(event: CommandEvent) -> str:
    if event.state == "started":
        return f"$ {join(event.command)}"
    error = f": {event.error}" if event.error else ""
    return f"ended with exit code {event.exit_code} after {event.seconds:.1f} s{error}"
