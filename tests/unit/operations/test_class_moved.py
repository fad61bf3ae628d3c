"""A class whose member is lost: its seats come up on another one, and each learner goes on where they were."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace
from small_engine import Answers, served

import orchestrator.operations.classroom.seat_engines as seat_engines
import orchestrator.operations.lessons.learn as learn
from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import WirelabError
from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.member_pin import member_of, stands
from orchestrator.lessons.progress import Progress
from orchestrator.operations.classroom.folder import Classroom, ClassStore, new_class
from orchestrator.operations.classroom.seat_engines import SeatEngines, spread_seats
from orchestrator.operations.classroom.service import ServedClass, lab_seats
from orchestrator.operations.faults import list_faults
from orchestrator.operations.lessons.files import ProgressStore, load_lesson
from orchestrator.operations.live.traffic import TrafficReader
from orchestrator.operations.members.home import Home
from orchestrator.operations.members.registration import forget_member
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario

pytestmark = pytest.mark.slow
SECONDS = 30.0
LESSON = """---
title: Three tasks
minutes: 1
shell: [client]
tasks:
  who:
    ask: choices
    title: Who answers?
    choices: [dns, app]
    truth: {value: dns, source: RFC 1034}
    because: DNS answers.
    hints: [It is no app.]
  look-up:
    title: Ask for the address of the app.
    observe: {from: client, resolves: app.shop.lab, to: app}
    solve: {from: client, run: [dig, app.shop.lab]}
  repair:
    title: Repair the app.
    fault: {stop: app}
    holds: {name: It works, from: client, runs: [works], within: 0.1}
    solve: heal
---
::task{who}

::task{look-up}

::task{repair}
"""


class Elsewhere(Answers):
    """What is asked of the engine of another machine beside its labs: nobody can measure its memory."""

    def do_GET(self) -> None:
        if self.pinged():
            return
        path = self.path.partition("?")[0].partition("/v1.41")[2] or self.path
        if path in ("/version", "/info"):
            self.whole({"Version": "20.10.24", "ID": "x", "KernelVersion": "elsewhere", "MemTotal": 8 << 30})
        elif path in ("/networks", "/images/json", "/containers/json"):
            self.whole([])
        else:
            self.whole({"message": f"No such image: {path}"}, 404)


class NoTraffic:
    """The traffic of a lab without packets."""

    has_ended = False
    is_listening = True
    failure: WirelabError | None = None

    def __init__(self, *_arguments: Any, **_words: Any) -> None:
        self._readers: list[TrafficReader] = []

    def __enter__(self) -> NoTraffic:
        return self

    def __exit__(self, *_error: object) -> None:
        for reader in self._readers:
            reader.wake()

    def reader(self) -> TrafficReader:
        self._readers.append(TrafficReader())
        return self._readers[-1]

    @contextmanager
    def reading(self) -> Iterator[TrafficReader]:
        yield self.reader()

    def await_begin(self) -> bool:
        return True

    def prepare(self) -> None:
        """Nothing reads packets."""


@dataclass
class Room:
    """The members a and b, each with an engine in memory behind a socket that answers, and a class of three seats."""

    state: StateFolder
    scenario: LoadedScenario
    engines: dict[str, FakeEngine]
    sockets: dict[str, ExitStack]
    classroom: Classroom

    def workspace(self, member: str) -> Any:
        url = f"unix://{self.state.root}/{member or 'local'}.sock"
        return InMemoryWorkspace(self.state, url, self.engines[member], member=member)

    def lose(self, member: str) -> None:
        """Its machine is gone, with all that was there."""
        self.sockets.pop(member).close()
        del self.engines[member]

    @contextmanager
    def served(self, *members: str) -> Iterator[ServedClass]:
        """What `class start --members` does, until Ctrl-C."""
        local = self.workspace("")
        homes = spread_seats(local, self.scenario, self.classroom, members)
        with SeatEngines(local, self.scenario, None, homes) as engines:
            make_seat = lab_seats(engines, self.scenario, self.classroom, self.state)
            lesson = load_lesson(self.scenario).lesson
            with ServedClass(self.state, self.classroom, lesson, make_seat) as served_class:
                yield served_class

    def homes(self) -> dict[str, str]:
        standing = [seat for seat in self.classroom.seats if stands(self.state, seat.lab)]
        return {seat.name: member_of(self.state, seat.lab) for seat in standing}

    def progress(self) -> dict[str, Progress]:
        """What is kept of each learner."""
        store = ProgressStore(self.state)
        kept = {seat.name: store.load(seat.lab, seat.name) for seat in self.classroom.seats}
        return {name: progress for name, progress in kept.items() if progress}

    def containers(self, seat: str, member: str) -> set[str]:
        found = self.engines[member].containers(f"wirelab.lab=monday-{seat}")
        return {container.id for container in found}


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    for name, text in {"scenario.yaml": TEXT, **SEED, "lesson.md": LESSON}.items():
        (tmp_path / name).write_text(text, "utf-8")
    state = StateFolder(tmp_path / "state")
    state.private(state.root)
    engines = {name: FakeEngine(list(IMAGES.values())) for name in ("", "a", "b")}
    classroom = new_class("monday", tmp_path / "scenario.yaml").with_seats(3)
    ClassStore(state).save(classroom)
    room = Room(state, load_scenario(str(tmp_path)), engines, {}, classroom)

    def workspace_of(_state: StateFolder, home: Home, **words: Any) -> Any:
        return replace(room.workspace(home.member), actor=words["actor"])

    monkeypatch.setattr(seat_engines, "member_workspace", workspace_of)
    monkeypatch.setattr(learn, "LiveTraffic", NoTraffic)
    with ExitStack() as stack:
        stack.enter_context(served(state.root / "local.sock", Elsewhere))
        for name in "ab":
            room.sockets[name] = stack.enter_context(ExitStack())
            room.sockets[name].enter_context(served(state.root / f"{name}.sock", Elsewhere))
            add_member(state, Member(name, f"unix://{state.root}/{name}.sock", engine_id=name))
        yield room


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < until:
        threading.Event().wait(0.02)
    return holds()


def all_ready(served_class: ServedClass) -> None:
    assert eventually(lambda: all(seat.state in ("ready", "failed") for seat in served_class.seats.values()))
    assert {name: seat.why for name, seat in served_class.seats.items() if seat.state != "ready"} == {}


def lesson_of(served_class: ServedClass, seat: str) -> Any:
    live = served_class.seats[seat].live
    assert live is not None
    return live.lesson


def answered(room: Room, served_class: ServedClass, seat: str) -> None:
    """A learner tries one answer after the other, until it is the right one."""
    for attempts, number in enumerate(("1", "2")):
        if not room.progress()[seat].task("who").done:
            lesson_of(served_class, seat).say(number)
            assert eventually(partial(is_judged, room, seat, attempts))


def is_judged(room: Room, seat: str, attempts: int) -> bool:
    task = room.progress()[seat].task("who")
    return task.done or task.attempts > attempts


def test_seats_of_a_lost_member_come_up_on_another_one_with_what_was_done(room: Room) -> None:
    """Each goes on with its seed, its attempts and its task; those of the other member stand untouched."""
    with room.served("a", "b") as served_class:
        all_ready(served_class)
        homes = room.homes()
        assert sorted(set(homes.values())) == ["a", "b"]
        for seat in homes:
            answered(room, served_class, seat)
        lost = [seat for seat, member in homes.items() if member == "b"]
        served_class.mark_done(lost[0], "look-up")
        assert eventually(lambda: room.progress()[lost[0]].task("repair").begun)
    before = room.progress()
    assert all(before[seat].task("who").done for seat in homes)
    kept = {seat: room.containers(seat, "a") for seat, member in homes.items() if member == "a"}
    room.lose("b")
    with room.served("a") as served_class:
        for seat in lost:
            assert eventually(partial(has_failed, served_class, seat))
            assert "the member 'b' does not answer" in served_class.seats[seat].why
    forget_member(room.state, "b", labs=True)
    with room.served("a") as served_class:
        all_ready(served_class)
        assert eventually(lambda: room.progress()[lost[0]].task("repair").begun)
        after = room.progress()
        faults = [list_faults(room.state, f"monday-{seat}") for seat in (lost[0], min(kept))]
    assert set(room.homes().values()) == {"a"}
    assert {seat: room.containers(seat, "a") for seat in kept} == kept
    assert [seat for seat in lost if not room.containers(seat, "a")] == []
    assert {seat: learner_state(progress) for seat, progress in after.items()} == {
        seat: learner_state(progress) for seat, progress in before.items()
    }
    assert [[" ".join(fault.fault.words) for fault in found] for found in faults] == [["stop app"], []]


def has_failed(served_class: ServedClass, seat: str) -> bool:
    return served_class.seats[seat].state == "failed"


def learner_state(progress: Progress) -> dict[str, object]:
    """All that a learner has done, and the seed of what they were asked."""
    tasks = {
        name: (task.done, task.marked, task.attempts, task.hints, task.done_at) for name, task in progress.tasks.items()
    }
    return {"seed": progress.seed, "tasks": tasks, "current": progress.current(["who", "look-up", "repair"])}
