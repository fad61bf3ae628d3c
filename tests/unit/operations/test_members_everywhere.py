"""Sweep, down and ls over several engines: each does its own, and one that is silent is named and waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace, LabHost, bash

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineMissing, Leftovers, MemberUnreachable, UsageInvalid
from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member, members
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.member_pin import member_of, pinned_labs
from orchestrator.lab.run_registry import Run, dead_runs
from orchestrator.lab.source import LabSource, lab_names
from orchestrator.lab.store import LabFolder
from orchestrator.operations.inspection import lab_summaries
from orchestrator.operations.members.everywhere import (
    ReachedEngines,
    find_and_remove,
    labs_of_unreachable,
    postpone_removal,
    reached_engines,
    sweep_everywhere,
)
from orchestrator.operations.members.home import find_home
from orchestrator.operations.members.registration import forget_member, member_states
from orchestrator.operations.workspace import open_workspace

pytestmark = pytest.mark.slow
SILENT = MemberUnreachable("b", why="nobody listens")


class World:
    """The engine in use and the engines of two members, with one state folder."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder)
        engines = {name: FakeEngine(list(IMAGES.values()), answer=bash) for name in ("", "a", "b")}
        self.hosts = {name: LabHost(engine, self.state) for name, engine in engines.items()}

    def up(self, name: str, member: str, run: str = "run1") -> None:
        source = LabSource("shop", os.path.abspath("shop.yaml"), TEXT, SEED)
        self.hosts[member].lab(name=name, member=member, run=run, source=source).up()

    def killed(self, name: str, member: str) -> str:
        """A lab that an `up` made and did not complete, for it was killed."""
        run = Run(self.state, member)
        run.begin()
        self.up(name, member, run.id)
        os.close(run._held or 0)
        return run.id

    def reached(self, *names: str) -> ReachedEngines:
        silent = () if "b" in names else (SILENT,)
        workspaces = tuple(
            InMemoryWorkspace(self.state, f"unix:///{name}", self.hosts[name].engine, member=name) for name in names
        )
        return ReachedEngines(workspaces, silent, has_members=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


def test_each_engine_is_swept_of_its_own_dead_runs(world: World) -> None:
    world.up("kept", "a")
    for name, member in (("here", ""), ("there", "a"), ("far", "b")):
        world.killed(name, member)
    result = sweep_everywhere(world.reached("", "a", "b"), world.state, all_labs=False)
    result.raise_failures()
    assert result.removed > 0
    assert (lab_names(world.state), list(dead_runs(world.state))) == (["kept"], [])
    assert [world.hosts[name].empty() for name in ("", "a", "b")] == [True, False, True]


def test_a_member_that_is_silent_is_named_and_swept_when_it_is_back(world: World) -> None:
    run = world.killed("far", "b")
    world.killed("there", "a")
    result = sweep_everywhere(world.reached("", "a"), world.state, all_labs=True)
    with pytest.raises(Leftovers) as raised:
        result.raise_failures()
    assert raised.value.lines() == (
        "error: the member 'b' does not answer, and is not swept",
        "why:   nobody listens; its labs are far",
        "try:   when it is back: wirelab sweep",
    )
    assert (member_of(world.state, "far"), list(dead_runs(world.state))) == ("b", [run])
    assert world.hosts["a"].empty()
    sweep_everywhere(world.reached("", "a", "b"), world.state, all_labs=False).raise_failures()
    assert (lab_names(world.state), list(dead_runs(world.state))) == ([], [])
    assert world.hosts["b"].empty()


def test_a_removal_waits_for_its_member(world: World) -> None:
    world.up("far", "b")
    error = postpone_removal(world.state, "far", SILENT)
    assert (error.exit_code, error.what) == (6, "the lab 'far' is not removed yet: the member 'b' does not answer")
    with pytest.raises(Leftovers):
        sweep_everywhere(world.reached("", "a"), world.state, all_labs=False).raise_failures()
    assert LabFolder(world.state, "far").removal_begun
    sweep_everywhere(world.reached("", "a", "b"), world.state, all_labs=False).raise_failures()
    assert world.hosts["b"].empty()
    assert lab_names(world.state) == []


def test_up_on_its_member_calls_a_removal_off(world: World) -> None:
    world.up("far", "b")
    postpone_removal(world.state, "far", SILENT)
    world.up("far", "b")
    sweep_everywhere(world.reached("", "a", "b"), world.state, all_labs=False).raise_failures()
    assert pinned_labs(world.state, "b") == ["far"]


def test_all_labs_of_all_engines_go_when_all_are_wanted_away(world: World) -> None:
    for name, member in (("here", ""), ("there", "a"), ("far", "b")):
        world.up(name, member)
    sweep_everywhere(world.reached("", "a", "b"), world.state, all_labs=True).raise_failures()
    assert all(host.empty() for host in world.hosts.values())


def test_a_lab_of_which_only_an_engine_knows_is_removed_there(world: World) -> None:
    world.up("far", "b")
    LabFolder(world.state, "far").remove()
    assert find_and_remove(world.reached("", "a", "b"), "nothing") is None
    assert find_and_remove(world.reached("", "a", "b"), "far")
    assert world.hosts["b"].empty()
    with pytest.raises(MemberUnreachable):
        find_and_remove(world.reached("", "a"), "far")


def test_a_list_names_the_member_of_each_lab(world: World) -> None:
    for name, member in (("here", ""), ("there", "a"), ("far", "b")):
        world.up(name, member)
    summaries = [summary for each in world.reached("", "a", "b").workspaces for summary in lab_summaries(each)]
    assert [(summary.lab, summary.member) for summary in summaries] == [("here", ""), ("there", "a"), ("far", "b")]
    assert labs_of_unreachable(world.state, SILENT).why == "nobody listens; its labs are far"


def test_a_member_with_labs_is_forgotten_only_with_them(world: World) -> None:
    add_member(world.state, Member("b", "unix:///b.sock"))
    world.up("far", "b")
    with pytest.raises(UsageInvalid) as raised:
        forget_member(world.state, "b")
    assert raised.value.why == "they are far"
    assert raised.value.hint == (
        "wirelab down far; if the machine is gone for good: wirelab members rm b --forget-labs"
    )
    forget_member(world.state, "b", labs=True)
    assert (members(world.state), lab_names(world.state)) == ((), [])


def test_a_lab_on_a_member_that_went_away_says_so(world: World, tmp_path: Path) -> None:
    add_member(world.state, Member("b", f"unix://{tmp_path}/gone.sock"))
    world.up("far", "b")
    assert find_home(world.state, "other", notify=print) is None
    with pytest.raises(MemberUnreachable, match="the member 'b' does not answer"):
        find_home(world.state, "far", notify=print)
    (state,) = member_states(world.state)
    assert state.trouble is not None
    forget_member(world.state, "b", labs=True)
    world.up("far", "b")
    with pytest.raises(UsageInvalid, match="there is no member 'b'"):
        find_home(world.state, "far", notify=print)


def test_a_choice_is_refused_where_the_lab_stands_elsewhere(world: World) -> None:
    for name in ("a", "b"):
        add_member(world.state, Member(name, f"unix:///{name}.sock"))
    world.up("far", "b")
    world.up("here", "")
    for lab, names, where in (
        ("far", ["a"], "the member 'b'"),
        ("far", ["a", "local"], "the member 'b'"),
        ("here", ["a", "b"], "the engine in use"),
    ):
        with pytest.raises(UsageInvalid, match=f"the lab '{lab}' stands on {where}"):
            find_home(world.state, lab, names, notify=print)
    assert find_home(world.state, "here", ["a", "local"], notify=print) is None
    with pytest.raises(UsageInvalid, match="there is no member 'aa'"):
        find_home(world.state, "new", ["aa"], notify=print)


def test_without_members_nothing_else_is_reached(world: World) -> None:
    local = world.reached("").workspaces[0]
    with reached_engines(world.state, lambda: local) as reached:
        assert (reached.workspaces, reached.unreachable, reached.has_members) == ((local,), (), False)


def test_an_engine_that_was_named_and_is_gone_is_named_beside_the_members(world: World, tmp_path: Path) -> None:
    """The environment of the unit tests names one; without members that ends the command."""
    silent = reached_engines(world.state, lambda: open_workspace(notify=print, confirm=lambda _question: False))
    with pytest.raises(EngineMissing), silent:
        pass
    add_member(world.state, Member("b", f"unix://{tmp_path}/gone.sock"))
    with reached_engines(world.state, lambda: world.reached("").workspaces[0]) as reached:
        assert [error.member for error in reached.unreachable] == ["local", "b"]
