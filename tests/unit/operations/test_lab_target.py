"""A lab is found by its own name, from any folder. A NAME that could mean two things means the lab, and says so."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid, WirelabError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import LabSource, keep_source, source_of
from orchestrator.operations.lab_target import LabFinder, LabTarget
from orchestrator.operations.scenario_library import load_scenario

SCENARIO = "name: {name}\ntitle: One machine\ndomain: shop.lab\nnodes:\n  {node}: {{role: client}}\n"


@dataclass(frozen=True)
class SimulatedLab:
    """A folder with scenarios, and a state folder with labs."""

    root: Path

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.root / "state")

    def scenario(self, place: str, name: str, node: str = "client") -> Path:
        """Write a scenario that is called `name` into the folder `place`."""
        file = self.root / place / "scenario.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SCENARIO.format(name=name, node=node))
        return file

    def made(self, lab: str, file: Path, now: float = 1.0) -> None:
        """Record as `up` does what the lab is made from."""
        loaded = load_scenario(str(file))
        source = LabSource(
            loaded.reading.scenario.name, os.path.abspath(file), loaded.text, loaded.reading.texts
        )  # fmt: skip
        keep_source(self.state, lab, source, now)

    def finder(self, place: str = ".") -> LabFinder:
        return LabFinder(self.state, self.root / place)

    def found(self, name: str | None, lab: str | None = None, place: str = ".", **how: bool) -> LabTarget:
        return self.finder(place).find(name, lab, **how)


@pytest.fixture
def world(tmp_path: Path) -> SimulatedLab:
    return SimulatedLab(tmp_path)


def nodes(target: LabTarget) -> list[str]:
    return list(target.scenario.reading.scenario.nodes)


def raised(finder: LabFinder, name: str, lab: str | None = None, **how: bool) -> WirelabError:
    with pytest.raises(WirelabError) as raised_error:
        finder.find(name, lab, **how)
    return raised_error.value


@pytest.mark.slow
@pytest.mark.parametrize("place", [".", "elsewhere/deep"])
def test_a_lab_is_found_by_its_name_from_any_folder(world: SimulatedLab, place: str) -> None:
    """The lab `second` was made by `up shop --lab second`; the command may add `--lab`, or name it so alone."""
    world.made("second", world.scenario("scenarios/shop", "shop"))
    (world.root / place).mkdir(parents=True, exist_ok=True)
    for name, lab in (("second", None), (None, "second"), ("shop", "second"), ("second", "second")):
        target = world.found(name, lab, place=place)
        assert (target.lab_name, nodes(target), target.note) == ("second", ["client"], ""), (name, lab)
    assert world.finder(place).name("second", None) == "second"


def test_a_lab_that_is_found_by_its_name_is_read_from_its_file_as_it_is_now(world: SimulatedLab) -> None:
    file = world.scenario("far/shop", "shop")
    world.made("second", file)
    world.scenario("far/shop", "shop", node="visitor")
    target = world.found("second", file_needed=True)
    assert (nodes(target), target.scenario.path) == (["visitor"], file)


@pytest.mark.slow
def test_a_lab_outlives_its_scenario(world: SimulatedLab) -> None:
    """Whoever looks at the lab reads the lab's copy; whoever must know what is declared is told where the file was."""
    file = world.scenario("far/shop", "shop")
    world.made("second", file)
    shutil.rmtree(file.parent)
    for name, lab in (("second", None), ("shop", "second"), ("far/shop", None), ("far/shop", "second")):
        target = world.found(name, lab)
        assert (target.lab_name, nodes(target)) == ("second", ["client"]), (name, lab)
        assert world.finder().name(name, lab) == "second"
    error = raised(world.finder(), "second", file_needed=True)
    assert error.what == "the scenario of the lab 'second' is gone"
    assert error.why == f"the lab was made from {file}"
    assert "wirelab up PATH --lab second" in error.hint
    assert error.exit_code == 2


@pytest.mark.slow
def test_a_name_of_a_lab_and_of_another_scenario_is_the_lab(world: SimulatedLab) -> None:
    """`up shop --lab proxy` was done: `proxy` is that lab, and the scenario has to be named by its path."""
    world.scenario("scenarios/proxy", "proxy", node="other")
    world.made("proxy", world.scenario("scenarios/shop", "shop"))
    target = world.found("proxy")
    assert (target.lab_name, nodes(target)) == ("proxy", ["client"])
    assert target.note == (
        "'proxy' is the lab that was made from scenarios/shop/scenario.yaml; "
        "the scenario of that name is scenarios/proxy/scenario.yaml, and has to be named by this path"
    )
    by_path = world.found("scenarios/proxy")
    assert (by_path.lab_name, nodes(by_path)) == ("proxy", ["other"])
    assert by_path.note == (
        "the lab 'proxy' was made from scenarios/shop/scenario.yaml; read instead: scenarios/proxy/scenario.yaml"
    )
    named_both = world.found("proxy", "third")
    assert (named_both.lab_name, nodes(named_both), named_both.note) == ("third", ["other"], "")


def test_a_checkout_that_was_moved_is_found_where_it_is_now(world: SimulatedLab) -> None:
    """The lab's file is gone, and a scenario of the same name is here."""
    file = world.scenario("old/scenarios/shop", "shop")
    world.made("shop", file)
    (world.root / "old").rename(world.root / "new")
    target = world.found("shop", place="new", file_needed=True)
    assert (target.lab_name, nodes(target)) == ("shop", ["client"])
    assert (
        target.note == f"the lab 'shop' was made from {file}, which is gone; read instead: scenarios/shop/scenario.yaml"
    )


@pytest.mark.slow
def test_the_usual_lab_of_a_scenario_needs_no_note(world: SimulatedLab) -> None:
    file = world.scenario("scenarios/shop", "shop")
    for _ in range(2):
        target = world.found("shop")
        assert (target.lab_name, target.note, target.scenario.typed) == ("shop", "", "")
        world.made("shop", file)
    assert world.found(None, place="scenarios/shop").lab_name == "shop"


def test_a_scenario_of_another_lab_can_be_used_for_a_new_one(world: SimulatedLab) -> None:
    """`up second --lab third` makes the third of the scenario of the second."""
    world.made("second", world.scenario("far/shop", "shop"))
    assert world.found("second", "third", file_needed=True).lab_name == "third"


def test_a_name_of_neither_is_told_with_the_nearest_of_both(world: SimulatedLab) -> None:
    world.made("my-lab", world.scenario("scenarios/shop", "shop"))
    error = raised(world.finder(), "mylab")
    assert (error.what, error.hint) == ("there is no lab and no scenario 'mylab'", "did you mean 'my-lab'?")
    with pytest.raises(UsageInvalid, match="there is no lab and no scenario 'mylab'"):
        world.finder().name("mylab", None)
    with pytest.raises(UsageInvalid, match="there is no file"):
        world.finder().name("./mylab", None)


def test_a_name_beside_the_name_of_a_lab_must_be_what_that_was_made_from(world: SimulatedLab) -> None:
    """`down shop --lab second` means one lab; `down proxy --lab second` means two things, and removes neither."""
    file = world.scenario("scenarios/shop", "shop")
    world.scenario("scenarios/proxy", "proxy")
    world.made("second", file)
    world.made("proxy", world.root / "scenarios/proxy/scenario.yaml")
    for name in (None, "shop", "second", "scenarios/shop", str(file)):
        assert world.finder().name(name, "second") == "second"
    for name in ("proxy", "shpo", "scenarios/proxy", "./nowhere"):
        with pytest.raises(UsageInvalid) as caught:
            world.finder().name(name, "second")
        assert caught.value.what == f"the lab 'second' was not made from {name!r}"
        assert caught.value.why == "it was made from the scenario 'shop', scenarios/shop/scenario.yaml"
        assert caught.value.hint == "name the lab alone: second; or name its scenario: shop --lab second"
    assert world.finder().name("proxy", "unknown") == "unknown"


def test_a_lab_that_is_not_there_is_told_where_it_is_named_alone(world: SimulatedLab) -> None:
    """With `--lab` alone nobody can know which scenario it would be made from."""
    world.made("second", world.scenario("scenarios/shop", "shop"))
    with pytest.raises(UsageInvalid) as caught:
        world.found(None, "secnd")
    assert (caught.value.what, caught.value.hint) == ("there is no lab 'secnd'", "did you mean 'second'?")
    assert world.found(None, "secnd", place="scenarios/shop").lab_name == "secnd"


def test_a_file_of_several_labs_that_is_gone_names_them(world: SimulatedLab) -> None:
    file = world.scenario("far/shop", "shop")
    for lab in ("first", "second"):
        world.made(lab, file)
    shutil.rmtree(file.parent)
    error = raised(world.finder(), "far/shop")
    assert (error.why, error.hint) == ("the labs first, second were made from it", "--lab first")


def test_a_lab_of_an_earlier_version_can_be_removed_and_read_with_its_scenario(world: SimulatedLab) -> None:
    """It has no record of what it was made from."""
    world.scenario("scenarios/shop", "shop")
    (world.state.labs / "old").mkdir(parents=True)
    assert world.finder().name("old", None) == "old"
    assert world.found("shop", "old").lab_name == "old"
    error = raised(world.finder(), "old")
    assert error.what == "it is not known what the lab 'old' was made from"
    assert error.hint == "name its scenario, too: wirelab COMMAND SCENARIO --lab old"


def test_the_record_keeps_when_the_lab_was_first_made(world: SimulatedLab) -> None:
    file = world.scenario("scenarios/shop", "shop")
    world.made("shop", file, now=5.0)
    world.scenario("scenarios/shop", "shop", node="other")
    world.made("shop", file, now=9.0)
    source = source_of(world.state, "shop")
    assert source
    assert (source.made, "other" in source.text) == (5.0, True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"scenario": "shop"}', "\0"])
def test_a_damaged_record_is_none(world: SimulatedLab, content: str) -> None:
    folder = world.state.labs / "shop"
    folder.mkdir(parents=True)
    (folder / "source.json").write_text(content)
    assert source_of(world.state, "shop") is None
