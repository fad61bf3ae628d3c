"""The lab of a lesson: as the course declares it, or as a task has changed it by faults and edits of its own file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import FileInvalid
from orchestrator.lessons.lesson import DoneTask
from orchestrator.lessons.setup import edited, permission_texts
from orchestrator.operations.lab_handle import LabHandle
from orchestrator.operations.scenario_library import FILE, LoadedScenario, load_scenario
from orchestrator.planning import labels
from orchestrator.planning.lab_ref import LabRef

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.operations.workspace import Workspace


@dataclass
class LessonLab:
    """A lab that is up, for the tasks of a lesson. `handle` is replaced as the file changes that the lab is made from.

    `bring_up` makes the lab what a scenario declares, with no fault in it.
    """

    workspace: Workspace
    course: LoadedScenario
    name: str
    bring_up: Callable[[LoadedScenario], object]
    handle: LabHandle = field(init=False)
    _fault_ids: tuple[str, ...] = ()
    _is_changed: bool = False

    def __post_init__(self) -> None:
        self.handle = self._handle(self.course)

    def _handle(self, scenario: LoadedScenario) -> LabHandle:
        made = self.workspace.lab(scenario, self.name, extra_images=("capture",))
        return LabHandle(made, self.workspace, scenario)

    @property
    def copy(self) -> Path:
        """The lab's own copy of the scenario file, which a learner may edit."""
        return self.workspace.state.root / "lessons" / self.name / FILE

    @property
    def is_broken(self) -> bool:
        """Whether the task has changed the lab."""
        return self._is_changed

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
            self.bring_up(scenario)
            self.handle = self._handle(scenario)
        for fault in task.faults:
            from orchestrator.lab.faults import inject

            self._is_changed = True
            self._fault_ids += tuple(injected.id for injected in inject(self.handle.made, fault).faults)

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
        self.bring_up(self._load_copy())

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
        self.bring_up(self.course)
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
        self.restore_course()
        self.begin(task)

    def renew(self, task: AnyTask) -> None:
        """Make all machines new, with their data, and restore the lab. The networks stay: the lesson listens there."""
        from orchestrator.lab.lock import lab_lock

        made = self.handle.made
        with lab_lock(made.state, made.name):
            observed = made.standing()
            for container in observed.containers:
                if labels.NODE in container.labels:
                    made.engine.remove_container(container.id)
            for volume in observed.volumes:
                made.engine.remove_volume(volume.name)
        self.restore(task)

    def differences(self, task: AnyTask) -> tuple[str, ...]:
        """What of the lab is not as it is when the task begins: steps that `up` would do, and other faults."""
        words = [" ".join(fault.fault.words) for fault in self.handle.made.faults()]
        wanted = [" ".join(fault.words) for fault in task.faults]
        faults = () if words == wanted else (f"the faults are {', '.join(words) or 'none'}",)
        text = edited(self.course.text, task.edits)
        other_file = () if self.handle.loaded.text == text else ("the lab was made from another file",)
        return (*map(str, self.handle.made.plan().steps), *faults, *other_file)

    def undo(self) -> tuple[str, ...]:
        """Heal the faults that the learner has put in; their ids. Those of the task stay."""
        own = tuple(fault.id for fault in self.handle.made.faults() if fault.id not in self._fault_ids)
        if own:
            self.handle.heal(*own)
        return own
