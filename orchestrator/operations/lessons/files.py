"""Find the lesson of a scenario, and keep the progress of a learner."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.lessons.progress import Progress, progress_of

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lessons.reading import LessonText
    from orchestrator.operations.scenario_library import LoadedScenario

FILE = "lesson.md"


def load_lesson(
    scenario: LoadedScenario, seed: int = 1, addresses: Mapping[str, str] | None = None, lab_name: str = ""
) -> LessonText:
    """The lesson beside a scenario, with the values of this seed and, where the lab is up, the addresses of nodes.

    Raises UsageInvalid where the scenario has no lesson, FileInvalid where it is wrong.
    """
    from orchestrator.lessons.reading import read_lesson
    from orchestrator.lessons.task_rules import ScenarioSource
    from orchestrator.operations.scenario_library import LARGEST_BESIDE, CompanionFiles, read_text

    path = scenario.folder / FILE
    if not os.path.lexists(path):
        what = f"the scenario {scenario.reading.scenario.name!r} has no lesson"
        raise UsageInvalid(what, hint="wirelab learn, which lists the lessons")
    shown = str(Path(scenario.file).parent / FILE)
    text = read_text(path, shown, LARGEST_BESIDE)
    source = ScenarioSource(scenario.text, CompanionFiles(scenario.folder))
    return read_lesson(
        text,
        file=shown,
        scenario=scenario.reading.scenario,
        source=source,
        seed=seed,
        addresses=addresses,
        lab_name=lab_name,
    )


def has_lesson(scenario_folder: Path) -> bool:
    """Whether a lesson stands beside the scenario."""
    return (scenario_folder / FILE).is_file()


@dataclass(frozen=True)
class ProgressStore:
    """The progress of each learner in each lab: one small file, replaced as a whole."""

    state: StateFolder

    def file(self, lab_name: str, seat: str) -> Path:
        return self.state.root / "lessons" / f"{lab_name}{f'.{seat}' if seat else ''}.json"

    def load(self, lab_name: str, seat: str = "") -> Progress | None:
        """The progress that was kept; None where there is none that can be read."""
        try:
            return progress_of(json.loads(self.file(lab_name, seat).read_text("utf-8")))
        except (OSError, ValueError):
            return None

    def save(self, lab_name: str, progress: Progress) -> None:
        from orchestrator.operations.output_file import replace_file

        file = self.file(lab_name, progress.seat)
        self.state.private(file.parent)
        replace_file(file, [json.dumps(progress.document()).encode()])
