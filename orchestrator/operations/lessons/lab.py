"""The lab of a lesson: as the course declares it, or as a task has changed it by faults and edits of its own file."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchestrator.errors import FileInvalid, LabBusy
from orchestrator.lessons.lesson import DoneTask
from orchestrator.lessons.repairs import LabChange, UncountedRepair, uncounted_repair
from orchestrator.lessons.setup import edited, permission_texts
from orchestrator.model.faults.record import RecordChanged
from orchestrator.operations.lab_handle import LabHandle
from orchestrator.operations.lessons.node_work import NodeWork
from orchestrator.operations.scenario_library import FILE, LoadedScenario, load_scenario
from orchestrator.planning import labels
from orchestrator.planning.lab_ref import LabRef

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.model.topology import Topology
    from orchestrator.operations.workspace import Workspace

BUSY_SECONDS = 60.0  # for a command of the learner, such as `heal`, to end
BUSY_PAUSE_SECONDS = 0.1
T = TypeVar("T")


@dataclass
class LessonLab:
    """A lab that is up, for the tasks of a lesson. `handle` is replaced as the file changes that the lab is made from.

    `bring_up` makes the lab what a scenario declares, with no fault in it.
    """

    workspace: Workspace
    course: LoadedScenario
    name: str
    bring_up: Callable[[LoadedScenario], object]
    work: NodeWork = field(default_factory=NodeWork)
    handle: LabHandle = field(init=False)
    _fault_ids: tuple[str, ...] = ()
    _is_changed: bool = False
    _networks: frozenset[str] = frozenset()
    _topology: tuple[int, tuple[int, ...], Topology] | None = None

    def __post_init__(self) -> None:
        self.handle = self._handle(self.course)

    def _handle(self, scenario: LoadedScenario) -> LabHandle:
        made = self.workspace.lab(scenario, self.name, extra_images=("capture",))
        return LabHandle(made, self.workspace, scenario)

    @property
    def copy(self) -> Path:
        """The lab's own copy of the scenario file, which a learner may edit."""
        return self.workspace.state.root / "lessons" / self.name / FILE

    def stands(self) -> bool:
        """Whether all machines of the lab are there."""
        containers = self.handle.made.observe().containers
        made = {container.labels.get(labels.NODE) for container in containers if container.state != "created"}
        return made >= set(self.course.reading.scenario.nodes)

    def topology(self) -> Topology:
        """The lab's addresses. The engine is asked again only after somebody has worked on the lab."""
        stamp, made = self._journal_stamp(), self.handle.made
        if self._topology and stamp and self._topology[:2] == (id(made), stamp):
            return self._topology[2]
        topology = made.topology(made.observe())
        self._topology = (id(made), stamp, topology)
        return topology

    def _journal_stamp(self) -> tuple[int, ...]:
        """What differs whenever the lab's journal does: each command writes to it. Empty where there is none."""
        from orchestrator.lab.journal import journal_file

        try:
            status = journal_file(self.workspace.state, self.name).stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns

    def last_change(self) -> float:
        """When somebody last worked on the lab."""
        stamp = self._journal_stamp()
        return stamp[-1] / 1e9 if stamp else 0.0

    @property
    def is_broken(self) -> bool:
        """Whether the task has changed the lab."""
        return self._is_changed

    @property
    def is_worked_on(self) -> bool:
        """Whether a command works on the lab at this moment, such as `heal`, which ends a fault before its record."""
        from orchestrator.lab.lock import lab_lock

        try:
            with lab_lock(self.handle.made.state, self.name):
                return False
        except LabBusy:
            return True

    def permissions(self, task: AnyTask) -> tuple[str, ...]:
        """What the learner may do to repair the lab, one sentence each."""
        if not isinstance(task, DoneTask):
            return ()
        # By the lab's own name, which means the file that the lab was made from last.
        return permission_texts(task.allowed, LabRef(self.name), str(self.copy))

    def begin(self, task: AnyTask, *, goes_on: bool = False) -> None:
        """Change the lab as the task wants it. Where the learner goes on with the task, their own edits stay."""
        if isinstance(task, DoneTask) and task.uses_copy:
            self._is_changed = True
            scenario = (self._edited_by_learner() if goes_on else None) or self._copied(task)
            self._up(scenario)
            self.handle = self._handle(scenario)
        for fault in task.faults:
            from orchestrator.lab.faults import inject

            self._is_changed = True
            change = _when_free(partial(inject, self.handle.made, fault))
            self._fault_ids += tuple(injected.id for injected in change.faults)
        if self._is_changed:
            self._networks = self._network_ids()
            self.work.begin(self.handle)

    def _up(self, scenario: LoadedScenario) -> None:
        _when_free(partial(self.bring_up, scenario))

    def _network_ids(self) -> frozenset[str]:
        """The networks of the lab, which stay as long as it stands."""
        networks = self.handle.made.engine.networks()
        return frozenset(network.id for network in networks if network.labels.get(labels.LAB) == self.name)

    def _edited_by_learner(self) -> LoadedScenario | None:
        """The copy as the learner left it; None where there is none, or where it is no scenario."""
        try:
            return self._load_copy() if self.copy.is_file() else None
        except FileInvalid:
            return None

    def _copied(self, task: DoneTask) -> LoadedScenario:
        """The copy as it is when the task begins, with the files beside it."""
        folder = self.workspace.state.private(self.copy.parent)
        for name, text in self.course.reading.texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        self.copy.write_text(edited(self.course.text, task.edits), "utf-8")
        return self._load_copy()

    def _load_copy(self) -> LoadedScenario:
        return replace(load_scenario(str(self.copy)), typed=self.name)

    def undo_edits(self) -> None:
        """Do what the solution `edit` says: write the copy as the course has it, and `up`."""
        self.copy.write_text(self.course.text, "utf-8")
        self._up(self._load_copy())

    def refresh(self) -> None:
        """See the scenario as the last `up` read it: the learner may have edited the copy."""
        from orchestrator.lab.source import source_of
        from orchestrator.reading.scenario import read_scenario

        source = source_of(self.workspace.state, self.name)
        if source and source.text != self.handle.loaded.text:
            file = Path(source.file)
            reading = read_scenario(source.text, file=source.file, read_companion=source.beside.get)
            self.handle = self._handle(LoadedScenario(file.parent, source.file, reading, source.text, self.name))

    def end(self, *, keep_copy: bool = False) -> None:
        """Make the lab again what the course declares, where the task or the learner has changed it."""
        if not self._is_changed:
            return
        self._up(self.course)
        self.handle = self._handle(self.course)
        self._fault_ids, self._is_changed = (), False
        if not keep_copy:
            shutil.rmtree(self.copy.parent, ignore_errors=True)

    def restore_course(self) -> None:
        """Make the lab what the course declares, whatever was done to it."""
        self._is_changed = True
        self.end()

    def restore(self, task: AnyTask) -> None:
        """Make the lab what it is when the task begins, whatever was done to it since."""
        if isinstance(task, DoneTask) and task.uses_copy:
            self._fault_ids = ()  # to bring the lab up from the copy heals all faults
        else:
            self.restore_course()
        self.begin(task)

    def renew(self, task: AnyTask) -> None:
        """Make all machines new, with their data, and restore the lab. The networks stay: the lesson listens there."""
        self._remove_nodes(self.handle.made.scenario.nodes)
        self.restore(task)

    def _remove_nodes(self, names: Collection[str]) -> None:
        """Remove the machines of these nodes, with their data."""
        from orchestrator.lab.lock import lab_lock

        made = self.handle.made
        with lab_lock(made.state, made.name):
            observed = made.standing()
            for container in observed.containers:
                if container.labels.get(labels.NODE) in names:
                    made.engine.remove_container(container.id)
            for volume in observed.volumes:
                if volume.labels.get(labels.NODE) in names:
                    made.engine.remove_volume(volume.name)

    def differences(self, task: AnyTask) -> tuple[str, ...]:
        """What of the lab is not as it is when the task begins: steps that `up` would do, and other faults."""
        words = [" ".join(fault.fault.words) for fault in self.handle.made.faults()]
        wanted = [" ".join(fault.words) for fault in task.faults]
        faults = () if words == wanted else (f"the faults are {', '.join(words) or 'none'}",)
        text = edited(self.course.text, task.edits)
        other_file = () if self.handle.loaded.text == text else ("the lab was made from another file",)
        return (*map(str, self.handle.made.plan().steps), *faults, *other_file)

    def change(self, task: DoneTask, named: Collection[str]) -> LabChange:
        """What was done to the lab since the task broke it; `named` are the nodes in which work counts."""
        from orchestrator.lab.source import source_of

        faults = self.handle.made.faults()
        ids = {fault.id for fault in faults}
        wanted = self.copy if task.uses_copy else self.course.path
        source = source_of(self.workspace.state, self.name)
        file = source.file if source else ""
        return LabChange(
            is_new=self._network_ids() != self._networks,
            other_file="" if os.path.realpath(file) == os.path.realpath(wanted) else file,
            is_edited=source is not None and source.text != edited(self.course.text, task.edits),
            healed=len([fault_id for fault_id in self._fault_ids if fault_id not in ids]),
            broken=len([fault_id for fault_id in self._fault_ids if fault_id in ids]),
            has_own_record=any(
                isinstance(fault.fault, RecordChanged) and fault.id not in self._fault_ids for fault in faults
            ),
            worked_in=self.work.nodes(self.handle, named),
        )

    def uncounted_repair(self, task: DoneTask, named: Collection[str]) -> UncountedRepair | None:
        """What is said of a check that holds, where the task broke the lab, and it was not repaired as it allows."""
        return uncounted_repair(task, self.change(task, named)) if self.is_broken else None

    def break_again(self, task: AnyTask, changed_nodes: Collection[str] = ()) -> None:
        """Make the lab what it is when the task begins; the learner's own edits of the copy stay.

        What was changed inside of nodes ends with them: these are made anew.
        """
        if changed_nodes:
            self._remove_nodes(changed_nodes)
        self.end(keep_copy=True)
        self.begin(task, goes_on=True)

    def undo(self) -> tuple[str, ...]:
        """Heal the faults that the learner has put in; their ids. Those of the task stay."""
        own = tuple(fault.id for fault in self.handle.made.faults() if fault.id not in self._fault_ids)
        if own:
            self.handle.heal(*own)
        return own


def _when_free(change: Callable[[], T]) -> T:
    """Change the lab as soon as no command of the learner works on it. Raises LabBusy after a minute."""
    deadline = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < deadline:
        try:
            return change()
        except LabBusy:
            time.sleep(BUSY_PAUSE_SECONDS)
    return change()
