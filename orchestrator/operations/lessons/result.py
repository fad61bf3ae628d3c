"""Write the sealed result of a learner who has the code of a seat, each time the progress changes."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.lessons.sealed_result import ResultOrigin, sealed_document
from orchestrator.operations.lessons.files import FILE
from orchestrator.operations.output_file import replace_file

if TYPE_CHECKING:
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.seat_code import SeatCode
    from orchestrator.operations.scenario_library import LoadedScenario


@dataclass(frozen=True)
class ResultFile:
    """The file that a learner hands in."""

    file: Path
    code: SeatCode
    wirelab: str
    version: str

    def write(self, progress: Progress) -> None:
        """Replace the file by one with this progress. Raises UsageInvalid where it cannot be written."""
        origin = ResultOrigin(self.wirelab, self.code.class_name, self.code.seat, self.version)
        document = sealed_document(origin, progress, time.time(), self.code.secret)
        replace_file(self.file, [json.dumps(document, indent=1).encode(), b"\n"])


def result_file(folder: Path, code: SeatCode, scenario: LoadedScenario, wirelab: str) -> ResultFile:
    """The file of a seat's result for the lesson of a scenario."""
    name = f"{code.seat_name}-{scenario.reading.scenario.name}.json"
    return ResultFile(folder / name, code, wirelab, lesson_version(scenario))


def lesson_version(scenario: LoadedScenario) -> str:
    """What differs where the lesson or its scenario differs. Raises OSError where there is no lesson."""
    texts = (scenario.text, (scenario.folder / FILE).read_text("utf-8"))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
