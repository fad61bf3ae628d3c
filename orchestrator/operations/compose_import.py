"""Make a scenario folder from a Compose file. The file is untrusted: nothing outside of its folder is read."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import FileInvalid, Problem, UsageInvalid, WorldError
from orchestrator.operations.scenario_library import FILE, LIBRARY, display_path

if TYPE_CHECKING:
    from orchestrator.reading.compose.translation import Translation

LARGEST_FILE = 1024 * 1024  # bytes; as a file that a node mounts
MOST_FILES = 64  # below one folder
MOST_ENTRIES = 2000  # of one folder that are looked at
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Imported:
    """The scenario that was written, and the notes on what has no equal."""

    file: Path
    notes: tuple[Problem, ...]


@dataclass(frozen=True)
class FolderOnDisk:
    """The folder of a Compose file; no link leads out of it."""

    folder: Path

    def text(self, name: str) -> str | None:
        """The text of a regular file of at most 1 MiB; None where it is none, or lies elsewhere."""
        try:
            path = (self.folder / name).resolve()
            status = path.stat()
            if not path.is_relative_to(self.folder.resolve()) or not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > LARGEST_FILE:
                return None
            text = path.read_bytes().decode("utf-8")
            return None if "\0" in text else text
        except (OSError, ValueError):  # no such file, a loop of links, or no text
            return None

    def files_below(self, name: str) -> tuple[str, ...]:
        """The regular files below a folder in their order, at most 64; links to folders are not followed."""
        try:
            top = (self.folder / name).resolve()
            if not top.is_relative_to(self.folder.resolve()) or not top.is_dir():
                return ()
        except (OSError, ValueError):
            return ()
        files: list[str] = []
        looked_at = 0
        for folder, folders, names in os.walk(top):
            folders.sort()
            files += [os.path.relpath(os.path.join(folder, file), self.folder.resolve()) for file in sorted(names)]
            looked_at += len(folders) + len(names)
            if looked_at > MOST_ENTRIES or len(files) > MOST_FILES:
                break
        return tuple(files[:MOST_FILES])


def import_compose(file: Path, folder: Path | None, cwd: Path) -> Imported:
    """Write the scenario of a Compose file to a new folder, `scenarios/NAME` where none is given.

    Raises FileInvalid where it is no Compose file, UsageInvalid where it cannot become a scenario or be read.
    """
    from orchestrator.reading.compose.translation import translate
    from orchestrator.rendering.imported_scenario import scenario_text

    shown = display_path(file, cwd)
    beside = FolderOnDisk(file.parent)
    text = beside.text(file.name)
    if text is None:
        why = "it is not there, or no text of at most 1 MiB, or a link to another folder"
        raise UsageInvalid(f"{shown} cannot be read", why=why, hint="wirelab import PATH/compose.yaml")
    name = _scenario_name(file, folder, text)
    translation = translate(text, file=shown, name=name, folder=beside)
    scenario = scenario_text(translation, file.name)
    _require_valid(scenario, translation, shown)
    return Imported(write_scenario(folder or Path(LIBRARY) / name, scenario, translation), translation.notes)


def _scenario_name(file: Path, folder: Path | None, text: str) -> str:
    """The name of the folder that is asked for; or the one that the file has, or its own folder's."""
    named = re.search(r"^name:[ \t]*['\"]?([A-Za-z0-9_.-]+)", text, re.MULTILINE)
    wanted = folder.name if folder else named[1] if named else file.resolve().parent.name
    label = re.sub("[^a-z0-9]+", "-", wanted.lower()).strip("-")[:40].strip("-")
    if folder and label != wanted:
        what = f"{wanted!r} cannot be the name of a scenario"
        why = "it is 1 to 40 of the letters a-z, the digits and '-', no '-' at either end"
        raise UsageInvalid(what, why=why, hint=f"-o {folder.with_name(label or 'shop')}")
    return label or "imported"


def _require_valid(scenario: str, translation: Translation, shown: str) -> None:
    """Raise UsageInvalid if the language refuses what came out: nothing that `validate` refuses is written."""
    from orchestrator.reading.scenario import read_scenario

    try:
        read_scenario(scenario, file=FILE, read_companion=translation.files.get)
    except FileInvalid as error:
        why = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems[:3])
        hint = "change or remove that in the Compose file"
        raise UsageInvalid(f"{shown} cannot become a scenario", why=why, hint=hint) from error


def write_scenario(folder: Path, scenario: str, translation: Translation) -> Path:
    """Write the whole folder, or leave nothing: it is written beside its place under another name, and renamed."""
    try:
        if os.path.lexists(folder):  # a rename replaces an empty folder
            raise FileExistsError(folder)
        missing = [folder]  # folders that are to be made, from the inner to the outer one
        while not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        draft = missing[-1].with_name(f".wirelab-import-{secrets.token_hex(4)}")
        try:
            _write_files(draft / folder.relative_to(missing[-1]), {**translation.files, FILE: scenario})
            os.rename(draft, missing[-1])
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except (FileExistsError, NotADirectoryError) as error:
        hint = f"-o {folder.with_name(folder.name[:38] + '-2')}, or remove the folder first"
        raise UsageInvalid(f"{folder} is already there", why="nothing was written over it", hint=hint) from error
    except OSError as error:
        raise WorldError(f"cannot write {folder}", why=str(error), hint="go to a folder of your own") from error
    return folder / FILE


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
