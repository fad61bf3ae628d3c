"""The replay of a seat: each step in its order where the learner has agreed, and nothing after the class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.events import Actor, LessonEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import Journal, journal_file
from orchestrator.operations.classroom.folder import ClassStore, new_class
from orchestrator.operations.classroom.replay import ReplayConsent, seat_replay
from orchestrator.operations.classroom.service import forget_class
from orchestrator.rendering.replay import replay_document, replay_text

CLASS = replace(new_class("monday", Path("/basic/scenario.yaml")).with_seats(2), created=0.0)
EVENTS = (
    LessonEvent("begun", "basic", "look-up"),
    LessonEvent("attempt", "basic", "look-up", "client asked dns for ap.shop.lab A: NXDOMAIN"),
    LessonEvent("cause", "basic", "look-up", "nobody has that name", "DNS answer"),
    LessonEvent("hint", "basic", "look-up", "Is the name right?"),
    LessonEvent("done", "basic", "look-up", "client asked dns for app.shop.lab A"),
)


@pytest.fixture
def store(tmp_path: Path) -> ClassStore:
    store = ClassStore(StateFolder(tmp_path))
    store.save(CLASS)
    seat = CLASS.seats[0]
    journal = Journal(store.state, seat.lab, Actor("run", "web", ("wirelab",), seat.name))
    for event in EVENTS:
        journal.publish(event)
    journal.close()
    return store


def test_without_consent_nothing_is_replayed(store: ClassStore) -> None:
    consent = ReplayConsent(store, "monday", "seat01")
    for is_given in (False, True, False):
        consent.give(is_given=is_given)
    with pytest.raises(UsageInvalid, match="seat01 is not replayed"):
        seat_replay(store, CLASS, "seat01")
    with pytest.raises(UsageInvalid, match="has no seat 'seat09'"):
        seat_replay(store, CLASS, "seat09")


def test_each_step_is_told_in_its_order(store: ClassStore) -> None:
    ReplayConsent(store, "monday", "seat01").give(is_given=True)
    replay = seat_replay(store, CLASS, "seat01")
    assert [event for _, event in replay.steps] == list(EVENTS)
    lines = [line.split(maxsplit=1)[1] for line in replay_text("seat01", replay.steps).splitlines()]
    assert lines == [
        "look-up  the task begins",
        "look-up  not yet: client asked dns for ap.shop.lab A: NXDOMAIN",
        "look-up  why (DNS answer): nobody has that name",
        "look-up  hint: Is the name right?",
        "look-up  done: client asked dns for app.shop.lab A",
    ]
    document = replay_document("monday", "basic", "seat01", replay.steps)
    assert [step["state"] for step in document["steps"]] == ["begun", "attempt", "cause", "hint", "done"]


def test_a_seat_that_has_not_begun_says_so(store: ClassStore) -> None:
    ReplayConsent(store, "monday", "seat02").give(is_given=True)
    assert replay_text("seat02", seat_replay(store, CLASS, "seat02").steps) == "seat02 has not begun the lesson."


def test_times_count_from_the_first_step() -> None:
    steps = [(100.0, EVENTS[0]), (161.9, EVENTS[1]), (100.0 + 3600, LessonEvent("over", "basic"))]
    assert [line.split()[0] for line in replay_text("seat01", steps).splitlines()] == ["0:00", "1:01", "60:00"]


def test_with_the_class_the_steps_are_forgotten(store: ClassStore) -> None:
    ReplayConsent(store, "monday", "seat01").give(is_given=True)
    forget_class(store, CLASS)
    assert not journal_file(store.state, CLASS.seats[0].lab).exists()
    assert not ReplayConsent(store, "monday", "seat01").is_given
