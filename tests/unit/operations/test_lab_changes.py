"""Those who watch labs are told of changes by one look for all of them, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orchestrator.errors import TookTooLong
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import journal_file
from orchestrator.operations.live.lab_changes import LabChanges, States
from orchestrator.planning.snapshot import ListedContainer


class Listing:
    """An engine that lists, and counts how often it was asked."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {"one": "running", "two": "running"}
        self.asked = 0
        self.is_away = False

    def listed_containers(self, _label: str) -> tuple[ListedContainer, ...]:
        self.asked += 1
        if self.is_away:
            raise TookTooLong("the engine does not answer")
        return tuple(ListedContainer(lab, state, {"wirelab.lab": lab}) for lab, state in self.states.items())


class Followed:
    """Two labs that are followed, and what was told of them."""

    def __init__(self, folder: Path) -> None:
        self.engine = Listing()
        self.state = StateFolder(folder)
        self.told: list[str] = []
        self.seen: dict[str, States] = {}
        self.changes = LabChanges(self.engine, self.state)  # type: ignore[arg-type]
        self.ends = SimpleNamespace(one=self.follow("one"), two=self.follow("two"))
        self.changes.look_at_containers()
        self.changes.look_at_journals()
        self.told.clear()

    def follow(self, lab: str) -> Any:
        return self.changes.follow(
            lab,
            on_journal=lambda: self.told.append(f"journal {lab}"),
            on_containers=lambda states: self.note(lab, states),
        )

    def note(self, lab: str, states: States) -> None:
        self.told.append(f"containers {lab}")
        self.seen[lab] = states


def test_the_first_look_tells_of_each_lab(tmp_path: Path) -> None:
    """What changed between the follower's own look and this one is not missed."""
    followed = Followed(tmp_path)
    followed.follow("three")
    followed.changes.look_at_containers()
    followed.changes.look_at_journals()
    assert followed.told == ["containers three", "journal three"]


def test_only_the_lab_whose_container_changed_is_told_by_one_question(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    followed.engine.states["two"], followed.engine.asked = "paused", 0
    followed.changes.look_at_containers()
    followed.changes.look_at_containers()
    assert (followed.told, followed.engine.asked) == (["containers two"], 2)
    assert followed.seen["two"] == {("two", "paused")}


def test_a_lab_whose_containers_are_gone_is_told(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    followed.engine.states = {"two": "running"}
    followed.changes.look_at_containers()
    assert followed.told == ["containers one"]


def test_an_engine_that_does_not_answer_has_changed_nothing(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    followed.engine.is_away, followed.engine.states = True, {}
    followed.changes.look_at_containers()
    assert followed.told == []
    followed.engine.is_away = False
    followed.changes.look_at_containers()
    assert followed.told == ["containers one", "containers two"]


def test_each_change_of_a_journal_is_told_also_that_it_is_rotated_or_deleted(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    for change in (write, write, rotate, delete):
        change(journal_file(followed.state, "one"))
        followed.changes.look_at_journals()
        followed.changes.look_at_journals()
    assert followed.told == ["journal one"] * 4


def write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as journal:
        journal.write("{}\n")


def rotate(file: Path) -> None:
    text = file.read_text()
    file.rename(file.with_suffix(".old"))
    file.write_text(text)


def delete(file: Path) -> None:
    file.unlink()


def test_who_follows_no_more_is_told_nothing(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    followed.ends.one()
    followed.ends.two()
    write(journal_file(followed.state, "one"))
    followed.engine.states, followed.engine.asked = {}, 0
    followed.changes.look_at_containers()
    followed.changes.look_at_journals()
    assert (followed.told, followed.engine.asked) == ([], 0)
