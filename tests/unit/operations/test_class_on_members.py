"""A class over members: new seats are spread, those that stand stay, and a member that is away is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from lab_in_memory import SEED, TEXT, InMemoryWorkspace, LabHost
from small_engine import Answers, served

from orchestrator.errors import Leftovers, MemberUnreachable, UsageInvalid
from orchestrator.events import Actor
from orchestrator.host.members.member import Member
from orchestrator.host.members.registry import add_member
from orchestrator.lab.member_pin import pin_lab
from orchestrator.lab.store import LabFolder
from orchestrator.operations.classroom.folder import Classroom, new_class
from orchestrator.operations.classroom.seat_engines import SeatDesk, SeatEngines, removal_workspace, spread_seats
from orchestrator.operations.members.home import find_home
from orchestrator.operations.scenario_library import LoadedScenario
from orchestrator.operations.workspace import Workspace, member_workspace
from orchestrator.reading.scenario import read_scenario

pytestmark = pytest.mark.slow


class Elsewhere(Answers):
    """An engine of another machine, without images: nobody can measure its memory."""

    def do_GET(self) -> None:
        if self.pinged():
            return
        path = self.path.partition("?")[0].partition("/v1.41")[2] or self.path
        if path == "/version":
            self.whole({"Version": "20.10.24", "ApiVersion": "1.41"})
        elif path == "/info":
            self.whole({"ID": "x", "KernelVersion": "elsewhere", "MemTotal": 8 << 30, "Architecture": "x86_64"})
        elif path in ("/networks", "/images/json", "/containers/json"):
            self.whole([])
        else:
            self.whole({"message": f"No such image: {path}"}, 404)


@pytest.fixture
def scenario(tmp_path: Path) -> LoadedScenario:
    reading = read_scenario(TEXT, file="shop.yaml", read_companion=SEED.get)
    return LoadedScenario(tmp_path / "shop.yaml", "shop.yaml", reading, TEXT, "shop")


@pytest.fixture
def local(lab_host: LabHost) -> Workspace:
    return InMemoryWorkspace(lab_host.state, "unix:///nobody", lab_host.engine)


@contextmanager
def three_members(local: Workspace, folder: Path, answering: str) -> Iterator[None]:
    """Members a, b and c, of which some answer."""
    with ExitStack() as stack:
        for name in "abc":
            path = folder / f"{name}.sock"
            add_member(local.state, Member(name, f"unix://{path}"))
            if name in answering:
                stack.enter_context(served(path, Elsewhere))
        yield


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    return new_class("monday", tmp_path / "shop.yaml").with_seats(6)


def test_without_members_all_seats_stand_on_the_engine_in_use(
    local: Workspace, scenario: LoadedScenario, classroom: Classroom
) -> None:
    assert spread_seats(local, scenario, classroom, ()) == {}
    with SeatEngines(local, scenario, None) as engines:
        first = engines.of("monday-seat01")
        assert first.workspace is local
        assert engines.of("monday-seat02") is first


def test_new_seats_are_spread_over_the_members_that_answer(
    local: Workspace, scenario: LoadedScenario, classroom: Classroom, tmp_path: Path
) -> None:
    lines: list[str] = []
    with three_members(local, tmp_path, "ac"):
        pin_lab(local.state, "monday-seat01", "b")
        homes = spread_seats(replace(local, notify=lines.append), scenario, classroom, ["a", "b", "c"])
    assert sorted(homes) == [f"monday-seat0{number}" for number in range(2, 7)]
    assert sorted(homes.values()) in (["a", "a", "a", "c", "c"], ["a", "a", "c", "c", "c"])
    assert lines == ["the member 'b' does not answer: no seat is placed there"]


def test_a_class_needs_one_member_that_answers(
    local: Workspace, scenario: LoadedScenario, classroom: Classroom, tmp_path: Path
) -> None:
    with three_members(local, tmp_path, ""):
        with pytest.raises(MemberUnreachable, match="the member 'a' does not answer"):
            spread_seats(local, scenario, classroom, ["a", "b", "c"])
        with pytest.raises(UsageInvalid, match="there is no member 'd'"):
            spread_seats(local, scenario, classroom, ["a", "d"])


def test_a_seat_on_a_member_that_is_away_says_so_and_goes_on_when_it_is_back(
    local: Workspace, scenario: LoadedScenario, tmp_path: Path
) -> None:
    pin_lab(local.state, "monday-seat01", "b")
    with three_members(local, tmp_path, "a"), SeatEngines(local, scenario, None) as engines:
        desk = SeatDesk(engines, "monday-seat01", Actor("run", "web", (), "seat01"))
        with pytest.raises(MemberUnreachable, match="the member 'b' does not answer"):
            desk.open()
        assert engines.of("monday-seat02").workspace is local
        with served(tmp_path / "b.sock", Elsewhere):
            own = desk.open()
            assert (own.workspace.member, own.workspace.actor.seat) == ("b", "seat01")
            assert desk.open() is own


def test_the_lab_of_a_seat_that_is_placed_comes_up_on_its_member(
    local: Workspace, scenario: LoadedScenario, tmp_path: Path
) -> None:
    homes = {"monday-seat01": "a", "monday-seat02": "", "monday-seat03": "a"}
    with three_members(local, tmp_path, "a"), SeatEngines(local, scenario, None, homes) as engines:
        places = {lab: engines.of(lab).workspace.member for lab in homes}
        assert places == homes
        assert engines.of("monday-seat01").changes is engines.of("monday-seat03").changes
        assert engines.of("monday-seat01").changes is not engines.of("monday-seat02").changes


def test_the_removal_of_a_seat_waits_for_its_member(local: Workspace, tmp_path: Path) -> None:
    pin_lab(local.state, "monday-seat01", "b")
    with three_members(local, tmp_path, "a"):
        assert removal_workspace(local, "monday-seat02") is local
        with pytest.raises(Leftovers) as raised:
            removal_workspace(local, "monday-seat01")
    assert raised.value.exit_code == 6
    assert LabFolder(local.state, "monday-seat01").removal_begun


def test_a_lab_that_has_copies_of_its_files_is_opened_with_them(local: Workspace, tmp_path: Path) -> None:
    """Also if it is removed and made anew by the same command, as `reset` does."""
    pin_lab(local.state, "far", "a", copies=("a",))
    pin_lab(local.state, "near", "a")
    with three_members(local, tmp_path, "a"):
        homes = {lab: find_home(local.state, lab, notify=print) for lab in ("far", "near")}
        for lab, home in homes.items():
            assert home is not None
            workspace = member_workspace(local.state, home, notify=print)
            assert (workspace.member, workspace.copies_files) == ("a", lab == "far")
            workspace.close()


def test_what_a_lab_knows_of_its_member_is_not_tried_again(
    local: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the member sees our files: each try makes a container there."""
    tried: list[str] = []

    def try_it(_engine: object, _store: object, _state: object) -> bool:
        tried.append("a")
        return False

    monkeypatch.setattr("orchestrator.operations.members.file_probe.sees_files", try_it)
    with three_members(local, tmp_path, "a"):
        for copies in (True, False, None):
            if copies is not None:
                pin_lab(local.state, f"standing-{copies}".lower(), "a", copies=("a",) if copies else ())
            home = find_home(local.state, "new", ["a"], notify=print)
            assert home is not None
            workspace = member_workspace(local.state, home, notify=print)
            assert (workspace.copies_files, tried) == ((True, ["a"]) if copies is None else (copies, []))
            workspace.close()
            LabFolder(local.state, f"standing-{copies}".lower()).remove()
