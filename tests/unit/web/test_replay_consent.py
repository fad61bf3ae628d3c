"""The consent of a learner on the page of a seat: given, taken back, and known to each of its pages."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from class_seats import FakeSeats

from orchestrator.errors import UsageInvalid
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.folder import ClassStore, new_class
from orchestrator.operations.classroom.replay import ReplayConsent
from orchestrator.operations.classroom.seats import RunningSeat
from orchestrator.web.seat_view import SeatView

CLASS = new_class("monday", Path("/basic/scenario.yaml")).with_seats(2)


@pytest.fixture
def store(tmp_path: Path) -> ClassStore:
    store = ClassStore(StateFolder(tmp_path))
    store.save(CLASS)
    return store


def consents(store: ClassStore) -> list[bool]:
    return [ReplayConsent(store, "monday", seat.name).is_given for seat in CLASS.seats]


@pytest.fixture
def seat() -> RunningSeat:
    return FakeSeats().make(CLASS.seats[0], threading.Semaphore())


@pytest.fixture
def view(seat: RunningSeat, store: ClassStore) -> SeatView:
    return SeatView(seat, ReplayConsent(store, "monday", "seat01"))


def test_a_learner_agrees_and_takes_it_back(view: SeatView, store: ClassStore) -> None:
    told: list[Any] = []
    view.subscribe(told.append)
    for is_given in (True, True, False, False):
        assert view.answer({"do": "consent", "given": is_given}) == {}
        assert consents(store) == [is_given, False]
        assert view.document(told[-1]) == {"type": "consent", "given": is_given, "look": False}
    assert len(told) == 4


def test_a_learner_lets_the_teacher_look_and_takes_it_back(seat: RunningSeat, view: SeatView) -> None:
    told: list[Any] = []
    view.subscribe(told.append)
    for lets_look in (True, False):
        assert view.answer({"do": "consent", "look": lets_look}) == {}
        assert seat.lets_look is lets_look
        assert view.document(told[-1]) == {"type": "consent", "given": False, "look": lets_look}


def test_what_is_no_consent_gives_none(seat: RunningSeat, view: SeatView, store: ClassStore) -> None:
    requests: list[dict[str, Any]] = [
        {"do": "consent"},
        {"do": "consent", "given": "yes"},
        {"do": "consent", "given": 1},
        {"do": "consent", "look": "yes"},
        {"do": "look", "seat": "seat01"},
        {"do": "consents", "given": True},
    ]
    for request in requests:
        with pytest.raises(UsageInvalid):
            view.answer(json.loads(json.dumps(request)))
    assert consents(store) == [False, False]
    assert not seat.lets_look
