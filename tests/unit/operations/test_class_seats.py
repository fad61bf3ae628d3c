"""The seats of a class that is served: one that fails, or whose lab is taken away, keeps no other one from working."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from class_seats import FakeSeats

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.folder import ClassStore, new_class
from orchestrator.operations.classroom.service import AT_ONCE, ServedClass

LESSON: Any = SimpleNamespace(title="DNS first", tasks={"look": None, "fetch": None})


@contextmanager
def served(tmp_path: Path, fakes: FakeSeats, count: int = 2) -> Iterator[ServedClass]:
    classroom = new_class("monday", Path("/basic/scenario.yaml")).with_seats(count)
    with ServedClass(StateFolder(tmp_path), classroom, LESSON, fakes.make) as room:
        yield room


def test_all_seats_become_ready_a_few_at_a_time(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes, 6) as room:
        for seat in room.seats.values():
            fakes.wait(seat, "ready")
        assert [row.state for row in room.board().rows] == ["ready"] * 6
    assert sorted(fakes.ups) == sorted(fakes.closed) == [f"seat{number:02}" for number in range(1, 7)]
    assert fakes.most_starting <= AT_ONCE
    assert fakes.removed == []  # the labs stay


def test_the_next_lab_starts_while_a_lesson_begins(tmp_path: Path) -> None:
    fakes = FakeSeats(slow_lessons={f"seat{number:02}" for number in range(1, AT_ONCE + 1)})
    with served(tmp_path, fakes, AT_ONCE + 1) as room:
        fakes.wait(room.seats[f"seat{AT_ONCE + 1:02}"], "ready")
        assert {room.seats[name].state for name in fakes.slow_lessons} == {"starting"}
        fakes.lesson_may_begin.set()
        for seat in room.seats.values():
            fakes.wait(seat, "ready")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            WorldError("no room", why="the disk is full"),
            "error: no room\nwhy:   the disk is full\ntry:   wirelab class reset monday seat01",
        ),
        (
            WorldError("no engine", hint="wirelab engine up"),
            "error: no engine\ntry:   wirelab engine up, then wirelab class reset monday seat01",
        ),
        (
            RuntimeError("of ours"),
            "error: this is a bug in wirelab; please report it\nwhy:   RuntimeError: of ours\n"
            "try:   wirelab class reset monday seat01",
        ),
    ],
)
def test_a_seat_that_fails_says_why_and_comes_back_by_a_reset(tmp_path: Path, failure: Exception, told: str) -> None:
    fakes = FakeSeats({"seat01": failure})
    with served(tmp_path, fakes) as room:
        seat = room.seats["seat01"]
        fakes.wait(seat, "failed")
        fakes.wait(room.seats["seat02"], "ready")
        # Of an error of ours, the line in wirelab stands there, too: it may move.
        said, places = re.subn(r", in orchestrator\.\S+, line [0-9]+", "", room.board().rows[0].why)
        assert (said, places) == (told, isinstance(failure, RuntimeError))
        fakes.failures.clear()
        room.reset("seat01")
        fakes.wait(seat, "ready")
        assert room.board().rows[0].why == ""
    assert fakes.removed == ["seat01"]


def test_a_reset_makes_one_lab_anew_and_no_other(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes) as room:
        for seat in room.seats.values():
            fakes.wait(seat, "ready")
        room.reset("seat02")
        fakes.wait(room.seats["seat02"], "ready", ups=2)
        assert (fakes.removed, fakes.ups.count("seat01")) == (["seat02"], 1)


def test_a_lab_that_was_taken_away_is_brought_back(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes) as room:
        fakes.wait(room.seats["seat01"], "ready")
        fakes.lost.add("seat01")
        fakes.wait(room.seats["seat01"], "ready", ups=2)
    assert fakes.removed == []


def test_a_hint_goes_to_whom_it_is_for(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes, 3) as room:
        for seat in room.seats.values():
            fakes.wait(seat, "ready")
        assert room.hint("look\n at  the name", ["seat02"]) == ("seat02",)
        assert room.hint("all of you") == ("seat01", "seat02", "seat03")
        assert fakes.lessons["seat02"].hints == ["look at the name", "all of you"]
        assert fakes.lessons["seat01"].hints == ["all of you"]
        wrong = ("", (), ""), ("x" * 501, (), ""), ("x", ("seat09",), ""), ("x", (), "TCP"), ("x", ("seat01",), "TCP")
        for text, seats, layer in wrong:
            with pytest.raises(UsageInvalid):
                room.hint(text, seats, layer)
        with pytest.raises(UsageInvalid) as refused:
            room.hint("x", (), "TCP")
        assert refused.value.why == "no seat is stuck on the layer 'TCP'; none is on any"


def test_a_task_is_marked_in_the_seat_that_is_meant(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes) as room:
        for seat in room.seats.values():
            fakes.wait(seat, "ready")
        room.mark_done("seat01", "look")
        for seat_name, task in (("seat01", "nope"), ("nobody", "look")):
            with pytest.raises(UsageInvalid):
                room.mark_done(seat_name, task)
    assert (fakes.lessons["seat01"].marked, fakes.lessons["seat02"].marked) == (["look"], [])


def test_a_hold_is_kept_for_the_next_start_and_each_lesson_looks_at_it(tmp_path: Path) -> None:
    fakes = FakeSeats()
    with served(tmp_path, fakes) as room:
        for seat in room.seats.values():
            fakes.wait(seat, "ready")
        store = ClassStore(StateFolder(tmp_path))
        store.save(room.classroom)
        room.hold("look")
        assert (room.board().held_from, store.require("monday").held_from) == ("look", "look")
        room.open("look")
        with pytest.raises(UsageInvalid):
            room.hold("nope")
        assert (room.board().held_from, store.require("monday").held_from) == ("fetch", "fetch")
    assert [lesson.looks_at_hold for lesson in fakes.lessons.values()] == [2, 2]


def test_a_lab_that_the_machine_was_too_busy_for_is_started_once_more(tmp_path: Path) -> None:
    fakes = FakeSeats({"seat01": WorldError("not ready after 30 s"), "seat02": UsageInvalid("no lesson")})
    fakes.fail_once.add("seat01")
    with served(tmp_path, fakes) as room:
        fakes.wait(room.seats["seat01"], "ready")
        fakes.wait(room.seats["seat02"], "failed")
    assert (fakes.tries["seat01"], fakes.tries["seat02"]) == (2, 1)


def test_a_lab_that_cannot_be_started_is_tried_no_more_than_twice(tmp_path: Path) -> None:
    fakes = FakeSeats({"seat01": WorldError("no room")})
    with served(tmp_path, fakes, 1) as room:
        fakes.wait(room.seats["seat01"], "failed")
        assert fakes.tries["seat01"] == 2
        room.reset("seat01")
        fakes.failures.clear()
        fakes.wait(room.seats["seat01"], "ready")
