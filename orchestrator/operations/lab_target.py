"""Find the lab that a command means, by the lab's name or by its scenario, from any folder.

A NAME is first the name of a lab that stands. Such a lab knows the file that it was made from, and holds a copy of it.
Only then is it the name or the path of a scenario, whose lab has the scenario's name.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import UsageInvalid
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal_reader import has_journal
from orchestrator.lab.source import LabSource, lab_names, labs_made_from, source_of
from orchestrator.operations.scenario_library import (
    LoadedScenario,
    all_scenarios,
    display_path,
    find_scenario,
    load_scenario,
    scenario_name,
)
from orchestrator.operations.workspace import LAB_NAME, valid_lab_name
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class LabTarget:
    """A lab, and the scenario that it is read as. `note` tells a person which of two things NAME was taken for."""

    lab_name: str
    scenario: LoadedScenario
    note: str = ""


@dataclass(frozen=True)
class LabFinder:
    """Finds labs of a state folder, as somebody in the folder `cwd` names them. Asks no engine."""

    state: StateFolder
    cwd: Path

    def find(self, name: str | None, lab_name: str | None, *, file_needed: bool = False) -> LabTarget:
        """The lab of NAME, of `--lab LAB`, or of both; without any, that of the scenario in whose folder we stand.

        Where the scenario's file is gone, it is read from the lab's copy, unless the file is needed. Raises
        UsageInvalid if there is neither a lab nor a scenario, FileInvalid if the scenario is wrong.
        """
        if lab_name:
            source = source_of(self.state, valid_lab_name(lab_name))
            if source and (not name or self._is_source(name, source)):
                return LabTarget(lab_name, self._scenario_of(lab_name, source, file_needed))
            if not name and not source and lab_name not in lab_names(self.state):
                self._require_scenario_here(lab_name)
            return LabTarget(lab_name, self._scenario(name, file_needed))
        source = source_of(self.state, name) if name and LAB_NAME.fullmatch(name) else None
        if name and source:
            return self._standing(name, source, file_needed)
        try:
            path = find_scenario(name, self.cwd)
        except UsageInvalid as error:
            return self._made_from(name or "", error, file_needed)
        return self._of_scenario(self._load(str(path)))

    def _require_same(self, name: str | None, lab_name: str) -> None:
        """Raise UsageInvalid where NAME means something else than what the lab was made from."""
        source = source_of(self.state, lab_name)
        if not name or not source or name in (lab_name, source.scenario) or self._is_source(name, source):
            return
        try:
            path = find_scenario(name, self.cwd)
            if _is_same(path, source.file) or scenario_name(name, self.cwd) == source.scenario:
                return
        except UsageInvalid:
            pass
        why = f"it was made from the scenario {source.scenario!r}, {self._shown(Path(source.file))}"
        hint = f"name the lab alone: {lab_name}; or name its scenario: {source.scenario} --lab {lab_name}"
        raise UsageInvalid(f"the lab {lab_name!r} was not made from {name!r}", why=why, hint=hint)

    def _load(self, name_or_path: str) -> LoadedScenario:
        # Only commands that read a scenario load its language.
        from orchestrator.operations.compiled_scenarios import CompiledScenarios

        return load_scenario(name_or_path, self.cwd, compiled=CompiledScenarios(self.state))

    def name(self, name: str | None, lab_name: str | None) -> str:
        """The name of the lab that `find` would find, also where its scenario is wrong or no longer known."""
        if lab_name:
            self._require_same(name, valid_lab_name(lab_name))
            return lab_name
        named = name if name and LAB_NAME.fullmatch(name) else ""
        if named in lab_names(self.state):
            return named
        try:
            return scenario_name(name, self.cwd)
        except UsageInvalid as error:
            if named and has_journal(self.state, named):
                return named
            return self._only_lab_made_from(name or "", error)

    def _require_scenario_here(self, lab_name: str) -> None:
        """Raise UsageInvalid where neither the lab is there nor a scenario from which it could be made."""
        try:
            find_scenario(None, self.cwd)
        except UsageInvalid as error:
            unknown = self._unknown(lab_name, error)
            what = f"there is no lab {lab_name!r}"
            raise UsageInvalid(what, why=unknown.why, hint=unknown.hint) from error

    def _standing(self, name: str, source: LabSource, file_needed: bool) -> LabTarget:
        """The lab that stands, where NAME may be the name of a scenario, too."""
        try:
            path = find_scenario(name, self.cwd)
        except UsageInvalid:
            return LabTarget(name, self._scenario_of(name, source, file_needed))
        if _is_same(path, source.file):
            return LabTarget(name, self._load(name))
        if not Path(source.file).is_file() and source.scenario == scenario_name(name, self.cwd):
            note = f"the lab {name!r} was made from {source.file}, which is gone; read instead: {self._shown(path)}"
            return LabTarget(name, self._load(name), note)
        note = (
            f"{name!r} is the lab that was made from {self._shown(Path(source.file))}; "
            f"the scenario of that name is {self._shown(path)}, and has to be named by this path"
        )
        return LabTarget(name, self._scenario_of(name, source, file_needed), note)

    def _of_scenario(self, scenario: LoadedScenario) -> LabTarget:
        """The lab that bears the scenario's name."""
        lab_name = scenario.reading.scenario.name
        source = source_of(self.state, lab_name)
        if source is None or _is_same(scenario.path, source.file):
            return LabTarget(lab_name, scenario)
        note = f"the lab {lab_name!r} was made from {self._shown(Path(source.file))}; read instead: {scenario.file}"
        return LabTarget(lab_name, scenario, note)

    def _made_from(self, name: str, error: UsageInvalid, file_needed: bool) -> LabTarget:
        """The lab that was made from a file that is no longer there."""
        lab_name = self._only_lab_made_from(name, error)
        source = source_of(self.state, lab_name)
        if source is None:
            raise error
        return LabTarget(lab_name, self._scenario_of(lab_name, source, file_needed))

    def _only_lab_made_from(self, name: str, error: UsageInvalid) -> str:
        """The one lab that was made from a path. Raises `error`, or tells of several labs."""
        labs = sorted({lab for path in self._paths(name) for lab in labs_made_from(self.state, path)})
        if len(labs) == 1:
            return labs[0]
        if labs:
            why = f"the labs {', '.join(labs)} were made from it"
            raise UsageInvalid(f"{name!r} is gone, and names several labs", why=why, hint=f"--lab {labs[0]}")
        raise self._unknown(name, error)

    def _unknown(self, name: str, error: UsageInvalid) -> UsageInvalid:
        """The error for a name that nothing has; it names the nearest lab or scenario."""
        if not LAB_NAME.fullmatch(name):
            return error
        if name in lab_names(self.state):
            hint = f"name its scenario, too: wirelab COMMAND SCENARIO --lab {name}"
            return UsageInvalid(f"it is not known what the lab {name!r} was made from", hint=hint)
        from orchestrator.reading.spelling import near

        what = f"there is no lab and no scenario {name!r}"
        known = [*lab_names(self.state), *(scenario for scenario, _ in all_scenarios(self.cwd))]
        meant = near(name, known)
        if meant:
            return UsageInvalid(what, hint=f"did you mean {meant!r}?")
        labs = ", ".join(lab_names(self.state)) or "none"
        return UsageInvalid(what, why=f"the labs that are up: {labs}; {error.why}", hint=error.hint)

    def _scenario(self, name: str | None, file_needed: bool) -> LoadedScenario:
        """The scenario that NAME means beside `--lab`: its name, its path, or a lab that was made from it."""
        try:
            path = find_scenario(name, self.cwd)
        except UsageInvalid as error:
            source = source_of(self.state, name) if name and LAB_NAME.fullmatch(name) else None
            if name and source:
                return replace(self._scenario_of(name, source, file_needed), typed="")
            raise self._unknown(name or "", error) from error
        return self._load(str(path))

    def _scenario_of(self, lab_name: str, source: LabSource, file_needed: bool) -> LoadedScenario:
        """The scenario of a lab: its file, and where that is gone the lab's copy."""
        file = Path(source.file)
        if file.is_file():
            return replace(self._load(source.file), typed=lab_name)
        if file_needed:
            raise UsageInvalid(
                f"the scenario of the lab {lab_name!r} is gone",
                why=f"the lab was made from {source.file}",
                hint=f"if the file is elsewhere now: wirelab up PATH --lab {lab_name}; or: wirelab down {lab_name}",
            )
        from orchestrator.reading.scenario import read_scenario

        shown = self._shown(file)
        reading = read_scenario(source.text, file=shown, read_companion=source.beside.get)
        return LoadedScenario(file.parent, shown, reading, source.text, lab_name)

    def _is_source(self, name: str, source: LabSource) -> bool:
        """Whether NAME means what a lab was made from, and nothing that is found here."""
        try:
            find_scenario(name, self.cwd)
        except UsageInvalid:
            return name == source.scenario or any(_is_same(path, source.file) for path in self._paths(name))
        return False

    def _paths(self, name: str) -> tuple[Path, ...]:
        """The files that a path may mean: itself, and the scenario in the folder."""
        from orchestrator.operations.scenario_library import FILE

        path = self.cwd / os.path.expanduser(name or ".")
        return path, path / FILE

    def _shown(self, path: Path) -> str:
        return display_path(path, self.cwd)


def _is_same(path: Path, file: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(file)
