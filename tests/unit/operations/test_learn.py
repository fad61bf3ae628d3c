"""What a lesson does when its lab goes, or its capture ends."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import LabBusy, NotFound, WirelabError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lock import lesson_lock
from orchestrator.operations.lessons.learn import OpenLesson, open_lesson
from orchestrator.operations.scenario_library import load_scenario


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


def test_a_lesson_that_another_process_has_open_is_not_opened_again(tmp_path: Path) -> None:
    """Nothing is made and nothing is kept: there is no engine in this workspace."""
    workspace: Any = SimpleNamespace(state=StateFolder(tmp_path), require_recordable=lambda _lab: None)
    with lesson_lock(workspace.state, "basic"):
        lesson = open_lesson(workspace, load_scenario("basic"), None, tell=lambda _message: None)
        with pytest.raises(LabBusy, match="the lesson of the lab 'basic' is open already"), lesson:
            pass
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["basic.lesson"]


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
