"""Keeps compiled scenarios in the state folder, so that the next command need not validate an unchanged file.

Only `up` and `run` write here. A file of somebody else, or one that others may write, is never read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass
from orchestrator.reading.compiled import compile_reading, compiled_reading, digest

if TYPE_CHECKING:
    from orchestrator.reading.reading import Reading

FOLDER = "compiled"
# One for each state of a file that somebody brought up; the oldest go.
MOST_FILES = 64


@dataclass(frozen=True)
class CompiledScenarios:
    """The compiled scenarios of one state folder, by the text of their file and the version of this program."""

    state: StateFolder

    def reading(self, text: str, read_companion: Callable[[str], str | None]) -> Reading | None:
        """The reading of a scenario file with this text; None where none is kept that holds."""
        try:
            descriptor = os.open(self._path(text), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with open(descriptor, encoding="utf-8") as file:
            if not is_only_ours(os.fstat(descriptor), os.getuid()):
                return None
            try:
                kept = file.read()
            except (OSError, ValueError):
                return None
        return compiled_reading(kept, read_companion)

    def keep(self, text: str, reading: Reading) -> None:
        """Keep a reading for the next command. A disk that takes nothing is no reason to fail."""
        if reading.compiled:
            return
        with suppress(OSError, WorldError):
            path = self._path(text)
            folder = self.state.private(path.parent)
            # Beside it and then in its place: a reader sees all of it, or nothing.
            unnamed = folder / f".{path.name}.{os.getpid()}"
            descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(compile_reading(reading))
            os.replace(unnamed, path)
            self._prune(folder)

    def _path(self, text: str) -> Path:
        return self.state.root / FOLDER / f"{digest(self._version + text)}.json"

    @cached_property
    def _version(self) -> str:
        """The version of the code that reads scenarios, by its files: a checkout changes between two versions."""
        package = Path(__file__).parents[1]
        files = [package / "__init__.py"]  # holds the version
        for name in ("model", "reading"):
            files += sorted((package / name).rglob("*.py"))
        stats = ((file, file.stat()) for file in files)
        return "".join(f"{file} {status.st_size} {status.st_mtime_ns}\n" for file, status in stats)

    def _prune(self, folder: Path) -> None:
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in files[MOST_FILES:]:
            file.unlink(missing_ok=True)


def is_only_ours(status: os.stat_result, user: int) -> bool:
    """Whether it is a file that nobody but this user can have written."""
    return stat.S_ISREG(status.st_mode) and status.st_uid == user and not status.st_mode & 0o022
