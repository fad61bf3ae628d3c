"""A repair counts where it was made in a way that the task allows; otherwise the lab is broken again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace, bash

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.events import Entry, ProgramEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.faults import heal, inject
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.take_down import take_down
from orchestrator.lessons.lesson import HoldsTask
from orchestrator.lessons.repairs import nodes_to_work_in, programs_run, uncounted_repair
from orchestrator.model.faults.record import RecordChanged
from orchestrator.operations.lessons.lab import LessonLab
from orchestrator.operations.lessons.node_work import EFFECT_SECONDS, PROGRAMS, NodeWork
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario
from orchestrator.operations.workspace import Workspace
from orchestrator.planning import labels

pytestmark = pytest.mark.slow

SHELL = ("bash", "-il")
STOP = {"stop": "app"}
EDITS = {"edits": [{"replace": "uses: [db]", "by": "uses: []"}]}
HOLDS = {"name": "It works", "from": "client", "runs": ["true"]}


def repair_task(**values: object) -> HoldsTask:
    return HoldsTask.model_validate({"title": "Repair", "holds": HOLDS, **values})


HEAL = repair_task(fault=STOP, solve="heal")
EDIT = repair_task(setup=EDITS, solve="edit")
EDIT_AND_FAULT = repair_task(setup={**EDITS, "faults": [STOP]}, allow={"do": ["edit"]}, solve="edit")
RECORD = repair_task(fault=STOP, allow={"do": ["heal", "record"]}, solve="heal")
SHELL_IN_APP = repair_task(fault=STOP, allow={"do": ["heal"], "shell": ["app"]}, solve="heal")
PROGRAM = repair_task(fault=STOP, solve={"from": "client", "run": ["true"]})


def up(workspace: Workspace, scenario: LoadedScenario, *, with_heal: bool = False) -> None:
    lab = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2)
    lab.up([fault.id for fault in lab.faults()] if with_heal else ())


@dataclass
class Clock:
    """The time of day, from which a test may go on."""

    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset


@dataclass(frozen=True)
class Learner:
    """Works on the lab by other commands than the lesson's."""

    lab: LessonLab
    elsewhere: LoadedScenario
    open_shells: set[str]
    clock: Clock

    def named(self, task: HoldsTask) -> tuple[str, ...]:
        return nodes_to_work_in(task, ("client",))

    def see_check_fail(self, task: HoldsTask, *, later: float = 0.0) -> None:
        self.lab.work.look(self.lab.handle, self.named(task))
        self.clock.offset += later
        self.lab.work.look(self.lab.handle, self.named(task))
        self.lab.work.has_not_repaired()

    def _record(self, *events: ProgramEvent) -> None:
        workspace = self.lab.workspace
        publish = workspace.publisher(workspace.journal(self.lab.name))
        for event in events:
            publish(event)

    def open_shell_in_db(self) -> None:
        self.open_shells.add("db")
        self._record(ProgramEvent("started", "db", SHELL))

    def open_shell_in_app(self) -> None:
        self.open_shells.add("app")
        self._record(ProgramEvent("started", "app", SHELL))

    def run_program_in_client(self) -> None:
        self._run("client")

    def run_program_in_db(self) -> None:
        self._run("db")

    def _run(self, node: str) -> None:
        argv = ("kill", "1")
        self._record(ProgramEvent("started", node, argv), ProgramEvent("ended", node, argv, 0))

    def work_in_db_and_heal(self) -> None:
        self.run_program_in_db()
        self.heal()

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
    open_shells: set[str] = set()

    def answer(call: ProgramCall) -> Output:
        if call.argv != PROGRAMS:
            return bash(call)
        node = call.spec.labels[labels.NODE]
        return Output(0, "sleep 9 \n\n" + ("/bin/bash -il \n" if node in open_shells else ""), "")

    engine, state = FakeEngine(list(IMAGES.values()), answer=answer), StateFolder(tmp_path / "state")
    workspace = InMemoryWorkspace(state, "unix:///nobody", engine)
    bring_up = partial(up, workspace, with_heal=True)
    clock = Clock()
    lesson_lab = LessonLab(workspace, load_scenario(str(tmp_path / "shop")), "shop", bring_up, NodeWork(clock.now))
    bring_up(lesson_lab.course)
    return Learner(lesson_lab, load_scenario(str(tmp_path / "elsewhere")), open_shells, clock)


def refusal(learner: Learner, task: HoldsTask, work: Callable[[Learner], None]) -> str:
    """What the lesson says of a repair; empty where it counts."""
    learner.lab.begin(task)
    work(learner)
    return what_is_refused(learner, task)


def what_is_refused(learner: Learner, task: HoldsTask) -> str:
    uncounted = uncounted_repair(task, learner.lab.change(task, learner.named(task)))
    return uncounted.what if uncounted else ""


@pytest.mark.parametrize(
    ("task", "work"),
    [
        (HEAL, Learner.heal),
        (EDIT, Learner.edit_copy),
        (EDIT_AND_FAULT, Learner.edit_copy),
        (RECORD, Learner.inject_record),
        (SHELL_IN_APP, Learner.do_nothing),
        (PROGRAM, Learner.do_nothing),
        (SHELL_IN_APP, Learner.open_shell_in_app),
        (SHELL_IN_APP, Learner.run_program_in_client),
        (SHELL_IN_APP, Learner.work_in_db_and_heal),
        (PROGRAM, Learner.run_program_in_client),
        (HEAL, Learner.work_in_db_and_heal),
    ],
)
def test_a_repair_counts_in_a_way_that_the_task_allows(
    learner: Learner, task: HoldsTask, work: Callable[[Learner], None]
) -> None:
    assert refusal(learner, task, work) == ""


ANEW = "The lab was removed and made anew."
BY_HAND = "A shell or a program ran in db when the check began to hold."
STILL = "The check holds at the moment, but what the task broke is still broken."


@pytest.mark.parametrize(
    ("task", "work", "what"),
    [
        (HEAL, Learner.make_anew, ANEW),
        (EDIT, Learner.make_anew, ANEW),
        (SHELL_IN_APP, Learner.make_anew, ANEW),
        (EDIT, Learner.up_another_file, "The lab was made from another file, "),
        (SHELL_IN_APP, Learner.up_another_file, "The lab was made from another file, "),
        (EDIT_AND_FAULT, Learner.heal, "What the task broke was healed."),
        (PROGRAM, Learner.heal, "What the task broke was healed."),
        (HEAL, Learner.inject_record, "A record of a DNS server was changed."),
        (HEAL, Learner.do_nothing, STILL),
        (EDIT, Learner.do_nothing, STILL),
        (HEAL, Learner.run_program_in_db, BY_HAND),
        (SHELL_IN_APP, Learner.run_program_in_db, BY_HAND),
        (SHELL_IN_APP, Learner.open_shell_in_db, BY_HAND),
        (PROGRAM, Learner.open_shell_in_db, BY_HAND),
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
    uncounted = uncounted_repair(EDIT, learner.lab.change(EDIT, learner.named(EDIT)))
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
    assert what_is_refused(learner, EDIT) == ""


def container_of(learner: Learner, node: str) -> str:
    container = learner.lab.handle.made.observe().container_of(node)
    assert container is not None
    return container.id


def test_a_node_in_which_work_does_not_count_is_made_anew(learner: Learner) -> None:
    """What was changed inside of a container ends with it, and so does a shell that is still open there."""
    learner.lab.begin(SHELL_IN_APP)
    learner.run_program_in_db()
    db, app = container_of(learner, "db"), container_of(learner, "app")
    uncounted = uncounted_repair(SHELL_IN_APP, learner.lab.change(SHELL_IN_APP, ("app",)))
    assert uncounted is not None
    assert uncounted.sentence(learner.lab.permissions(SHELL_IN_APP)) == (
        "A shell or a program ran in db when the check began to hold. This task does not count that, and the lab is "
        "broken again. What counts: Work in a shell of app: wirelab shell shop app. "
        "Take back what was broken: wirelab heal shop."
    )
    learner.lab.break_again(SHELL_IN_APP, uncounted.changed_nodes)
    assert container_of(learner, "db") != db
    assert container_of(learner, "app") == app
    assert learner.lab.differences(SHELL_IN_APP) == ()
    assert what_is_refused(learner, SHELL_IN_APP) == ""


@pytest.mark.parametrize(
    ("work", "is_left", "later", "what"),
    [
        (Learner.run_program_in_db, True, EFFECT_SECONDS, ""),
        (Learner.open_shell_in_db, True, EFFECT_SECONDS, ""),
        (Learner.open_shell_in_db, False, EFFECT_SECONDS, BY_HAND),
        (Learner.run_program_in_db, True, 0.0, BY_HAND),  # it may have left something in the background
        (Learner.open_shell_in_db, True, 0.0, BY_HAND),
    ],
)
def test_a_program_that_had_ended_before_the_check_failed_has_repaired_nothing(
    learner: Learner, work: Callable[[Learner], None], is_left: bool, later: float, what: str
) -> None:
    """To look around in another node does no harm to a repair that follows."""
    learner.lab.begin(SHELL_IN_APP)
    work(learner)
    if is_left:
        learner.open_shells.clear()
    learner.see_check_fail(SHELL_IN_APP, later=later)
    learner.open_shell_in_app()
    assert what_is_refused(learner, SHELL_IN_APP) == what


@pytest.mark.parametrize(("is_left", "what"), [(False, BY_HAND), (True, "")])
def test_a_shell_that_was_open_before_the_task_began_may_repair_the_lab(
    learner: Learner, is_left: bool, what: str
) -> None:
    """One that was left before has repaired nothing."""
    learner.open_shell_in_db()
    if is_left:
        learner.open_shells.clear()
    learner.lab.begin(SHELL_IN_APP)
    assert what_is_refused(learner, SHELL_IN_APP) == what


def test_a_shell_of_before_that_is_left_has_repaired_nothing_after_the_check_failed(learner: Learner) -> None:
    learner.open_shell_in_db()
    learner.lab.begin(SHELL_IN_APP)
    learner.open_shells.clear()
    learner.see_check_fail(SHELL_IN_APP, later=EFFECT_SECONDS)
    assert what_is_refused(learner, SHELL_IN_APP) == ""


@pytest.mark.parametrize(("node_name", "what"), [("db", BY_HAND), ("client", "")])
def test_a_program_of_the_python_api_is_work_in_its_node(learner: Learner, node_name: str, what: str) -> None:
    """The nodes of the lesson's shell are those in which it counts."""
    learner.lab.begin(SHELL_IN_APP)
    learner.lab.handle.node(node_name).run("true")
    assert what_is_refused(learner, SHELL_IN_APP) == what


def test_what_wirelab_itself_runs_in_a_node_is_no_work(learner: Learner) -> None:
    learner.lab.begin(SHELL_IN_APP)
    learner.lab.handle.node("db").run_unrecorded("true")
    assert what_is_refused(learner, SHELL_IN_APP) == ""


def test_what_was_run_before_the_task_began_is_forgotten(learner: Learner) -> None:
    learner.run_program_in_db()
    learner.lab.begin(SHELL_IN_APP)
    assert what_is_refused(learner, SHELL_IN_APP) == ""


def test_the_runs_of_programs_follow_from_the_journal() -> None:
    """Two commands may run the same program; each has a run of its own."""
    started, ended = ProgramEvent("started", "db", SHELL), ProgramEvent("ended", "db", SHELL, 0)
    entries = [Entry(1.0, "shop", started, "a"), Entry(2.0, "shop", started, "b"), Entry(3.0, "shop", ended, "b")]
    assert [(run.run, run.began, run.ended) for run in programs_run(entries)] == [
        ("a", 1.0, None),
        ("b", 2.0, 3.0),
    ]


def test_nothing_is_judged_of_a_lab_on_which_a_command_works(learner: Learner) -> None:
    """A command that heals ends a fault on the wire before it takes it off the list."""
    assert not learner.lab.is_worked_on
    with lab_lock(learner.lab.workspace.state, learner.lab.name):
        assert learner.lab.is_worked_on
    assert not learner.lab.is_worked_on
