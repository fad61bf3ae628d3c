"""Events of a lab as lines for people."""

from __future__ import annotations

import pytest

from orchestrator.events import (
    CommandEvent,
    Entry,
    Event,
    FindingEvent,
    NodeEvent,
    OtherEvent,
    ProgramEvent,
    StepEvent,
)
from orchestrator.rendering.events import entry_text

LINES: tuple[tuple[Event, str], ...] = (
    (CommandEvent("started", ("wirelab", "exec", "b", "c", "--", "ls -l")), "command  $ wirelab exec b c -- 'ls -l'"),
    (CommandEvent("ended", (), 1.25, 5, "the lab is busy"), "command  ended with 5 after 1.2 s: the lab is busy"),
    (StepEvent("node:dns", "done", 0.5, "MakeNode", "missing"), "step     node:dns done after 0.50 s (missing)"),
    (NodeEvent("dns", "ready"), "node     dns is ready"),
    (FindingEvent("c", "http", "a", "fail", "200", "503", (), 1.0), "finding  FAIL c: expected 200, but seen: 503"),
    (ProgramEvent("ended", "client", ("dig", "x"), 9), "program  client$ dig x  (exit code 9)"),
    (OtherEvent("moon", (("phase", 1),)), "moon     phase=1"),
)  # fmt: skip


@pytest.mark.parametrize(("event", "line"), LINES, ids=[line[:20] for _, line in LINES])
def test_an_event_is_one_line(event: Event, line: str) -> None:
    assert entry_text(Entry(3661.5, "basic", event, "abcd-123456789")) == f"01:01:01.500  123456  {line}"
