"""Labs that several processes place on members at the same time, and the engines of one process's labs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from small_engine import Answers, served

import orchestrator.operations.members.home as home_module
from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import Leftovers, MemberUnreachable, UsageInvalid, WorldError
from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab import reservations
from orchestrator.lab.store import LabFolder
from orchestrator.operations.guarded_workspace import GuardedWorkspace, GuardedWorkspaces, MemberPassedOver
from orchestrator.operations.lab_handle import open_lab
from orchestrator.operations.members.place import place_and_reserve
from orchestrator.operations.workspace import Workspace
from orchestrator.planning.placement import LabWeight, MemberRoom
from orchestrator.pytest_plugin import _members

# What two measurements of one machine's memory differ by.
ROOMS = (MemberRoom("a", 4000), MemberRoom("b", 4007))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    monkeypatch.setenv("WIRELAB_STATE", str(tmp_path))
    return StateFolder(tmp_path)


def test_labs_that_are_placed_before_the_first_has_settled_are_spread(state: StateFolder) -> None:
    places = [place_and_reserve(state, LabWeight(f"lab{number}", 192), ROOMS) for number in range(6)]
    assert places == ["a", "b", "a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("free", "place"), [(4000, "a"), (4000 + 511, "a"), (4000 + 512, "b"), (9000, "b"), (None, "a")]
)
def test_members_with_about_the_same_room_get_equally_many_labs(
    state: StateFolder, free: int | None, place: str
) -> None:
    """Two measurements of one machine differ, and the member with fewer labs is taken; much more room decides first."""
    assert (
        place_and_reserve(state, LabWeight("lab", 192), [MemberRoom("a", 4000, 1), MemberRoom("b", free, 2)]) == place
    )


def test_a_lab_that_has_settled_counts_in_what_its_member_has_free_alone(state: StateFolder) -> None:
    assert place_and_reserve(state, LabWeight("first", 192), ROOMS) == "a"
    before = time.time() - reservations.SETTLING_SECONDS
    os.utime(state.root / "placed" / "first", (before, before))
    assert place_and_reserve(state, LabWeight("second", 192), ROOMS) == "a"
    assert [file.name for file in (state.root / "placed").iterdir()] == ["second"]


def test_a_lab_that_is_removed_counts_no_more(state: StateFolder) -> None:
    assert place_and_reserve(state, LabWeight("first", 192), ROOMS) == "a"
    LabFolder(state, "first").remove()
    assert place_and_reserve(state, LabWeight("second", 192), ROOMS) == "a"


def test_a_lab_that_is_placed_again_does_not_stand_in_its_own_way(state: StateFolder) -> None:
    assert [place_and_reserve(state, LabWeight("same", 192), ROOMS) for _ in range(3)] == ["a", "a", "a"]


def test_what_was_placed_a_moment_ago_refuses_no_lab_that_fits(state: StateFolder) -> None:
    """It may use its memory already, which is then not free any more."""
    rooms = (MemberRoom("a", 500),)
    assert place_and_reserve(state, LabWeight("first", 200), rooms) == "a"
    assert place_and_reserve(state, LabWeight("second", 200), rooms) == "a"
    with pytest.raises(WorldError, match="no member has room"):
        place_and_reserve(state, LabWeight("large", 300), rooms)


@pytest.mark.parametrize("text", ["", "a", "a much", "a 1 2"])
def test_what_cannot_be_read_counts_as_nothing(state: StateFolder, text: str) -> None:
    assert place_and_reserve(state, LabWeight("first", 192), ROOMS) == "a"
    (state.root / "placed" / "first").write_text(text)
    assert place_and_reserve(state, LabWeight("second", 192), ROOMS) == "a"
    assert place_and_reserve(state, LabWeight("third", 192), ROOMS) == "b"


class Pingable(Answers):
    """An engine that answers, and no more."""

    def do_GET(self) -> None:
        assert self.pinged()


class Opened:
    """Opens no engine, and keeps for which lab and members one was to be opened."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.closed: list[str] = []

    def __call__(self, lab_name: str, members: Sequence[str]) -> GuardedWorkspace:
        self.calls.append((lab_name, tuple(members)))
        return SimpleNamespace(close=lambda: self.closed.append(lab_name))  # type: ignore[return-value]


@pytest.fixture
def two_members(state: StateFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateFolder]:
    """The member `a` answers, `b` does not."""
    monkeypatch.setattr(
        home_module, "_room", lambda state, member: _room_of(state, member) if member else MemberRoom("local", 10)
    )
    for name in "ab":
        add_member(state, Member(name, f"unix://{tmp_path}/{name}.sock"))
    with served(tmp_path / "a.sock", Pingable):
        yield state


def _room_of(state: StateFolder, member: Member) -> tuple[MemberRoom, str] | MemberUnreachable:
    from orchestrator.host.members.reach import reach_member

    try:
        return MemberRoom(member.name, 4000), reach_member(state, member)
    except MemberUnreachable as error:
        return error


@pytest.mark.usefixtures("two_members")
def test_each_engine_is_opened_once_for_all_labs_on_it(tmp_path: Path) -> None:
    opened = Opened()
    with served(tmp_path / "b.sock", Pingable):
        engines = GuardedWorkspaces(["a", "b"], opened)
        found = [engines.of(f"lab{number}", 4) for number in range(4)]
    assert opened.calls == [("lab0", ("a",)), ("lab1", ("b",))]
    assert found[0] is found[2]
    assert found[1] is found[3]
    engines.close()
    assert opened.closed == ["lab0", "lab1"]


@pytest.mark.usefixtures("two_members")
def test_a_member_that_is_away_is_passed_over_and_named() -> None:
    opened = Opened()
    with pytest.warns(MemberPassedOver, match="^the member 'b' does not answer: passed over$"):
        GuardedWorkspaces(["a", "b"], opened).of("lab", 4)
    assert opened.calls == [("lab", ("a",))]


@pytest.mark.usefixtures("two_members")
def test_the_only_member_has_to_answer() -> None:
    with pytest.raises(MemberUnreachable, match="the member 'b' does not answer"):
        GuardedWorkspaces(["b"], Opened()).of("lab", 4)
    with pytest.raises(UsageInvalid, match="there is no member 'c'"):
        GuardedWorkspaces(["a", "c"], Opened()).of("lab", 4)


@pytest.mark.usefixtures("state")
def test_without_members_the_engine_in_use_is_opened() -> None:
    opened = Opened()
    GuardedWorkspaces((), opened).of("lab", 4)
    assert opened.calls == [("lab", ())]


class Away(FakeEngine):
    """The engine of a member that went away."""

    def networks(self) -> NoReturn:
        raise MemberUnreachable("b", why="nobody listens")


def test_a_lab_whose_member_goes_away_is_removed_later_and_the_error_says_how(state: StateFolder) -> None:
    workspace = Workspace(state, "unix:///nobody", Away([]), member="b")
    guarded = GuardedWorkspace(workspace, None)  # type: ignore[arg-type]
    with pytest.raises(Leftovers) as raised:
        guarded.down("lab")
    assert raised.value.lines() == (
        "error: the lab 'lab' is not removed yet: the member 'b' does not answer",
        "why:   nobody listens",
        "try:   when it is back, this removes the lab: wirelab sweep",
    )
    assert LabFolder(state, "lab").removal_begun


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"member": "a", "members": ["b"]}, "member cannot be combined with members"),
        ({"members": "a,b"}, "members must be a list of names"),
        ({"member": "c"}, "there is no member 'c'"),
    ],
)
@pytest.mark.usefixtures("state")
def test_a_wrong_choice_of_a_member_is_refused_before_anything_is_made(
    tmp_path: Path, words: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageInvalid, match=sentence), open_lab("basic", **words):  # type: ignore[arg-type]
        pass
    assert not (tmp_path / "labs").exists()


def config(option: str | None, ini: Sequence[str] = ()) -> pytest.Config:
    return SimpleNamespace(getoption=lambda _name: option, getini=lambda _name: list(ini))  # type: ignore[return-value]


def test_a_suite_names_its_members_on_the_command_line_or_in_its_configuration() -> None:
    assert _members(config(None)) == ()
    assert _members(config(None, ["a", "b"])) == ("a", "b")
    assert _members(config("a, local", ["b"])) == ("a", "local")
    with pytest.raises(pytest.UsageError, match="'a,,b' is not a list of names"):
        _members(config("a,,b"))
