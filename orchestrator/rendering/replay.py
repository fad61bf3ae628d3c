"""The replay of a seat of a class: each step of its lesson, with the time since the first one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.events import LessonEvent

SCHEMA = 1
Step = tuple[float, LessonEvent]
WORDS = {
    "begun": "the task begins",
    "done": "done",
    "attempt": "not yet",
    "cause": "why",
    "hint": "hint",
    "solution": "the solution is shown",
    "over": "the lesson is over",
}


def replay_text(seat: str, steps: Sequence[Step]) -> str:
    """A line for each step."""
    if not steps:
        return f"{seat} has not begun the lesson."
    first = steps[0][0]
    return "\n".join(_line(time - first, event) for time, event in steps)


def _line(seconds: float, event: LessonEvent) -> str:
    minutes, rest = divmod(int(seconds), 60)
    word = f"{WORDS[event.state]} ({event.layer})" if event.layer else WORDS[event.state]
    sentence = " ".join(event.sentence.split())
    parts = (event.task, f"{word}: {sentence}" if sentence else word)
    return f"{minutes:>3}:{rest:02}  " + "  ".join(part for part in parts if part)


def replay_document(class_name: str, lesson: str, seat: str, steps: Sequence[Step]) -> dict[str, Any]:
    """The same as JSON, with times in seconds since 1970."""
    rows = [
        {"time": time, "task": event.task, "state": event.state, "sentence": event.sentence, "layer": event.layer}
        for time, event in steps
    ]
    return {"schema": SCHEMA, "class": class_name, "lesson": lesson, "seat": seat, "steps": rows}
