"""The runner: order, side by side, the first failure, the interrupt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Event, Lock, main_thread
from threading import current_thread as thread

import pytest
from lab_in_memory import steps_to

from orchestrator.errors import NodeFailed
from orchestrator.events import Event as LabEvent
from orchestrator.events import StepEvent as Told
from orchestrator.lab.executor import WORKERS, Executor
from orchestrator.planning.plan import AwaitReady, Plan, RemoveVolume, Step

Stop = Callable[[], bool]
# Nothing here waits for long; a test that would hang fails instead.
SOON = 5.0


def step(name: str, *needs: str) -> Step:
    return Step(name, RemoveVolume(name), "test", needs)


def waiting(name: str, *needs: str) -> Step:
    return Step(name, AwaitReady(name, "none", None), "test", needs)


def nobody(_event: LabEvent) -> None:
    return


class Log:
    """Which steps were begun, in their order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._lock = Lock()

    def __call__(self, one: Step, _stop: Stop) -> None:
        with self._lock:
            self.begun.append(one.id)


def states(events: tuple[Told, ...]) -> dict[str, str]:
    return {event.step: event.state for event in events}


def test_a_step_begins_after_those_that_it_needs() -> None:
    log = Log()
    plan = Plan("lab", (step("c", "a", "b"), step("a"), step("b", "a"), step("d", "c")))
    ended = Executor(log, nobody).run(plan)
    assert log.begun == ["a", "b", "c", "d"]
    assert set(states(ended.events).values()) == {"done"}
    assert ended.error is None


def test_independent_steps_are_done_side_by_side() -> None:
    """Each waits for the other: one after the other they would never end."""
    both = Barrier(2, timeout=SOON)

    def do(_step: Step, _stop: Stop) -> None:
        both.wait()

    assert Executor(do, nobody).run(Plan("lab", (step("a"), step("b")))).error is None


def test_waiting_does_not_take_a_workers_place() -> None:
    """More nodes are waited for than there are workers, and still the step that they wait for is done."""
    ready = Event()

    def do(one: Step, _stop: Stop) -> None:
        if one.id == "work":
            ready.set()
        else:
            assert ready.wait(SOON)

    plan = Plan("lab", (*(waiting(f"ready:{number}") for number in range(20)), step("work")))
    assert Executor(do, nobody).run(plan).error is None


def test_after_the_first_failure_nothing_new_begins() -> None:
    """What did not begin is told as skipped; the error is the one that came first."""
    failure = NodeFailed("the node 'a' ended")
    log = Log()

    def do(one: Step, stop: Stop) -> None:
        log(one, stop)
        if one.id == "a":
            raise failure

    events: list[Told] = []
    ended = Executor(do, steps_to(events)).run(Plan("lab", (step("a"), step("b", "a"), step("c", "b"))))
    assert ended.error is failure
    assert log.begun == ["a"]
    assert states(ended.events) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert [(event.step, event.state) for event in events] == [
        ("a", "begun"),
        ("a", "failed"),
        ("b", "skipped"),
        ("c", "skipped"),
    ]


def test_after_a_failure_what_waits_for_a_worker_does_not_begin() -> None:
    """A large lab has more that could begin than there are workers: no node is made any more only to be removed."""
    log, failed = Log(), Event()

    def do(one: Step, stop: Stop) -> None:
        log(one, stop)
        if one.id == "bad":
            failed.set()
            raise NodeFailed("bad")
        assert failed.wait(SOON)
        pause = Event()
        while not stop():
            pause.wait(0.005)

    ended = Executor(do, nobody).run(Plan("lab", (step("bad"), *(step(f"node:{number}") for number in range(40)))))
    assert len(log.begun) <= WORKERS
    assert list(states(ended.events).values()).count("skipped") == 41 - len(log.begun)


def test_a_failure_stops_what_waits() -> None:
    """A wait asks again and again whether anybody still wants it."""
    began = Event()

    def do(one: Step, stop: Stop) -> None:
        if one.id == "bad":
            assert began.wait(SOON)
            raise NodeFailed("bad")
        began.set()
        pause = Event()
        while not stop():
            pause.wait(0.005)

    ended = Executor(do, nobody).run(Plan("lab", (waiting("ready:slow"), step("bad"))))
    assert states(ended.events) == {"ready:slow": "done", "bad": "failed"}


def test_an_interrupt_comes_through_after_what_was_under_way() -> None:
    """Ctrl-C arrives in the main thread while a step runs elsewhere; the step is waited for, the next never begins."""
    log, ended = Log(), []

    def do(one: Step, stop: Stop) -> None:
        log(one, stop)
        pause = Event()
        while not stop():
            pause.wait(0.005)
        ended.append(one.id)

    def notify(event: LabEvent) -> None:
        assert thread() is main_thread()
        if isinstance(event, Told) and event.step == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Executor(do, notify).run(Plan("lab", (step("a"), step("b"), step("c", "a"))))
    assert ended == ["a"]
    assert "c" not in log.begun


def test_after_an_interrupt_a_second_one_does_not_end_the_wait() -> None:
    """What is under way has ended inside the shield: who then takes back what was made meets nobody who makes more."""
    steps: list[str] = []

    def do(one: Step, stop: Stop) -> None:
        pause = Event()
        while not stop():
            pause.wait(0.005)
        pause.wait(0.05)
        steps.append(f"{one.id} ended")

    def notify(event: LabEvent) -> None:
        if isinstance(event, Told) and event.step == "b":
            raise KeyboardInterrupt

    @contextmanager
    def shield() -> Iterator[None]:
        steps.append("shielded")
        yield
        steps.append("open")

    plan = Plan("lab", (step("a"), waiting("w"), step("b")))
    with pytest.raises(KeyboardInterrupt):
        Executor(do, notify, shield=shield).run(plan)
    assert (steps[0], sorted(steps[1:3]), steps[3]) == ("shielded", ["a ended", "w ended"], "open")


def test_an_empty_plan_is_done() -> None:
    ended = Executor(Log(), nobody).run(Plan("lab", ()))
    assert (ended.events, ended.error) == ((), None)


def test_seconds_are_counted_from_the_beginning() -> None:
    ticks = iter(range(100, 200))
    events: list[Told] = []
    Executor(Log(), steps_to(events), clock=lambda: float(next(ticks))).run(Plan("lab", (step("a"),)))
    assert [(event.state, event.seconds) for event in events] == [("begun", 1.0), ("done", 2.0)]
