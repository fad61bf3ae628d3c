"""Collect the results of a class from a folder: read each file, whatever it is, and judge it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.lessons.collected import ResultJudge
from orchestrator.lessons.sealed_result import MOST_BYTES
from orchestrator.lessons.seat_code import parse_seat_code
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.lessons.result import lesson_version
from orchestrator.operations.output_file import replace_file
from orchestrator.operations.scenario_library import load_scenario

if TYPE_CHECKING:
    from orchestrator.lessons.collected import Collection
    from orchestrator.lessons.lesson import Lesson
    from orchestrator.operations.classroom.folder import Classroom

MOST_FILES = 2000


def collect(folder: Path, classroom: Classroom, output: Path) -> Collection:
    """Judge every file below a folder, except hidden ones and those below `output`. Raises UsageInvalid."""
    if not all(seat.code for seat in classroom.seats):
        hint = f"wirelab class codes {classroom.name}"
        raise UsageInvalid(f"no codes were handed out for the class {classroom.name!r}", hint=hint)
    if not folder.is_dir():
        raise UsageInvalid(f"{folder} is no folder", why="it holds the files that learners handed in")
    handed_in = list(_handed_in(folder, output))
    if not handed_in:
        raise UsageInvalid(f"there is no file in {folder}", why="it holds the files that learners handed in")
    return _judge_of(classroom).collection(handed_in)


def _judge_of(classroom: Classroom) -> ResultJudge:
    scenario = load_scenario(classroom.scenario)
    load_lesson(scenario)

    @cache
    def load(seed: int, addresses: tuple[tuple[str, str], ...]) -> Lesson:
        return load_lesson(scenario, seed, dict(addresses)).lesson

    def lesson_for(seed: int, addresses: Mapping[str, str]) -> Lesson:
        return load(seed, tuple(sorted(addresses.items())))

    codes = {seat.name: parse_seat_code(seat.code) for seat in classroom.seats}
    name = scenario.reading.scenario.name
    return ResultJudge(classroom.name, name, lesson_version(scenario), codes, lesson_for)


def _handed_in(folder: Path, output: Path) -> Iterator[tuple[str, bytes | str]]:
    """Each file by its path below the folder, with its content, or why it cannot be read. Raises UsageInvalid."""
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _counts(Path(place, name), output))
        for name in sorted(files):
            if name.startswith("."):
                continue
            count += 1
            if count > MOST_FILES:
                raise UsageInvalid(f"{folder} has more than {MOST_FILES} files", why="a class has 99 seats at most")
            path = Path(place, name)
            yield str(path.relative_to(folder)), _content(path)


def _counts(folder: Path, output: Path) -> bool:
    return not folder.name.startswith(".") and os.path.realpath(folder) != os.path.realpath(output)


def _content(path: Path) -> bytes | str:
    """The content, no longer than what can be a result; waits for no pipe, and follows no link."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        return "it is a link" if path.is_symlink() else f"it cannot be read: {error.strerror}"
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return "it is no regular file"
        try:
            return file.read(MOST_BYTES + 1)
        except OSError as error:
            return f"it cannot be read: {error.strerror}"


def write_results(output: Path, texts: Mapping[str, str]) -> None:
    """Write each text to its file in a folder, which is made where there is none. Raises UsageInvalid."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageInvalid(f"{output} cannot be made", why=error.strerror or str(error)) from error
    for name, text in texts.items():
        replace_file(output / name, [text.encode()])
