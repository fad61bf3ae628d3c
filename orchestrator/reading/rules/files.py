"""Rules about the files that a scenario mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import UsageInvalid
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path


def files_are_there(raw: RawScenario) -> Iterator[Violation]:
    """A file that a node mentions lies beside the scenario, or below, and can be read."""
    for node, name in mentions(raw):
        message = _trouble(raw, name)
        if message:
            yield Violation(_where(raw.nodes[node], name, ("nodes", node)), message)


def mentions(raw: RawScenario) -> Iterator[tuple[str, str]]:
    """Node and file name, for every file that the role of a valid node asks for."""
    for name, values in raw.nodes.items():
        role = raw.role(name)
        if role is None:
            continue
        try:
            node = role.node.model_validate(values)
        except ValidationError:
            continue
        for file in role.mentions(node):
            yield name, file


def _trouble(raw: RawScenario, name: str) -> str | None:
    if name.startswith(("/", "\\", "~")) or name[1:2] == ":":
        return f"{short(name)!r} is an absolute path; a scenario's files lie beside it"
    if ".." in name.replace("\\", "/").split("/"):
        return f"{short(name)!r} leaves the scenario's folder; a scenario's files lie beside it"
    try:
        text = raw.read_companion(name)
    except UsageInvalid as error:
        return f"{error.what}: {error.why}" if error.why else error.what
    return f"there is no file {short(name)!r} beside the scenario" if text is None else None


def _where(value: Any, name: str, path: Path) -> Path:
    """The path at which the file's name stands."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if part == name:
            return (*path, key)
        below = _where(part, name, (*path, key))
        if below != (*path, key):
            return below
    return path
