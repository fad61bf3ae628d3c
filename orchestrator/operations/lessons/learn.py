"""Learn: bring the lab of a lesson up, run the lesson in it, and go on where the learner stopped."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.events import ProbeEvent
from orchestrator.lab.lock import lesson_lock
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.variables import address_values
from orchestrator.operations.command_record import recorded
from orchestrator.operations.lessons.common_truths import CommonTruths, makes_all
from orchestrator.operations.lessons.files import ProgressStore, load_lesson
from orchestrator.operations.lessons.lab import LessonLab
from orchestrator.operations.lessons.run import LessonRun
from orchestrator.operations.lifecycle import UpOptions, bring_up, bring_up_in_run
from orchestrator.operations.live.traffic import LiveTraffic, TrafficReader

if TYPE_CHECKING:
    from orchestrator.events import Event
    from orchestrator.lessons.messages import Message
    from orchestrator.lessons.reading import LessonText
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.traffic.exchanges.events import TrafficEvent

SEEDS = 1_000_000
TURN_SECONDS = 0.1


@dataclass(frozen=True)
class InClass:
    """What is special about a lesson in a class.

    `held_from` names the first task that the teacher holds. With `close_host`, internal networks of the lab are closed
    to the engine's host. New labs share `truths`. With `reads_later`, the program that reads packets starts when
    somebody opens the seat, or with the first packet.
    """

    held_from: Callable[[], str] = lambda: ""
    close_host: bool = False
    truths: CommonTruths | None = None
    reads_later: bool = False


@dataclass(frozen=True)
class OpenLesson:
    """A lesson that runs: the learner's run, the traffic of its lab, and what the lesson reads of it."""

    run: LessonRun
    traffic: LiveTraffic
    reader: TrafficReader

    def turn(self, line: str | None = None) -> bool:
        """Take a line that was typed, look at what crossed the wire, judge checks. False where the lesson ends."""
        with self.run.while_engine_answers():
            if self.traffic.has_ended and self.run.lesson_lab.stands():
                with suppress(NotFound):  # it is on its way down again
                    self.traffic.restart()
        return self.react(line, self.reader.new_events(TURN_SECONDS))

    def react(self, line: str | None, events: Sequence[TrafficEvent]) -> bool:
        """As `turn`, to events that were read already. Somebody else restarts the traffic that ends with the lab."""
        if line is not None:
            goes_on = True
            with self.run.while_engine_answers():
                goes_on = self.run.on_input(line)
            if not goes_on:
                return False
        for event in events:
            with self.run.while_engine_answers():
                self.run.on_traffic(event)
        with self.run.while_engine_answers():
            self._on_time()
        return self.run.task_name is not None

    def _on_time(self) -> None:
        failure = self.traffic.failure
        # A capture that is begun while somebody removes the lab finds none; the lab may stand again by now.
        if failure and not isinstance(failure, NotFound) and self.run.lesson_lab.stands():
            raise failure
        if self.traffic.has_ended:
            self.run.on_lab_gone()
        else:
            self._on_lab()

    def _on_lab(self) -> None:
        """Begin the task again in a lab that is new, or judge checks; neither in one that is just being removed."""
        try:
            if self.run.is_lab_gone:
                self.run.on_lab_back()
            else:
                self.run.on_time()
        except NotFound:
            if self.run.lesson_lab.stands():
                raise


@contextmanager
def open_lesson(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    *,
    tell: Callable[[Message], None],
    seed: int | None = None,
    seat: str = "",
    on_up: Callable[[], None] = lambda: None,
    keep_result: Callable[[Progress], None] = lambda _progress: None,
    in_class: InClass | None = None,
    keeps_packets: bool = False,
) -> Iterator[OpenLesson]:
    """Bring the whole lab up and begin, or go on with, the lesson of its scenario. The lab stays at the end.

    `on_up` is called once the lab is up, `keep_result` with each progress, the first time before that. With
    `keeps_packets`, the lab is recorded, and the progress has the packets that completed a task. Raises UsageInvalid
    where the scenario has no lesson, FileInvalid where the lesson is wrong, and LabBusy where another process has it
    open.
    """
    store, name = ProgressStore(workspace.state), lab_name or scenario.reading.scenario.name
    _require_lesson(workspace, scenario, name)
    with lesson_lock(workspace.state, name):
        progress = _begun(store.load(name, seat), scenario, seed, seat)
        keep_result(progress)
        in_class = in_class or InClass()
        options = UpOptions(keep=True, heal=True, close_host=in_class.close_host, capture=keeps_packets)
        result = bring_up(workspace, scenario, name, options)
        in_class = in_class if makes_all(result.plan, scenario.reading.scenario) else replace(in_class, truths=None)
        on_up()
        store.save(name, progress)

        def save(kept: Progress) -> None:
            store.save(name, kept)
            keep_result(kept)

        def up(wanted: LoadedScenario) -> None:
            quiet = workspace.without_watcher()
            with (guard := workspace.guard(keep=True)) as run:
                options = UpOptions(keep=True, heal=True, capture=keeps_packets)
                bring_up_in_run(quiet, wanted, name, options, run, on_complete=guard.release)

        with (
            recorded(workspace.without_watcher(), name),
            lesson_in(workspace, scenario, name, progress, tell, save, up, in_class, keeps_packets) as lesson,
        ):
            yield lesson


@contextmanager
def lesson_in(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str,
    progress: Progress,
    tell: Callable[[Message], None],
    save: Callable[[Progress], None],
    bring_up_again: Callable[[LoadedScenario], None],
    in_class: InClass | None = None,
    keeps_packets: bool = False,
) -> Iterator[OpenLesson]:
    """Run the lesson in a lab that is up. What a task changes in the lab ends with it.

    `bring_up_again` makes the lab what a scenario declares: the lesson's own, or the lab's copy of it.
    """
    probes: list[ProbeEvent] = []

    def keep_probe(event: Event) -> None:
        if isinstance(event, ProbeEvent):
            probes.append(event)

    watched = replace(workspace, on_event=keep_probe)
    lesson_lab = LessonLab(watched, scenario, lab_name, bring_up_again)
    shell = load_lesson(scenario, progress.seed).lesson.shell[0]

    def load_text() -> LessonText:
        return load_lesson(scenario, progress.seed, address_values(lesson_lab.topology(), shell), lab_name)

    in_class = in_class or InClass()
    live = LiveTraffic(workspace, scenario, lab_name, reads_later=in_class.reads_later)
    held_from, truths = in_class.held_from, in_class.truths
    run = LessonRun(
        lesson_lab, load_text, progress, tell, save, probes, held_from, live, truths, keeps_packets=keeps_packets
    )
    with live as traffic:
        reader = traffic.reader()
        traffic.await_begin()  # from then on nothing that the learner does is missed
        run.begin_task()
        try:
            yield OpenLesson(run, traffic, reader)
        finally:
            run.close()


def _require_lesson(workspace: Workspace, scenario: LoadedScenario, lab_name: str) -> None:
    """Say what is wrong with the lesson, or with the lab for one, before anything is made."""
    load_lesson(scenario)
    workspace.require_recordable(lab_name)


def _begun(kept: Progress | None, scenario: LoadedScenario, seed: int | None, seat: str) -> Progress:
    """The progress that was kept, unless it is of another lesson or another seed is wished; otherwise a new one."""
    name = scenario.reading.scenario.name
    if kept and kept.lesson == name and seed in (None, kept.seed):
        return kept
    return Progress(name, secrets.randbelow(SEEDS) if seed is None else seed, seat)
