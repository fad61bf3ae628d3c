"""What `learn` waits for before a lesson begins."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import NotFound, TookTooLong, WirelabError
from orchestrator.operations.learn import OpenLesson, await_listening

TEXT: Any = SimpleNamespace(lesson=SimpleNamespace(shell=("client",)))


class Traffic:
    """The packets of a lab, the first of which is read when a program has run some times."""

    failure = None

    def __init__(self, errors: list[WirelabError]) -> None:
        self.listening = threading.Event()
        self._errors = errors
        self.lab: Any = SimpleNamespace(
            node=lambda _name: SimpleNamespace(run_unrecorded=self._run),
            made=SimpleNamespace(scenario=SimpleNamespace(domain="lab")),
        )

    def _run(self, *_argv: str, seconds: float) -> None:
        assert seconds
        if self._errors:
            raise self._errors.pop()
        self.listening.set()


def test_a_program_that_takes_too_long_on_a_busy_machine_is_run_again() -> None:
    traffic: Any = Traffic([TookTooLong("getent took too long")])
    await_listening(traffic, traffic.lab, TEXT)
    assert traffic.listening.is_set()


def test_a_lab_that_is_gone_ends_the_wait() -> None:
    traffic: Any = Traffic([NotFound("no container")])
    with pytest.raises(NotFound):
        await_listening(traffic, traffic.lab, TEXT)


class Run:
    """The run of a lesson whose lab was gone, and is on its way down once more where it does not stand."""

    is_lab_gone = True
    task_name = "look-up"

    def __init__(self, *, stands: bool) -> None:
        self.lesson_lab = SimpleNamespace(stands=lambda: stands)

    def while_engine_answers(self) -> AbstractContextManager[None]:
        return nullcontext()

    def on_lab_back(self) -> None:
        raise NotFound("the lab is not up")

    def on_lab_gone(self) -> None:
        """Said before."""


@pytest.mark.parametrize("stands", [False, True])
def test_a_lab_that_goes_while_its_task_begins_again_does_not_end_the_lesson(stands: bool) -> None:
    """Where all machines are there, what was not found is another thing, and is said."""
    traffic: Any = SimpleNamespace(has_ended=False, failure=None)
    run: Any = Run(stands=stands)
    reader: Any = SimpleNamespace()
    lesson = OpenLesson(run, traffic, reader)
    if stands:
        with pytest.raises(NotFound):
            lesson.react(None, [])
    else:
        assert lesson.react(None, [])


@pytest.mark.parametrize(("failure", "goes_on"), [(NotFound("the lab is not up"), True), (WirelabError("no"), False)])
def test_a_capture_that_found_no_lab_is_begun_anew_in_the_one_that_stands_now(
    failure: WirelabError, goes_on: bool
) -> None:
    """Any other failure of the capture is said."""
    traffic: Any = SimpleNamespace(has_ended=True, failure=failure)
    run: Any = Run(stands=True)
    reader: Any = SimpleNamespace()
    lesson = OpenLesson(run, traffic, reader)
    if goes_on:
        assert lesson.react(None, [])
    else:
        with pytest.raises(WirelabError):
            lesson.react(None, [])
