"""A repair counts where it was made in a way that the task allows; otherwise the lab is broken again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace, bash

from orchestrator.engine.fake import FakeEngine
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.faults import heal, inject
from orchestrator.lab.take_down import take_down
from orchestrator.lessons.lesson import HoldsTask
from orchestrator.lessons.repairs import uncounted_repair
from orchestrator.model.faults.record import RecordChanged
from orchestrator.operations.lesson_lab import LessonLab
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario
from orchestrator.operations.workspace import Workspace

STOP = {"stop": "app"}
EDITS = {"edits": [{"replace": "uses: [db]", "by": "uses: []"}]}
HOLDS = {"name": "It works", "from": "client", "runs": ["true"]}


def repair_task(**values: object) -> HoldsTask:
    return HoldsTask.model_validate({"title": "Repair", "holds": HOLDS, **values})


HEAL = repair_task(fault=STOP, solve="heal")
EDIT = repair_task(setup=EDITS, solve="edit")
EDIT_AND_FAULT = repair_task(setup={**EDITS, "faults": [STOP]}, allow={"do": ["edit"]}, solve="edit")
RECORD = repair_task(fault=STOP, allow={"do": ["heal", "record"]}, solve="heal")
SHELL = repair_task(fault=STOP, allow={"do": ["heal"], "shell": ["app"]}, solve="heal")
PROGRAM = repair_task(fault=STOP, solve={"from": "client", "run": ["true"]})


def up(workspace: Workspace, scenario: LoadedScenario, *, with_heal: bool = False) -> None:
    lab = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2)
    lab.up([fault.id for fault in lab.faults()] if with_heal else ())


@dataclass(frozen=True)
class Learner:
    """Works on the lab by other commands than the lesson's."""

    lab: LessonLab
    elsewhere: LoadedScenario

    def heal(self) -> None:
        heal(self.lab.handle.made, [fault.id for fault in self.lab.handle.made.faults()])

    def inject_record(self) -> None:
        record = {"server": "dns", "name": "app.shop.lab", "value": "192.0.2.1"}
        inject(self.lab.handle.made, RecordChanged.model_validate({"record": record}))

    def make_anew(self) -> None:
        workspace = self.lab.workspace
        take_down(workspace.engine, workspace.state, self.lab.name, lambda _event: None)
        self.lab.bring_up(self.lab.course)

    def up_another_file(self) -> None:
        self.lab.bring_up(self.elsewhere)

    def edit_copy(self) -> None:
        self.lab.copy.write_text(TEXT)
        up(self.lab.workspace, load_scenario(str(self.lab.copy)))

    def do_nothing(self) -> None:
        """The check may hold by chance."""


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    for folder in ("shop", "elsewhere"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scenario.yaml").write_text(TEXT)
        (tmp_path / folder / "seed.sql").write_text(SEED["seed.sql"])
    engine, state = FakeEngine(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state")
    workspace = InMemoryWorkspace(state, "unix:///nobody", engine)  # type: ignore[arg-type]
    bring_up = partial(up, workspace, with_heal=True)
    lesson_lab = LessonLab(workspace, load_scenario(str(tmp_path / "shop")), "shop", bring_up)
    bring_up(lesson_lab.course)
    return Learner(lesson_lab, load_scenario(str(tmp_path / "elsewhere")))


def refusal(learner: Learner, task: HoldsTask, work: Callable[[Learner], None]) -> str:
    """What the lesson says of a repair; empty where it counts."""
    learner.lab.begin(task)
    work(learner)
    return what_is_refused(learner, task)


def what_is_refused(learner: Learner, task: HoldsTask) -> str:
    uncounted = uncounted_repair(task, learner.lab.change(task))
    return uncounted.what if uncounted else ""


@pytest.mark.parametrize(
    ("task", "work"),
    [
        (HEAL, Learner.heal),
        (EDIT, Learner.edit_copy),
        (EDIT_AND_FAULT, Learner.edit_copy),
        (RECORD, Learner.inject_record),
        (SHELL, Learner.do_nothing),
        (PROGRAM, Learner.do_nothing),
    ],
)
def test_a_repair_counts_in_a_way_that_the_task_allows(
    learner: Learner, task: HoldsTask, work: Callable[[Learner], None]
) -> None:
    assert refusal(learner, task, work) == ""


ANEW = "The lab was removed and made anew."
STILL = "The check holds at the moment, but what the task broke is still broken."


@pytest.mark.parametrize(
    ("task", "work", "what"),
    [
        (HEAL, Learner.make_anew, ANEW),
        (EDIT, Learner.make_anew, ANEW),
        (SHELL, Learner.make_anew, ANEW),
        (EDIT, Learner.up_another_file, "The lab was made from another file, "),
        (SHELL, Learner.up_another_file, "The lab was made from another file, "),
        (EDIT_AND_FAULT, Learner.heal, "What the task broke was healed."),
        (PROGRAM, Learner.heal, "What the task broke was healed."),
        (HEAL, Learner.inject_record, "A record of a DNS server was changed."),
        (HEAL, Learner.do_nothing, STILL),
        (EDIT, Learner.do_nothing, STILL),
    ],
)
def test_another_repair_is_told_and_the_lab_is_broken_again(
    learner: Learner, task: HoldsTask, work: Callable[[Learner], None], what: str
) -> None:
    assert refusal(learner, task, work).startswith(what)
    learner.lab.break_again(task)
    assert learner.lab.differences(task) == ()


def test_the_sentence_says_what_becomes_of_the_lab_and_what_counts(learner: Learner) -> None:
    learner.lab.begin(EDIT)
    learner.make_anew()
    uncounted = uncounted_repair(EDIT, learner.lab.change(EDIT))
    assert uncounted is not None
    assert uncounted.sentence(learner.lab.permissions(EDIT)) == (
        "The lab was removed and made anew. This task does not count that, and the lab is broken again. What "
        f"counts: Edit the lab's own copy of the scenario file, {learner.lab.copy}, and then: wirelab up shop."
    )


def test_the_learners_own_edits_stay_when_the_lab_is_broken_again(learner: Learner) -> None:
    learner.lab.begin(EDIT)
    learner.lab.copy.write_text(TEXT + "# mine\n")
    learner.make_anew()
    learner.lab.break_again(EDIT)
    assert learner.lab.copy.read_text().endswith("# mine\n")
    assert uncounted_repair(EDIT, learner.lab.change(EDIT)) is None
