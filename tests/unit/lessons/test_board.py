"""The board of a class: events and progress in, who is stuck on which layer out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.events import LessonEvent
from orchestrator.lessons.board import Board, SeatRow, board_document, seat_row
from orchestrator.lessons.messages import event_of
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.reactions import not_done, sees_no_broken_layer
from orchestrator.rendering.board import board_text, results_csv
from orchestrator.rendering.lesson import message_text

TASKS = ("guess", "look", "fetch")
AT_LOOK = Progress(
    "basic", 7, "seat01", {"guess": TaskProgress(done=True), "look": TaskProgress(attempts=2, begun=True)}
)
BEGUN = (10.0, LessonEvent("begun", "basic", "look"))
NO_NAME = "The name ap.shop.lab does not exist."


def attempt(time: float, sentence: str = "no", task: str = "look") -> tuple[float, LessonEvent]:
    return time, LessonEvent("attempt", "basic", task, sentence)


def cause(time: float, sentence: str = NO_NAME, layer: str = "DNS answer") -> tuple[float, LessonEvent]:
    return time, LessonEvent("cause", "basic", "look", sentence, layer)


def row(*events: tuple[float, LessonEvent], seat: str = "seat01", progress: Progress | None = AT_LOOK) -> SeatRow:
    return seat_row(seat, "ready", TASKS, progress, events)


def stuck(*events: tuple[float, LessonEvent]) -> tuple[str, float] | None:
    """The layer on which a seat is stuck, and since when."""
    found = row(BEGUN, *events).cause
    return (found.layer, found.since) if found else None


def test_a_seat_that_has_tried_nothing_is_not_stuck() -> None:
    assert (row(BEGUN).since, row(BEGUN).cause, row(BEGUN).current) == (10.0, None, "look")
    assert row(progress=None) == seat_row("seat01", "ready", TASKS, None, ())


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((attempt(20),), ("", 20.0)),
        ((attempt(20), cause(21)), ("DNS answer", 20.0)),
        ((attempt(20), cause(21), attempt(30)), ("DNS answer", 20.0)),  # the same again: its layer is told in a moment
        ((attempt(20), cause(21), attempt(30, "another")), ("", 20.0)),  # of another attempt the layer is not known
        ((attempt(20), cause(21), attempt(30, "another"), cause(31, "refused", "TCP")), ("TCP", 20.0)),
        ((attempt(20), cause(21), (25, LessonEvent("begun", "basic", "look"))), ("DNS answer", 20.0)),  # a restart
        ((attempt(20), cause(21), (25, LessonEvent("hint", "basic", "look", "x"))), ("DNS answer", 20.0)),
        ((attempt(20), (25, LessonEvent("done", "basic", "fetch"))), ("", 20.0)),  # another task was marked as done
        ((attempt(20, task="guess"),), None),
        ((attempt(20), (25, LessonEvent("done", "basic", "look"))), None),
    ],
)
def test_who_is_stuck_is_so_since_the_first_attempt_that_failed(
    events: tuple[tuple[float, LessonEvent], ...], expected: tuple[str, float] | None
) -> None:
    assert stuck(*events) == expected


def finding(layer: Layer | None) -> Finding:
    """A check that does not hold; no layer is broken where `layer` is None."""
    walk = make_walk([layer] if layer else [], Cause("Each layer held.", ""))
    return Finding("The page comes", "http", "client", Judgement("fail", "200", "refused"), 0.1, walk)


LISTEN = Layer("listen", "client", "app", "fail", "no", causes=(Cause("Nobody listens.", ""),), title="process listens")


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [(LISTEN, "Nobody listens."), (None, "This check does not hold: The page comes. Seen: refused.")],
)
def test_where_no_layer_is_seen_to_be_broken_what_the_check_saw_is_told(layer: Layer | None, sentence: str) -> None:
    """A layer may not have been asked: the machine was busy. Such a check is judged again first."""
    assert not_done(finding(layer)).sentence == sentence
    assert sees_no_broken_layer(finding(layer)) == (layer is None)
    assert not sees_no_broken_layer(replace(finding(layer), why=None))


@pytest.mark.parametrize(("layer", "expected"), [(LISTEN, "process listens"), (None, "")])
def test_a_check_that_does_not_hold_has_its_layer_on_the_board(layer: Layer | None, expected: str) -> None:
    """The sentence says the cause already, so that no second one follows."""
    message = not_done(finding(layer))
    told = event_of(message, "basic", "look")
    assert told is not None
    assert (told.state, told.layer) == ("attempt", expected)
    assert message_text(message, 80).startswith("not yet: ")
    assert stuck((20.0, told)) == (expected, 20.0)


def test_what_was_told_of_an_earlier_task_does_not_count() -> None:
    before = (5.0, LessonEvent("begun", "basic", "guess")), attempt(6, task="guess")
    assert row(*before, BEGUN).cause is None


def board(*rows: SeatRow) -> Board:
    return Board("monday", "basic", "DNS first", TASKS, rows, is_served=True)


SAME = board(
    row(BEGUN, attempt(20), cause(21)),
    row(BEGUN, attempt(50), seat="seat02"),
    row(BEGUN, attempt(15), cause(16), seat="seat03"),
    row(BEGUN, seat="seat04"),
)


def test_seats_with_the_same_broken_layer_stand_together() -> None:
    layers = [(group.layer, group.seats, group.since) for group in SAME.groups]
    assert layers == [("DNS answer", ("seat01", "seat03"), 15.0), ("", ("seat02",), 50.0)]
    assert SAME.seats_at("dns ANSWER") == ("seat01", "seat03")
    assert SAME.seats_at("TCP") == ()


def test_the_board_as_text() -> None:
    assert board_text(board_document(SAME), 80.0) == (
        "class monday: basic, 4 seats, served\n\n"
        "SEAT    LAB    DONE    TASK  SINCE  STUCK ON\n"
        "seat01  ready  1 of 3  look  1m     DNS answer, for 1m\n"
        "seat02  ready  1 of 3  look  1m     this task, for 30s\n"
        "seat03  ready  1 of 3  look  1m     DNS answer, for 1m\n"
        "seat04  ready  1 of 3  look  1m\n\n"
        f"DNS answer: seat01, seat03 (for 1m)\n  {NO_NAME}\ntask look: seat02 (for 30s)\n  no"
    )


def test_a_seat_whose_lab_is_not_there_says_why() -> None:
    failed = replace(row(progress=None), state="failed", why="the disk is full")
    text = board_text(board_document(board(failed)), 0.0)
    assert text.endswith("seat01  failed  0 of 3\n\nseat01: the disk is full")
    error = replace(failed, why="error: no room\nwhy:   the disk is full\ntry:   wirelab class reset monday seat01")
    assert board_text(board_document(board(error)), 0.0).endswith(
        "\n\nseat01:\n  error: no room\n  why:   the disk is full\n  try:   wirelab class reset monday seat01"
    )


def test_what_was_marked_is_told_from_what_was_done() -> None:
    marked = replace(AT_LOOK, tasks={**AT_LOOK.tasks, "look": TaskProgress(done=True, marked=True, attempts=2)})
    assert results_csv(board_document(board(row(progress=marked)))) == (
        "class,lesson,seat,task,state,attempts,hints,solution shown\r\n"
        "monday,basic,seat01,guess,done,0,0,no\r\n"
        "monday,basic,seat01,look,marked,2,0,no\r\n"
        "monday,basic,seat01,fetch,now,0,0,no\r\n"
    )
