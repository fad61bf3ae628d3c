"""A lesson on the engine in memory: it begins, answers attempts, goes from task to task, begins anew, and goes on."""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import EngineMissing, NotFound, TookTooLong, WirelabError
from orchestrator.events import FaultEvent, LabEvent, ProgramEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal_reader import probe_events
from orchestrator.lab.lock import lab_lock
from orchestrator.lessons.kept_questions import basis_of, with_question
from orchestrator.lessons.lesson import PredictTask
from orchestrator.lessons.messages import (
    HintShown,
    LessonDone,
    Message,
    NotDone,
    Note,
    SolutionShown,
    TaskBegun,
    TaskDone,
    TaskHeld,
)
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.questions import Question
from orchestrator.lessons.reading import LessonText
from orchestrator.operations.classroom.teacher_actions import begin_if_open, mark_done
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.lessons.lab import LessonLab
from orchestrator.operations.lessons.run import LessonRun
from orchestrator.operations.scenario_library import LoadedScenario, load_scenario
from orchestrator.traffic.exchanges.events import DatagramFlow, DnsExchange, DnsRecord, Endpoint, ExchangeStart, Flow

pytestmark = pytest.mark.slow

LESSON = """---
title: Three tasks
minutes: 1
shell: [client]
tasks:
  answer:
    ask: choices
    title: Who answers?
    choices: [dns, app]
    truth: {value: dns, source: RFC 1034}
    because: DNS answers.
    hints: [It is no app.]
  look-up:
    title: Ask for the address of the app.
    observe: {from: client, resolves: app.shop.lab, to: app}
    solve: {from: client, run: [dig, app.shop.lab]}
  repair:
    title: Repair the app.
    fault: {stop: app}
    holds: {name: It works, from: client, runs: [works]}
    solve: heal
---
::task{answer}

::task{look-up}

::task{repair}
"""
LATER = 4e9  # seconds since 1970: after the beginning of each task


@dataclass
class Programs:
    """What the programs do that checks run in nodes: each of them ends with `exit_code`."""

    exit_code: int = 1
    may_end: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    argvs: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.may_end.set()

    def answer(self, call: ProgramCall) -> Output:
        """The outcome of each program of a batch, as its script prints it."""
        self.argvs.append(tuple(call.argv))
        self.may_end.wait(20)
        if self.error:
            raise self.error
        count = re.search(r"^left=(\d+);", call.argv[-1], re.M)
        text = b64encode(b"nothing\n").decode()
        lines = [f"{number} {self.exit_code} 1.0 1.1 0\n{text}\n" for number in range(int(count[1]) if count else 0)]
        return Output(0, "1.0\n" + "\n".join([*lines, ""]), "")


@dataclass
class Desk:
    """A learner's desk: the lab, what the lesson has told, and the progress that was kept."""

    lab: LessonLab
    programs: Programs
    progress: Progress = field(default_factory=lambda: Progress("shop", 7))
    messages: list[Message] = field(default_factory=list)
    held_from: str = ""
    begin_error: Exception | None = None  # as the task repair begins
    runs: list[LessonRun] = field(default_factory=list)

    def open(self) -> LessonRun:
        """Open the lesson, or open it again another day."""
        tell = self.messages.append
        run = LessonRun(self.lab, self._text, self.progress, tell, self._save, held_from=lambda: self.held_from)
        self.runs.append(run)
        run.begin_task()
        return run

    def _text(self) -> LessonText:
        return load_lesson(self.lab.course, self.progress.seed)

    def _save(self, progress: Progress) -> None:
        if self.begin_error and progress.task("repair").begun:
            raise self.begin_error
        self.progress = progress

    def told(self, kind: type[Message] | tuple[type[Message], ...]) -> list[Message]:
        """The messages of this kind since the last call."""
        messages, self.messages[:] = [message for message in self.messages if isinstance(message, kind)], []
        return messages

    def turn(self, run: LessonRun) -> None:
        """Let the lesson go on until it tells something."""
        known, deadline = len(self.messages), time.monotonic() + 20
        while len(self.messages) == known and time.monotonic() < deadline:
            run.on_time()
            threading.Event().wait(0.002)

    def address(self, node_name: str) -> str:
        return self.lab.handle.address(node_name)

    def question(self, name: str, *, at: float = LATER, number: int = 1) -> DnsExchange:
        """The client's question for an address, and the answer of the lab's DNS server."""
        client, server = Endpoint("client", self.address("client"), 40000), Endpoint("dns", self.address("dns"), 53)
        is_known = name == "app.shop.lab"
        answers = (DnsRecord("A", self.address("app"), "app"),) if is_known else ()
        rcode = "NOERROR" if is_known else "NXDOMAIN"
        flow = Flow(number, "udp", client, server, None)
        return DnsExchange(number, flow, at, at, name, "A", rcode, answers, True, True, False, 1, at)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    programs = Programs()
    for name, text in {"scenario.yaml": TEXT, **SEED, "lesson.md": LESSON}.items():
        (tmp_path / name).write_text(text, "utf-8")
    engine = FakeEngine(list(IMAGES.values()), answer=programs.answer)
    workspace = InMemoryWorkspace(StateFolder(tmp_path / "state"), "unix:///nobody", engine)
    course = load_scenario(str(tmp_path))
    up(workspace, course)
    desk = Desk(LessonLab(workspace, course, "shop", partial(up, workspace)), programs)
    yield desk
    for run in desk.runs:
        run.close()


def up(workspace: InMemoryWorkspace, scenario: LoadedScenario) -> None:
    lab = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2)
    lab.up([fault.id for fault in lab.faults()])


def at_task(desk: Desk, name: str) -> LessonRun:
    """The lesson, where the tasks before this one are done."""
    tasks = ("answer", "look-up", "repair")
    done = {task: TaskProgress(done=True) for task in tasks[: tasks.index(name)]}
    desk.progress = Progress("shop", 7, tasks=done)
    return desk.open()


@pytest.mark.parametrize("held_from", ["answer", "look-up"])
def test_a_task_that_the_teacher_holds_waits_and_begins_when_it_is_open(desk: Desk, held_from: str) -> None:
    desk.held_from = held_from
    run = at_task(desk, "look-up")
    run.on_traffic(desk.question("app.shop.lab"))
    run.on_time()
    run.on_input("solution")
    begin_if_open(run)
    assert desk.told((TaskBegun, TaskDone, SolutionShown)) == []
    assert (run.task_name, desk.progress.task("look-up").begun) == ("look-up", False)
    desk.held_from = ""
    begin_if_open(run)
    begin_if_open(run)
    assert [type(message) for message in desk.told((TaskBegun, TaskHeld, Note))] == [TaskBegun]
    run.on_traffic(desk.question("app.shop.lab", number=2))
    assert run.task_name == "repair"
    run.close()


def test_a_learner_is_told_of_the_hold_and_cannot_go_round_it(desk: Desk) -> None:
    desk.held_from = "look-up"
    run = desk.open()
    run.on_input("dns")
    assert desk.told((TaskBegun, TaskHeld))[1:] == [TaskHeld("look-up")]
    for words in ("hint", "restore repair", "reset task", "restore"):
        run.on_input(words)
    assert desk.told((TaskBegun, HintShown)) == []
    run.on_input("reset")
    assert [type(message) for message in desk.told((TaskBegun, TaskHeld))] == [TaskBegun]


def test_who_has_begun_a_task_goes_on_when_it_is_held(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    desk.held_from = "answer"
    run.on_traffic(desk.question("app.shop.lab"))
    assert [type(message) for message in desk.told((TaskDone, TaskHeld))] == [TaskDone, TaskHeld]
    mark_done(run, "repair")
    assert run.task_name is None
    assert len(desk.told(LessonDone)) == 1
    run.close()


def test_a_lesson_begins_with_its_first_task(desk: Desk) -> None:
    desk.open()
    assert desk.told(TaskBegun) == [
        TaskBegun("answer", 1, 3, "", "Who answers?", is_question=True, choices=("dns", "app"), allowed=())
    ]
    assert desk.progress.task("answer").begun


def test_a_wrong_answer_is_refused_with_its_reason_and_the_right_one_begins_the_next_task(desk: Desk) -> None:
    run = desk.open()
    assert run.on_input("app")
    assert [type(message) for message in desk.told((NotDone, TaskDone))] == [NotDone]
    assert run.task_name == "answer"
    assert run.on_input("dns")
    done, begun = desk.told((TaskDone, TaskBegun))
    assert done == TaskDone("answer", "DNS answers.")
    assert isinstance(begun, TaskBegun)
    assert (begun.task, run.task_name, desk.progress.task("answer").attempts) == ("look-up", "look-up", 2)


def test_the_same_wrong_answer_is_refused_each_time(desk: Desk) -> None:
    run = desk.open()
    for _time in range(2):
        run.on_input("app")
        assert desk.told(NotDone) == [NotDone('"app" is not right.')]


def test_a_hint_and_a_solution_are_shown_and_counted(desk: Desk) -> None:
    run = desk.open()
    run.on_input("hint")
    run.on_input("solution")
    assert desk.told((HintShown, SolutionShown)) == [HintShown(1, 1, "It is no app."), SolutionShown("dns")]
    assert (desk.progress.task("answer").hints, desk.progress.task("answer").solution_shown) == (1, True)


def test_a_wrong_attempt_gets_a_sentence_and_the_right_one_completes_the_task(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    run.on_traffic(desk.question("ap.shop.lab"))
    (told,) = desk.told(NotDone)
    assert told == NotDone(
        "client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name. Expected: a question for app.shop.lab A."
    )
    run.on_traffic(desk.question("app.shop.lab", at=LATER + 9, number=2))
    assert desk.told(TaskDone) == [TaskDone("look-up", f"client asked dns for app.shop.lab A: {desk.address('app')}")]
    assert (run.task_name, desk.progress.task("look-up").attempts) == ("repair", 2)
    run.close()


@pytest.mark.parametrize("back", ["restore look-up", "reset task"])
def test_who_goes_back_may_ask_the_same_again_at_once(desk: Desk, back: str) -> None:
    """What a program asks after it has completed a task is no attempt at the next one; but this is."""
    run = at_task(desk, "look-up")
    run.on_traffic(desk.question("app.shop.lab"))
    assert run.task_name == "repair"
    run.on_input("restore look-up")
    run.on_input(back)
    desk.told(NotDone)
    again = replace(desk.question("app.shop.lab", at=LATER + 1, number=2), type="MX", answers=())
    run.on_traffic(again)
    assert len(desk.told(NotDone)) == 1
    run.close()


@pytest.mark.parametrize(("seconds_later", "sentences"), [(0.0, 0), (60.0, 1)])
def test_an_attempt_in_the_wrong_node_gets_one_sentence(desk: Desk, seconds_later: float, sentences: int) -> None:
    """What began before the sentence belongs to the same attempt; what begins after it is another one."""
    run = at_task(desk, "look-up")
    client, server = Endpoint("app", desk.address("app"), 40000), Endpoint("dns", desk.address("dns"), 53)
    began = time.time()
    question = desk.question("app.shop.lab", at=began)
    run.on_traffic(replace(question, flow=replace(question.flow, client=client, server=server)))
    assert desk.told(NotDone) == [NotDone("app asked dns for app.shop.lab A. Expected: client does it.")]
    run.state.forget_told()
    question = desk.question("app.shop.lab", at=began + seconds_later, number=2)
    run.on_traffic(replace(question, flow=replace(question.flow, client=client, server=server)))
    assert len(desk.told(NotDone)) == sentences
    assert desk.progress.task("look-up").attempts == 1 + sentences


@pytest.mark.parametrize(("seconds_later", "sentences"), [(0.0, 1), (60.0, 2)])
def test_of_several_things_that_one_program_does_to_a_server_one_is_said(
    desk: Desk, seconds_later: float, sentences: int
) -> None:
    """A traceroute sends to one port after the other."""
    run, began = at_task(desk, "look-up"), time.time()
    client = Endpoint("client", desk.address("client"), 40000)
    for number, at in ((33434, began), (33435, began + seconds_later)):
        flow = Flow(number, "udp", client, Endpoint("app", desk.address("app"), number), None)
        run.on_traffic(DatagramFlow(number, flow, at, at, 1, 0, at, "port unreachable"))
    seen = [f"client sent UDP to app, {desk.address('app')}, port {port}: port unreachable" for port in (33434, 33435)]
    expected = "Expected: a question for app.shop.lab A."
    assert desk.told(NotDone) == [NotDone(f"{sentence}. {expected}") for sentence in seen[:sentences]]


@pytest.mark.parametrize(
    ("rcode", "more"),
    [
        ("", []),  # what was said is still so
        ("SERVFAIL", ["client asked dns for app.shop.lab A: SERVFAIL, the server could not find out"]),
    ],
)
def test_of_a_question_without_an_answer_nothing_is_said_a_second_time(desk: Desk, rcode: str, more: list[str]) -> None:
    run, clock = at_task(desk, "look-up"), [10.0]
    run.state.traffic.monotonic = lambda: clock[0]
    run.on_traffic(ExchangeStart(1, "dns", LATER, "client", "dns", 1, "app.shop.lab A", 53, 40000))
    clock[0] += 2.0
    run.on_time()
    silent = "client asked dns for app.shop.lab, and no answer came so far. Expected: a question for app.shop.lab A."
    assert desk.told(NotDone) == [NotDone(silent)]
    run.on_traffic(replace(desk.question("app.shop.lab"), rcode=rcode, answers=(), ended=None))
    assert desk.told(NotDone) == [NotDone(f"{sentence}. Expected: the address of app.") for sentence in more]
    assert desk.progress.task("look-up").attempts == 1


def test_what_crossed_the_wire_before_the_task_began_completes_nothing(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    run.on_traffic(desk.question("app.shop.lab", at=1.0))
    assert (desk.told((NotDone, TaskDone)), run.task_name) == ([], "look-up")


def test_an_attempt_at_a_repair_is_answered_and_heal_completes_it(desk: Desk) -> None:
    run = at_task(desk, "repair")
    (begun,) = desk.told(TaskBegun)
    assert isinstance(begun, TaskBegun)
    assert begun.allowed == ("Take back what was broken: wirelab heal shop",)
    run.on_time()
    assert desk.told(NotDone) == []  # nothing was tried
    run.on_traffic(ExchangeStart(1, "opening", LATER, "client", "app", 1, "app:80", 80))
    run.on_traffic(refused(desk))
    desk.turn(run)
    assert len(desk.told(NotDone)) == desk.progress.task("repair").attempts == 1
    desk.lab.handle.heal()
    desk.programs.exit_code = 0
    desk.turn(run)
    done, over = desk.told((TaskDone, LessonDone))
    assert isinstance(done, TaskDone)
    assert isinstance(over, LessonDone)
    assert (done.task, over.done, run.task_name) == ("repair", 3, None)


def cause_is_told_and_one_attempt_counted(desk: Desk, run: LessonRun) -> None:
    """The check of the repair is judged now, and the lesson ends."""
    desk.programs.may_end.set()
    desk.turn(run)
    (cause,) = desk.told(NotDone)
    assert isinstance(cause, NotDone)
    assert cause.is_cause
    assert desk.progress.task("repair").attempts == 1
    run.close()


def refused(desk: Desk) -> DnsExchange:
    """What ends the first exchange."""
    return desk.question("ap.shop.lab")


def test_a_command_that_repairs_nothing_is_answered_by_the_next_judgement(desk: Desk) -> None:
    """What is wrong is said of `heal` and `up`, and not of what the lesson itself does to the lab."""
    run = at_task(desk, "repair")
    run.on_time()
    assert desk.told(NotDone) == []  # the lesson has put a fault in
    desk.lab.handle.heal()
    desk.turn(run)
    assert len(desk.told(NotDone)) == desk.progress.task("repair").attempts == 1
    run.on_input("restore")
    for _ in range(3):
        run.on_time()
    assert (desk.told(NotDone), desk.progress.task("repair").attempts) == ([], 1)
    desk.lab.handle.made.settings.publish(LabEvent("up", 0))
    desk.turn(run)
    assert len(desk.told(NotDone)) == 1
    assert (run.task_name, desk.progress.task("repair").attempts) == ("repair", 2)


def test_a_command_is_judged_once_it_has_ended(desk: Desk) -> None:
    run = at_task(desk, "repair")
    with lab_lock(desk.lab.handle.made.state, "shop"):
        desk.lab.handle.made.settings.publish(FaultEvent("out", "stop app", "stop-app", "me"))
        for _ in range(20):
            run.on_time()
            threading.Event().wait(0.01)
        assert desk.told(NotDone) == []
    desk.turn(run)
    assert len(desk.told(NotDone)) == 1


def test_a_check_that_holds_while_the_fault_is_in_is_no_repair(desk: Desk) -> None:
    run = at_task(desk, "repair")
    desk.programs.exit_code = 0
    run.on_traffic(ExchangeStart(1, "http", LATER, "client", "app", 1, "GET /", 80))
    run.on_traffic(refused(desk))
    desk.turn(run)
    (told,) = desk.told(NotDone)
    assert isinstance(told, NotDone)
    assert told.sentence.startswith("The check holds at the moment, but what the task broke is still broken.")
    assert run.task_name == "repair"


def test_reset_of_a_task_and_of_the_lesson_forget_what_was_done(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    run.on_traffic(desk.question("ap.shop.lab"))
    run.on_input("reset task")
    assert (run.task_name, desk.progress.task("look-up").attempts) == ("look-up", 0)
    assert desk.progress.task("answer").done
    run.on_input("reset")
    assert (run.task_name, desk.progress.task("answer").done) == ("answer", False)
    assert [begun.task for begun in desk.told(TaskBegun) if isinstance(begun, TaskBegun)] == [
        "look-up",
        "look-up",
        "answer",
    ]


def test_restore_breaks_the_lab_of_a_repair_again(desk: Desk) -> None:
    run = at_task(desk, "repair")
    desk.lab.handle.heal()
    assert desk.lab.differences(run.text.lesson.tasks["repair"])
    run.on_input("restore")
    assert desk.told(Note) == [Note("The lab is again what it was when this task began.")]
    assert desk.lab.differences(run.text.lesson.tasks["repair"]) == ()


def test_a_lesson_goes_on_where_it_was_left(desk: Desk) -> None:
    """Its lab is whole while nobody learns, and broken again when the task goes on; attempts stay counted."""
    run = at_task(desk, "repair")
    run.on_traffic(ExchangeStart(1, "http", LATER, "client", "app", 1, "GET /", 80))
    run.on_traffic(refused(desk))
    desk.turn(run)
    assert not run.on_input("quit")
    run.close()
    assert desk.lab.handle.made.faults() == ()
    desk.told(TaskBegun)
    again = desk.open()
    (begun,) = desk.told(TaskBegun)
    assert isinstance(begun, TaskBegun)
    assert (begun.task, begun.number, desk.progress.task("repair").attempts) == ("repair", 3, 1)
    assert len(desk.lab.handle.made.faults()) == 1
    again.close()


def test_a_lab_that_is_gone_is_said_once_and_the_task_begins_again_in_the_new_one(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    desk.told(TaskBegun)
    run.on_lab_gone()
    run.on_lab_gone()
    assert len(desk.told(Note)) == 1
    run.on_lab_back()
    note, begun = desk.told((Note, TaskBegun))
    assert note == Note("The lab was removed and made anew. The task begins again.")
    assert isinstance(begun, TaskBegun)
    assert begun.task == "look-up"


def test_an_attempt_while_the_check_is_judged_is_answered_in_time(desk: Desk) -> None:
    """By what came of the attempt; the cause follows when the check has been judged anew."""
    run = at_task(desk, "repair")
    desk.programs.may_end.clear()
    run.on_traffic(ExchangeStart(1, "http", LATER, "client", "app", 1, "GET /", 80))
    run.on_traffic(refused(desk))
    run.on_time()  # the judgement begins, and its first program does not end
    desk.told(NotDone)
    run.on_traffic(ExchangeStart(2, "dns", LATER, "client", "dns", 2, "ap.shop.lab A", 53, 40000))
    run.on_traffic(desk.question("ap.shop.lab", number=2))
    desk.turn(run)
    assert desk.told(NotDone) == [
        NotDone(
            "client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name. Expected: this check holds: It works."
        )
    ]
    cause_is_told_and_one_attempt_counted(desk, run)


def test_a_first_attempt_that_went_well_is_answered_before_the_check_is_judged(desk: Desk) -> None:
    """The judgement may take long; what it finds follows."""
    run = at_task(desk, "repair")
    desk.programs.may_end.clear()
    run.on_traffic(ExchangeStart(1, "dns", LATER, "client", "dns", 1, "app.shop.lab A", 53, 40000))
    run.on_traffic(desk.question("app.shop.lab"))
    desk.turn(run)
    seen = f"client asked dns for app.shop.lab A: {desk.address('app')}"
    assert desk.told(NotDone) == [NotDone(f"{seen}. It is not known yet whether this check holds: It works.")]
    cause_is_told_and_one_attempt_counted(desk, run)


def test_an_attempt_at_a_repair_that_sends_nothing_is_answered(desk: Desk) -> None:
    """The journal tells of it, and no packet does."""
    run = at_task(desk, "repair")
    desk.programs.may_end.clear()
    publish = desk.lab.workspace.journal("shop").publish
    publish(ProgramEvent("started", "client", ("python3", "server.py")))  # it may be the repair
    publish(ProgramEvent("started", "client", ("curl", "http://10.0.0.1/")))
    desk.turn(run)
    seen = "'curl http://10.0.0.1/' ran in client, and nothing that it sent was seen on a network so far"
    assert desk.told(NotDone) == [NotDone(f"{seen}. Expected: this check holds: It works.")]
    desk.programs.may_end.set()
    run.close()


def test_a_check_that_cannot_be_judged_is_said_of_the_attempt_and_the_lesson_goes_on(desk: Desk) -> None:
    run = at_task(desk, "repair")
    desk.programs.may_end.clear()
    run.on_traffic(ExchangeStart(1, "http", LATER, "client", "app", 1, "GET /", 80))
    run.on_traffic(refused(desk))
    run.on_time()  # the judgement begins
    desk.told(NotDone)
    desk.programs.error = RuntimeError("a defect")
    desk.programs.may_end.set()
    desk.turn(run)
    told = desk.told(NotDone)
    while not told or "could not find out" not in str(told[-1]):
        desk.turn(run)
        told = desk.told(NotDone)
    desk.programs.error = None
    assert "RuntimeError: a defect" in str(told[-1])
    desk.programs.exit_code = 0
    desk.lab.handle.heal()
    desk.turn(run)
    assert desk.told(TaskDone)
    run.close()


def test_a_slow_engine_is_said_once_and_does_not_end_the_lesson(desk: Desk) -> None:
    run = at_task(desk, "look-up")
    desk.told(Note)
    for _ in range(2):
        with run.while_engine_answers():
            raise TookTooLong("to list containers took too long")
    (note,) = desk.told(Note)
    assert isinstance(note, Note)
    assert "(to list containers took too long). The lesson goes on when it answers." in note.text
    with pytest.raises(NotFound), run.while_engine_answers():
        raise NotFound("another error")


def test_a_task_that_a_slow_engine_kept_from_beginning_begins_when_it_answers(desk: Desk) -> None:
    """The lab is brought to its own state first: the fault of the task may be in already."""
    run = at_task(desk, "look-up")
    desk.told(TaskBegun)
    desk.begin_error = EngineMissing("the container engine does not answer")
    with run.while_engine_answers():
        run.on_traffic(desk.question("app.shop.lab"))
    assert desk.told(TaskBegun) == []
    desk.begin_error = None
    run.on_time()
    assert [begun.task for begun in desk.told(TaskBegun) if isinstance(begun, TaskBegun)] == ["repair"]
    run.close()


ORDER_LESSON = """---
title: An order
minutes: 1
shell: [client]
tasks:
  where:
    ask: addresses
    title: Which address has the app?
    truth: {address_of: app}
    because: The lab gave it.
  order:
    title: In which order?
    predict: {from: client, run: [curl, "http://app.shop.lab/"]}
    because: So it is.
---
::task{where}

::task{order}
"""
ORDER = Question(("it connects", "it looks up", "it asks"), "2 1 3", in_order=True)


def at_order(desk: Desk) -> None:
    """A learner at the task order, whose question was drawn another day."""
    (desk.lab.course.folder / "lesson.md").write_text(ORDER_LESSON, "utf-8")
    task, topology = load_lesson(desk.lab.course, 7).lesson.tasks["order"], desk.lab.handle.made
    assert isinstance(task, PredictTask)
    basis = basis_of(task, topology.topology(topology.observe()), 7)
    at_it = Progress("shop", 7, tasks={"where": TaskProgress(done=True), "order": TaskProgress(begun=True, attempts=2)})
    desk.progress = with_question(at_it, "order", ORDER, basis)


def test_a_question_that_packets_answered_is_the_same_for_who_comes_back(desk: Desk) -> None:
    """The engine in memory has no packets: a question that were drawn anew could not be asked at all."""
    at_order(desk)
    for _ in range(2):
        run = desk.open()
        (begun,) = desk.told(TaskBegun)
        assert isinstance(begun, TaskBegun)
        assert (begun.choices, desk.progress.task("order").attempts) == (ORDER.choices, 2)
        assert not run.on_input("quit")
        run.close()
    run = desk.open()
    run.on_lab_gone()
    run.on_lab_back()
    run.on_input("restore")
    run.on_input("solution")
    run.on_input("1 2 3")
    assert desk.told((SolutionShown, NotDone)) == [
        SolutionShown("2 1 3"),
        NotDone('Place 1 is wrong: "it connects" comes later.'),
    ]
    run.on_input("2 1 3")
    assert len(desk.told(LessonDone)) == 1


def test_reset_draws_the_question_of_the_task_anew(desk: Desk) -> None:
    at_order(desk)
    run = desk.open()
    with pytest.raises(WirelabError):  # no packet is seen in memory
        run.on_input("reset task")
    assert "order" not in desk.progress.questions


def test_the_story_of_an_order_stays_hidden_until_the_order_is_right(desk: Desk) -> None:
    """What was sent to find it out counts as wirelab's own; afterwards the request is sent for all to see."""
    at_order(desk)
    run, request = desk.open(), ("curl", "http://app.shop.lab/")
    run.on_input("1 2 3")
    assert request not in desk.programs.argvs
    run.on_input("2 1 3")
    assert desk.programs.argvs[-1] == request
    assert probe_events(desk.lab.workspace.state, "shop") == ()
    since = time.time()
    run.on_input("reset")
    with pytest.raises(WirelabError):  # no packet is seen in memory
        run.on_input(desk.address("app"))
    (probed,) = probe_events(desk.lab.workspace.state, "shop")
    assert (probed.node, since <= probed.since <= probed.until <= time.time()) == ("client", True)


def test_a_question_for_an_address_is_kept_and_begins_anew_with_the_lesson(desk: Desk) -> None:
    at_order(desk)
    desk.progress = Progress("shop", 7)
    run = desk.open()
    (first,) = desk.told(TaskBegun)
    kept = desk.progress.questions["where"]
    assert isinstance(first, TaskBegun)
    assert kept["choices"] == list(first.choices)
    run.on_input("solution")
    assert desk.told(SolutionShown) == [SolutionShown(desk.address("app"))]
    run.close()
    again = desk.open()
    assert desk.told(TaskBegun) == [first]
    again.on_input("solution")
    assert desk.told(SolutionShown) == [SolutionShown(desk.address("app"))]
    again.on_input("reset")
    assert desk.progress.questions == {"where": kept}  # the same lab and the same seed
    again.close()
