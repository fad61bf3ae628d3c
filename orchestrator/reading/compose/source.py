"""What a Compose file says, with its places, and the notes that are taken while it becomes a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from orchestrator.errors import Problem
from orchestrator.reading.compose.interpolation import InterpolationError, interpolate
from orchestrator.reading.document import Document, Violation
from orchestrator.reading.reading import Path


class ComposeFolder(Protocol):
    """The folder of a Compose file. Nothing outside of it is read, nor what is too large or no text."""

    def text(self, name: str) -> str | None:
        """The text of a file; None where there is none that may be read."""

    def files_below(self, name: str) -> tuple[str, ...]:
        """The files below a folder, by their paths from the Compose file; none where it is no folder."""


class ComposeSource:
    """A Compose file and its folder; collects notes, each at a place of the file. One use."""

    def __init__(self, document: Document, file: str, folder: ComposeFolder, variables: Mapping[str, str]) -> None:
        self._document = document
        self._file = file
        self._variables = variables
        self.folder = folder
        self.notes: dict[Problem, str] = {}
        self.values: dict[str, Any] = self._interpolated(document.value, ())

    def note(self, path: Path, message: str, node: str = "") -> None:
        """Take a note at a path of the file, which belongs to a node or to the whole file."""
        position = self._document.position_of(Violation(path, message, at_key=path in self._document.keys))
        where = ".".join(str(part) for part in path)
        self.notes.setdefault(Problem(self._file, position.line, position.column, where, message), node)

    def notes_of(self, node: str) -> tuple[str, ...]:
        """The notes of a node, with the name of the file alone: they become comments of a file elsewhere."""
        name = self._file.rpartition("/")[2]
        return tuple(str(replace(note, file=name)) for note, owner in sorted(self.notes.items()) if owner == node)

    def _interpolated(self, value: Any, path: Path) -> Any:
        """The value with its variables filled in, also in what is below it. Keys stay as they are."""
        match value:
            case dict():
                return {key: self._interpolated(part, (*path, key)) for key, part in value.items()}
            case list():
                return [self._interpolated(part, (*path, number)) for number, part in enumerate(value)]
            case str() if "$" in value:
                missing: set[str] = set()
                try:
                    filled = interpolate(value, self._variables, missing)
                except InterpolationError as error:
                    self.note(path, f"not filled in: {error}")
                    return value.replace("$", "")
                for name in sorted(missing):
                    self.note(path, f"the variable {name} is not set in .env, so it is empty here")
                return filled
        return value


def mapping(value: Any) -> dict[str, Any]:
    """The mapping; an empty one where the value is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The list; one value as a list of it."""
    return value if isinstance(value, list) else [] if value is None else [value]
