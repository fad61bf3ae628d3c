"""Finds scenarios by name or path, and reads them from the disk."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import Problem, UsageInvalid
from orchestrator.host.bundled_files import bundled_files
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.operations.compiled_scenarios import CompiledScenarios
    from orchestrator.planning.budget import FilePath
    from orchestrator.reading.reading import Position, Reading

FILE = "scenario.yaml"
LIBRARY = "scenarios"
TITLE = re.compile(r"^title:[ \t]*(.*?)[ \t]*(?: #.*)?$", re.MULTILINE)
NAME = re.compile(r"^name:[ \t]+([a-z0-9][a-z0-9-]*)[ \t]*(?:[ \t]#.*)?$", re.MULTILINE)
# bytes; the reader then says that a scenario is shorter
LARGEST_FILE = 1024 * 1024 + 1
LARGEST_BESIDE = 16 * 1024 * 1024  # bytes; such a file is mounted into a node


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario that was read: its folder, its file as messages show it, what stands in it, and its text.

    `typed` is the name of the lab by which it was found, if it was: that name alone then stands for both.
    """

    folder: Path
    file: str
    reading: Reading
    text: str = ""
    typed: str = ""

    @property
    def path(self) -> Path:
        """Where its file is. `file` is shown as seen from where it was sought: by a test suite, beside the test."""
        return self.folder / Path(self.file).name

    def place(self, path: FilePath) -> str:
        """The file and line of what stands at a path of the file, or of what holds it."""
        return f"{self.file}:{self.position(path).line}"

    def position(self, path: FilePath) -> Position:
        """Where the thing of this path stands, or what holds it. A machine of a group stands where the group does."""
        from orchestrator.model.replicas import group_of

        positions = self.reading.positions
        if self.reading.compiled:  # it knows the lines of the checks alone
            from orchestrator.reading.scenario import read_scenario

            positions = read_scenario(self.text, file=self.file, read_companion=CompanionFiles(self.folder)).positions
        if len(path) > 1 and (node := self.reading.scenario.nodes.get(str(path[1]))):
            path = (path[0], group_of(str(path[1]), node) or path[1], *path[2:])
        while path not in positions:
            path = path[:-1]
        return positions[path]


def load_scenario(
    name_or_path: str | None, cwd: Path | None = None, *, compiled: CompiledScenarios | None = None
) -> LoadedScenario:
    """Find a scenario and read it, or take what an earlier command kept of the same file in `compiled`.

    Raises UsageInvalid where it is not there, FileInvalid where it is wrong.
    """
    cwd = cwd or Path.cwd()
    path = find_scenario(name_or_path, cwd)
    shown = display_path(path, cwd)
    text, read_companion = read_text(path, shown, LARGEST_FILE), CompanionFiles(path.parent)
    reading = compiled.reading(text, read_companion) if compiled else None
    if reading is None:
        from orchestrator.reading.scenario import read_scenario

        reading = read_scenario(text, file=shown, read_companion=read_companion)
    return LoadedScenario(path.parent, shown, reading, text)


def scenario_notes(loaded: LoadedScenario) -> tuple[Problem, ...]:
    """What the author of a valid scenario may not have meant, in the order of the file."""
    name, folder = loaded.reading.scenario.name, loaded.folder.resolve().name
    notes = list(loaded.reading.notes)
    if name != folder:
        position = loaded.reading.positions[("name",)]
        message = f"the folder is called {folder!r}, and commands find the scenario by that name; call both alike"
        notes.append(Problem(loaded.file, position.line, position.column, "name", message))
    from orchestrator.planning.budget import budget_notes

    for path, message in budget_notes(loaded.reading.scenario):
        position = loaded.position(path)
        notes.append(Problem(loaded.file, position.line, position.column, ".".join(map(str, path)), message))
    return tuple(sorted(notes))


def scenario_name(name_or_path: str | None, cwd: Path | None = None) -> str:
    """The name that a scenario's file gives it, of a file that may be wrong elsewhere: what is down needs no more.

    A line that begins with `name:` can only be the file's own, for YAML indents what belongs to another key.
    """
    cwd = cwd or Path.cwd()
    path = find_scenario(name_or_path, cwd)
    match = NAME.search(read_text(path, display_path(path, cwd), LARGEST_BESIDE))
    return match[1] if match else load_scenario(name_or_path, cwd).reading.scenario.name


def find_scenario(name_or_path: str | None, cwd: Path) -> Path:
    """The file of a scenario: by name in `scenarios/` of this folder, a folder above, or wirelab's own; or by path.

    Without a name it is the scenario in whose folder we stand.
    """
    if not name_or_path:
        if (cwd / FILE).is_file():
            return cwd / FILE
        raise _nameless(cwd)
    if "/" not in name_or_path and os.sep not in name_or_path and name_or_path not in (".", ".."):
        for library in _libraries(cwd):
            if os.path.isfile(file := library / name_or_path / FILE):  # False, too, where no file can have the name
                return file
    return _by_path(name_or_path, cwd)


def all_scenarios(cwd: Path) -> list[tuple[str, str]]:
    """Name and title of every scenario that can be found by name; a broken file has what can be read of it."""
    titles: dict[str, str] = {}
    for library in _libraries(cwd):
        for file in sorted(library.glob(f"*/{FILE}")):
            titles.setdefault(file.parent.name, _title(file))
    return sorted(titles.items())


@dataclass(frozen=True)
class CompanionFiles:
    """Reads the files beside a scenario."""

    folder: Path

    def __call__(self, name: str) -> str | None:
        """The text of a file; None where there is none. Raises UsageInvalid where it cannot be read."""
        try:
            path = self.folder / name
            if not path.exists():
                return None
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise UsageInvalid(f"{name!r} leads out of the scenario's folder by a link")
            return read_text(path, repr(name), LARGEST_BESIDE)
        except (ValueError, OSError):  # a name that no file can have
            return None


def _by_path(name: str, cwd: Path) -> Path:
    path = cwd / os.path.expanduser(name)
    if os.path.isdir(path):
        if os.path.exists(path / FILE):
            return path / FILE
        why = f"there is no {FILE} in it"
        raise UsageInvalid(f"{name!r} is a folder without a scenario", why=why, hint="wirelab new NAME")
    if os.path.exists(path):
        return path
    if "/" in name or name.endswith((".yaml", ".yml")):
        what = f"there is no file {name[:200]!r}"
        if "://" in name:
            raise UsageInvalid(what, why="only `wirelab up` takes an address", hint=f"wirelab up {name[:200]}")
        raise UsageInvalid(what, why=f"looked for {str(path)[:300]}", hint="wirelab validate NAME")
    raise _unknown(name, cwd)


def _unknown(name: str, cwd: Path) -> UsageInvalid:
    from orchestrator.reading.spelling import near

    meant = near(name, [known for known, _ in all_scenarios(cwd)])
    what = f"there is no scenario {name[:80]!r}"
    if meant:
        return UsageInvalid(what, hint=f"did you mean {meant!r}?")
    return UsageInvalid(what, why=_library_text(cwd), hint="one of these names, or a path to a folder or a file")


def _nameless(cwd: Path) -> UsageInvalid:
    return UsageInvalid("which scenario? name one", why=_library_text(cwd), hint="its name, or a path to its folder")


def _library_text(cwd: Path) -> str:
    """The scenarios with their titles, as the evidence in an error."""
    scenarios = all_scenarios(cwd)
    if not scenarios:
        return f"there is no folder {LIBRARY}/ with scenarios here or above"
    width = max(len(name) for name, _ in scenarios)
    return "the scenarios are" + "".join(f"\n         {name.ljust(width)}  {title}" for name, title in scenarios)


def _libraries(cwd: Path) -> list[Path]:
    """The folders that hold scenarios by name, nearest first."""
    folders = [*(folder / LIBRARY for folder in (cwd, *cwd.parents)), bundled_files(LIBRARY)]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _title(file: Path) -> str:
    """The title as it stands in the first lines of a file; the file may be broken."""
    try:
        _require_own_file(file, str(file))
        with file.open(encoding="utf-8", errors="replace") as opened:
            match = TITLE.search(opened.read(4096))
    except (OSError, UsageInvalid):
        return "(cannot be read)"
    return match[1].strip("'\"") if match else ""


def display_path(path: Path, cwd: Path) -> str:
    """The path as a person here would write it."""
    shown = os.path.relpath(path, cwd)
    return str(path) if shown.startswith(os.path.join("..", "..")) else shown


def _require_own_file(path: Path, shown: str) -> None:
    """Raise UsageInvalid where a file is no regular one, or lies elsewhere than its folder says."""
    if not stat.S_ISREG(path.stat().st_mode):
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise UsageInvalid(f"{shown} cannot be read", why=f"it is {kind}", hint="name a text file")
    if not path.resolve().is_relative_to(path.parent.resolve()):
        # Messages quote lines of a scenario, in CI logs too: of no other file of this machine.
        why, hint = "it is a link that leads out of its folder", "copy the file there"
        raise UsageInvalid(f"{shown} cannot be read", why=why, hint=hint)


def read_text(path: Path, shown: str, most: int) -> str:
    """The text of a file, as much of it as may be needed to see that it is too large."""
    try:
        _require_own_file(path, shown)
        with path.open("rb") as opened:
            content = opened.read(most)
            too_large = bool(opened.read(1))
    except OSError as error:
        raise UsageInvalid(f"{shown} cannot be read", why=error.strerror or str(error)) from error
    if too_large and most == LARGEST_BESIDE:
        raise UsageInvalid(f"{shown} is larger than {most // 1024 // 1024} MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if too_large and error.start > most - 4:
            return content[: error.start].decode("utf-8")
        line = content.count(b"\n", 0, error.start) + 1
        why = f"byte {error.start + 1}, in line {line}, is not UTF-8"
        raise UsageInvalid(f"{shown} is not text", why=why, hint="save the file as UTF-8") from error
