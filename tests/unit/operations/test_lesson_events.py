"""What the journal keeps of a learner's attempts and of traced programs, and how `wirelab events` tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.events import Actor, Event, LessonEvent, ProgramEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import Journal
from orchestrator.lab.journal_reader import lesson_events, program_entries
from orchestrator.lessons.messages import (
    HintShown,
    LessonDone,
    Message,
    NotDone,
    Note,
    SolutionShown,
    TaskBegun,
    TaskDone,
    TaskHeld,
    event_of,
)

FAILED = "client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name."
KEPT: tuple[tuple[Message, LessonEvent, str], ...] = (
    (TaskBegun("fetch", 2, 3, "", "Fetch it."), LessonEvent("begun", "basic", "fetch"), "basic fetch: begun"),
    (NotDone(FAILED), LessonEvent("attempt", "basic", "fetch", FAILED), f"basic fetch: attempt: {FAILED}"),
    (
        NotDone("It does not exist.", "DNS answer", is_cause=True),
        LessonEvent("cause", "basic", "fetch", "It does not exist.", "DNS answer"),
        "basic fetch: cause: It does not exist.",
    ),
    (HintShown(1, 2, "Use curl."), LessonEvent("hint", "basic", "fetch", "Use curl."), "basic fetch: hint: Use curl."),
    (SolutionShown("client$ curl x"), LessonEvent("solution", "basic", "fetch"), "basic fetch: solution"),
    (TaskDone("fetch", "Seen."), LessonEvent("done", "basic", "fetch", "Seen."), "basic fetch: done: Seen."),
    (LessonDone(3, 3, 4, 1, 0, ""), LessonEvent("over", "basic"), "basic: over"),
)  # fmt: skip
TRACE = (
    ProgramEvent("started", "client", ("curl", "-s", "x y")),
    ProgramEvent("ended", "client", ("curl", "-s", "x y"), 7),
)


@pytest.mark.parametrize(("message", "event"), [(message, event) for message, event, _ in KEPT])
def test_what_a_learner_does_is_an_event(message: Message, event: LessonEvent) -> None:
    assert event_of(message, "basic", "fetch") == event


@pytest.mark.parametrize("message", [Note("That is no word here."), TaskHeld("fetch")])
def test_what_is_only_told_is_none(message: Message) -> None:
    assert event_of(message, "basic", "fetch") is None


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """A state folder with the journal of a lesson, and of a trace in the same lab."""
    state = StateFolder(tmp_path / "state")
    journal = Journal(state, "basic", Actor("run1", "command line", seat="seat03"), wall=lambda: 1000.5)
    events: tuple[Event, ...] = (*(event for _, event, _ in KEPT), *TRACE)
    for event in events:
        journal.publish(event)
    journal.close()
    return state


def test_attempts_and_traces_are_read_again_each_by_its_kind(state: StateFolder) -> None:
    assert [event for _, event in lesson_events(state, "basic")] == [event for _, event, _ in KEPT]
    assert list(lesson_events(state, "basic", since=1001.0)) == []
    assert tuple(entry.event for entry in program_entries(state, "basic")) == TRACE


@pytest.mark.slow
def test_events_prints_a_sentence_for_each_and_a_document_with_json(state: StateFolder) -> None:
    lines = printed(state)
    sentences = [*(f"lesson   {sentence}" for *_, sentence in KEPT), "program  client$ curl -s 'x y'"]
    assert [line.partition("seat03")[2].strip() for line in lines[:-1]] == sentences
    assert lines[-1].endswith("program  client$ curl -s 'x y'  (exit code 7)")
    documents: list[dict[str, Any]] = [json.loads(line) for line in printed(state, "--json")]
    assert documents[2] == {
        "schema": 1, "time": 1000.5, "lab": "basic", "run": "run1", "via": "command line", "seat": "seat03",
        "event": "lesson", "state": "cause", "lesson": "basic", "task": "fetch", "sentence": "It does not exist.",
        "layer": "DNS answer",
    }  # fmt: skip
    assert [document["state"] for document in documents] == [*(event.state for _, event, _ in KEPT), "started", "ended"]
    assert [document["exit_code"] for document in documents[-2:]] == [None, 7]


@pytest.mark.slow
def test_events_of_a_lab_in_which_nobody_learned_has_none_of_a_lesson(state: StateFolder) -> None:
    journal = Journal(state, "other", Actor("run1"))
    journal.publish(TRACE[0])
    journal.close()
    assert [json.loads(line)["event"] for line in printed(state, "--json", lab="other")] == ["program"]


def printed(state: StateFolder, *words: str, lab: str = "basic") -> list[str]:
    """The lines of `wirelab events` of a lab."""
    argv = (sys.executable, "-m", "orchestrator", "events", "--lab", lab, *words)
    environ = {**os.environ, "WIRELAB_STATE": str(state.root)}
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, env=environ)
    return ran.stdout.splitlines()
