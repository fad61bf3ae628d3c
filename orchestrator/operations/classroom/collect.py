"""Collect the results of a class from a folder: read each file, whatever it is, and judge it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, UsageInvalid
from orchestrator.lessons.collected import ResultJudge
from orchestrator.lessons.sealed_result import MOST_BYTES
from orchestrator.lessons.seat_code import parse_seat_code
from orchestrator.operations.classroom.packet_decoder import PacketDecoder
from orchestrator.operations.lessons.files import load_lesson
from orchestrator.operations.lessons.result import lesson_version
from orchestrator.operations.output_file import replace_file
from orchestrator.operations.scenario_library import load_scenario

if TYPE_CHECKING:
    from orchestrator.lessons.collected import Collection
    from orchestrator.lessons.lesson import Lesson
    from orchestrator.lessons.packet_evidence import Decode
    from orchestrator.operations.classroom.folder import Classroom
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

MOST_FILES = 2000
MOST_TOTAL = 256 * 1024 * 1024  # bytes of all files


def no_engine() -> Workspace:
    """Where no engine can be asked for. Raises EngineMissing."""
    raise EngineMissing("there is no container engine")


def collect(
    folder: Path, classroom: Classroom, output: Path, open_workspace: Callable[[], Workspace] = no_engine
) -> Collection:
    """Judge every file below a folder, except hidden ones and those below `output`. Raises UsageInvalid.

    `open_workspace` gives the engine that reads packets, once there are some.
    """
    if not all(seat.code for seat in classroom.seats):
        hint = f"wirelab class codes {classroom.name}"
        raise UsageInvalid(f"no codes were handed out for the class {classroom.name!r}", hint=hint)
    if not folder.is_dir():
        raise UsageInvalid(f"{folder} is no folder", hint="name the folder with the files that learners handed in")
    scenario = load_scenario(classroom.scenario)
    with PacketDecoder(open_workspace, scenario) as decoder:
        collection = _judge_of(classroom, scenario, decoder.decode).collection(_handed_in(folder, output))
    if not collection.files:
        raise UsageInvalid(
            f"there is no file in {folder}", hint="name the folder with the files that learners handed in"
        )
    return collection


def _judge_of(classroom: Classroom, scenario: LoadedScenario, decode: Decode) -> ResultJudge:
    load_lesson(scenario)

    @cache
    def load(seed: int, addresses: tuple[tuple[str, str], ...]) -> Lesson:
        return load_lesson(scenario, seed, dict(addresses)).lesson

    def lesson_for(seed: int, addresses: Mapping[str, str]) -> Lesson:
        return load(seed, tuple(sorted(addresses.items())))

    codes = {seat.name: parse_seat_code(seat.code) for seat in classroom.seats}
    name = scenario.reading.scenario.name
    return ResultJudge(classroom.name, name, lesson_version(scenario), codes, lesson_for, decode)


def _handed_in(folder: Path, output: Path) -> Iterator[tuple[str, bytes | str]]:
    """Each file by its path below the folder, with its content, or why it cannot be read. Raises UsageInvalid."""
    count, room = 0, MOST_TOTAL
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _counts(Path(place, name), output))
        for name in sorted(files):
            if name.startswith("."):
                continue
            count += 1
            if count > MOST_FILES:
                raise UsageInvalid(f"{folder} has more than {MOST_FILES} files", why="a class has 99 seats at most")
            path = Path(place, name)
            content = _content(path) if room > 0 else f"all files before it have {MOST_TOTAL >> 20} MiB already"
            room -= len(content)
            yield str(path.relative_to(folder)), content


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
