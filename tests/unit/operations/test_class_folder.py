"""What is kept of a class: seats keep their links and seeds, and nobody else can read them."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LabBusy, UsageInvalid
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.endpoint import Endpoint, Tls
from orchestrator.operations.classroom.folder import ClassStore, new_class, valid_class_name
from orchestrator.operations.workspace import valid_lab_name


@pytest.fixture
def store(tmp_path: Path) -> ClassStore:
    return ClassStore(StateFolder(tmp_path / "state"))


CLASS = new_class("monday", Path("/scenarios/basic/scenario.yaml")).with_seats(3)


def test_each_seat_has_a_lab_a_link_and_a_seed_of_its_own() -> None:
    whole = new_class("monday", Path("/basic/scenario.yaml")).with_seats(99)
    assert [seat.lab for seat in whole.seats[:2]] == ["monday-seat01", "monday-seat02"]
    for values in ({seat.token for seat in whole.seats}, {seat.seed for seat in whole.seats}):
        assert len(values) == 99
    assert whole.board_token not in {seat.token for seat in whole.seats}
    assert min(len(seat.token) for seat in whole.seats) >= 43  # 32 bytes as base64


def test_a_class_that_is_read_again_is_the_same(store: ClassStore) -> None:
    store.save(CLASS)
    assert store.require("monday") == CLASS
    assert store.names() == ("monday",)


def test_more_seats_change_none_that_is_there() -> None:
    assert CLASS.with_seats(5).seats[:3] == CLASS.seats
    with pytest.raises(UsageInvalid, match="has 3 seats"):
        CLASS.with_seats(2)


def test_only_its_owner_can_read_it(store: ClassStore) -> None:
    store.save(CLASS)
    assert stat.S_IMODE(store.folder("monday").stat().st_mode) == 0o700
    assert stat.S_IMODE(store.state.root.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"schema": 2}', '{"schema": 1, "name": 3}'])
def test_a_file_that_is_none_is_no_class(store: ClassStore, text: str) -> None:
    store.save(CLASS)
    (store.folder("monday") / "class.json").write_text(text)
    assert store.load("monday") is None


def test_a_class_that_is_not_there_is_named(store: ClassStore) -> None:
    store.save(CLASS)
    with pytest.raises(UsageInvalid, match="there is no class 'friday'") as error:
        store.require("friday")
    assert error.value.why == "the classes are monday"
    with pytest.raises(UsageInvalid, match="has no seat 'seat04'"):
        CLASS.seat("seat04")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "Monday", "-a", "a-", "a" * 32, "x\n"])
def test_a_name_that_no_lab_could_begin_with_is_refused(store: ClassStore, name: str) -> None:
    for use in (valid_class_name, store.load, store.require):
        with pytest.raises(UsageInvalid, match="is no name for a class"):
            use(name)


def test_the_longest_name_of_a_class_makes_a_name_of_a_lab() -> None:
    assert valid_lab_name(f"{valid_class_name('a' * 31)}-seat99")


TASKS = ("a", "b", "c")


@pytest.mark.parametrize(
    ("held", "do", "task", "then"),
    [
        ("", "hold", "b", "b"),
        ("b", "hold", "c", "b"),  # it is held already
        ("c", "hold", "a", "a"),
        ("b", "open", "b", "c"),
        ("b", "open", "a", "b"),  # it is open already
        ("a", "open", "c", ""),
        ("b", "open", "", ""),
        ("", "open", "b", ""),
        ("gone", "open", "", ""),  # of an earlier version of the lesson
    ],
)
def test_a_hold_is_of_a_task_and_all_after_it(held: str, do: str, task: str, then: str) -> None:
    classroom = replace(CLASS, held_from=held)
    change = classroom.holding if do == "hold" else classroom.opening
    assert change(task, TASKS).held_from == then


def test_a_task_of_another_lesson_is_neither_held_nor_opened() -> None:
    for change in (CLASS.holding, replace(CLASS, held_from="a").opening):
        with pytest.raises(UsageInvalid, match="the lesson has no task 'x'"):
            change("x", TASKS)


@pytest.mark.parametrize("tls", [None, Tls("c.pem", "k.pem", "AA:BB")])
def test_where_a_class_was_served_is_kept(store: ClassStore, tls: Tls | None) -> None:
    served = replace(CLASS, endpoint=Endpoint(8000, "10.0.0.5", "room.school", tls))
    store.save(served)
    assert store.load("monday") == served


def test_a_class_of_an_earlier_version_keeps_its_port(store: ClassStore) -> None:
    store.save(CLASS)
    file = store.folder("monday") / "class.json"
    document = json.loads(file.read_text("utf-8"))
    del document["endpoint"]
    file.write_text(json.dumps({**document, "port": 8000}), "utf-8")
    assert store.require("monday").endpoint == Endpoint(8000)


def test_one_process_serves_a_class(store: ClassStore) -> None:
    assert not store.is_served("monday")
    with store.serving("monday"):
        assert store.is_served("monday")
        with pytest.raises(LabBusy), store.serving("monday"):
            pass
    assert not store.is_served("monday")
    with store.serving("monday"):
        pass


def test_what_is_forgotten_is_gone(store: ClassStore) -> None:
    store.save(replace(CLASS, endpoint=Endpoint(8000)))
    store.forget("monday")
    assert (store.load("monday"), store.names()) == (None, ())
