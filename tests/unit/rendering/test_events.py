"""Events of a lab as lines for people."""

from __future__ import annotations

import pytest

from orchestrator.events import (
    CaptureEvent,
    CommandEvent,
    Entry,
    Event,
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
from orchestrator.rendering.events import entry_text

LINES: tuple[tuple[Event, str], ...] = (
    (CommandEvent("started", ("wirelab", "exec", "b", "c", "--", "ls -l")), "command  $ wirelab exec b c -- 'ls -l'"),
    (CommandEvent("ended", (), 1.25, 5, "it is busy"), "command  ended with exit code 5 after 1.2 s: it is busy"),
    (StepEvent("node:dns", "done", 0.5, "MakeNode", "missing"), "step     made dns, 0.50 s after the first step began"),
    (LabEvent("up", 14), "lab      the lab is up (14 steps)"),
    (LabEvent("up", 0), "lab      the lab is up (nothing had to be done)"),
    (ProbeEvent("app", 1.0, 3.5), "probe    checks sent probes from app for 2.50 s"),
    (ProbeRunEvent("started", "client", ("bash", "80"), False, 4.0), "probing  a check runs bash in client"),
    (ProbeRunEvent("ended", "client", ("bash", "80"), False, 4.0), "probing  a check has run bash in client"),
    (LessonEvent("begun", "basic", "fetch"), "lesson   basic fetch: begun"),
    (LessonEvent("attempt", "basic", "fetch", "It was refused."), "lesson   basic fetch: attempt: It was refused."),
    (LessonEvent("cause", "basic", "fetch", "It is stopped.", "node"), "lesson   basic fetch: cause: It is stopped."),
    (LessonEvent("over", "basic"), "lesson   basic: over"),
    (ProgramEvent("started", "client", ("curl", "x")), "program  client$ curl x"),
    (CaptureEvent("started", "port 80"), "capture  started port 80"),
    (NodeEvent("dns", "ready"), "node     dns is ready"),
    (FindingEvent("c", "http", "a", "fail", "200", "503", (), 1.0), "finding  FAIL c: expected 200, but seen: 503"),
    (ProgramEvent("ended", "client", ("dig", "x"), 9), "program  client$ dig x  (exit code 9)"),
    (OtherEvent("moon", (("phase", 1),)), "moon     phase=1"),
)  # fmt: skip


@pytest.mark.parametrize(("event", "line"), LINES, ids=[line[:20] for _, line in LINES])
def test_an_event_is_one_line(event: Event, line: str) -> None:
    assert entry_text(Entry(3661.5, "basic", event, "abcd-123456789")) == f"01:01:01.500  123456  {line}"
