"""A lab ends by itself: a process waits for that, and where somebody killed it, other commands do its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from lab_bench import eventually
from lab_in_memory import LabHost, down

from orchestrator.events import CommandEvent, LabEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.expiry import LabEnd, end_of, ended_labs, has_timer, set_end, start_timer
from orchestrator.lab.journal_reader import read_entries
from orchestrator.lab.lock import lab_lock
from orchestrator.operations.expiry import end_lab, keep_end, remove_ended_labs
from orchestrator.operations.sweep import sweep
from orchestrator.operations.workspace import Workspace

pytestmark = pytest.mark.slow

URL = "unix:///nobody"
PAST, FUTURE = 1000.0, 4e9
SECONDS = 30.0


def workspace_of(lab_host: LabHost, notify: Callable[[str], None] = lambda _text: None) -> Workspace:
    return Workspace(lab_host.state, URL, lab_host.engine, notify)


def timer_of(state: StateFolder) -> int:
    """The process that waits for the end of the lab."""
    return int((state.root / "locks/shop.timer").read_text())


@pytest.fixture
def up(lab_host: LabHost) -> LabHost:
    """A lab that stands."""
    lab_host.lab().up()
    return lab_host


def test_a_timer_waits_until_the_lab_is_gone(up: LabHost) -> None:
    """Nobody has to tell it."""
    keep_end(workspace_of(up), "shop", LabEnd(FUTURE, URL))
    assert has_timer(up.state, "shop")
    assert end_of(up.state, "shop") == LabEnd(FUTURE, URL)
    down(up)
    assert eventually(lambda: not has_timer(up.state, "shop"), SECONDS)


def test_a_lab_has_one_timer_also_where_its_end_is_changed(up: LabHost) -> None:
    workspace = workspace_of(up)
    keep_end(workspace, "shop", LabEnd(FUTURE, URL))
    assert eventually(lambda: bool((up.state.root / "locks/shop.timer").read_text()), SECONDS)
    first = timer_of(up.state)
    keep_end(workspace, "shop", LabEnd(FUTURE + 1, URL))
    keep_end(workspace, "shop", None)
    start_timer(up.state, "shop", os.environ)
    assert (timer_of(up.state), end_of(up.state, "shop")) == (first, LabEnd(FUTURE + 1, URL))
    down(up)


def test_a_timer_that_was_killed_is_started_again(up: LabHost) -> None:
    workspace = workspace_of(up)
    keep_end(workspace, "shop", LabEnd(FUTURE, URL))
    assert eventually(lambda: bool((up.state.root / "locks/shop.timer").read_text()), SECONDS)
    os.kill(timer_of(up.state), signal.SIGKILL)
    assert eventually(lambda: not has_timer(up.state, "shop"), SECONDS)
    keep_end(workspace, "shop", None)
    assert has_timer(up.state, "shop")
    down(up)


def test_a_lab_without_an_end_has_no_timer(up: LabHost) -> None:
    keep_end(workspace_of(up), "shop", None)
    assert (end_of(up.state, "shop"), has_timer(up.state, "shop")) == (None, False)
    assert end_lab(workspace_of(up), "shop") == 0
    assert not up.empty()


def test_a_lab_is_removed_at_its_end_and_not_before(up: LabHost) -> None:
    set_end(up.state, "shop", LabEnd(FUTURE, URL))
    assert end_lab(workspace_of(up), "shop") == 0
    assert ended_labs(up.state, URL, PAST) == []
    set_end(up.state, "shop", LabEnd(PAST, URL))
    assert end_lab(workspace_of(up), "shop") > 0
    assert (up.empty(), (up.state.labs / "shop").exists()) == (True, False)
    events = [entry.event for entry in read_entries(up.state, "shop")]
    assert [type(event) for event in events if isinstance(event, CommandEvent | LabEvent)] == [
        CommandEvent, LabEvent, CommandEvent
    ]  # fmt: skip


def test_sweep_removes_a_lab_whose_end_nobody_waited_for(up: LabHost) -> None:
    set_end(up.state, "shop", LabEnd(PAST, URL))
    assert sweep(workspace_of(up), all_labs=False).removed > 0
    assert up.empty()


def test_sweep_leaves_a_lab_whose_time_is_not_over(up: LabHost) -> None:
    set_end(up.state, "shop", LabEnd(FUTURE, URL))
    assert sweep(workspace_of(up), all_labs=False).removed == 0
    assert not up.empty()


def test_each_up_removes_labs_whose_time_is_over(up: LabHost) -> None:
    """It says so; a lab that somebody works on is left to him, and one on another engine to its own."""
    messages: list[str] = []
    workspace = workspace_of(up, messages.append)
    set_end(up.state, "shop", LabEnd(PAST, URL))
    remove_ended_labs(replace(workspace, url="unix:///another"))
    assert messages == []
    with lab_lock(up.state, "shop"):
        remove_ended_labs(workspace)
    assert (up.empty(), [text.partition(":")[0] for text in messages]) == (
        False, ["the time of the lab 'shop' is over, and it cannot be removed"]
    )  # fmt: skip
    remove_ended_labs(workspace)
    assert (up.empty(), messages[1:]) == (True, ["the time of the lab 'shop' was over: removed"])


@pytest.mark.parametrize("content", ["", "soon\nunix:///nobody\n", "17\n"])
def test_a_damaged_end_is_none(up: LabHost, content: str) -> None:
    (up.state.labs / "shop/ends").write_text(content)
    assert (end_of(up.state, "shop"), ended_labs(up.state, URL, FUTURE)) == (None, [])
