"""Rules about the files that a scenario mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import UsageInvalid
from orchestrator.model.mounted_files import FILES_AT, FOLDERS, MOST_FILES, PREFIX, TAKEN
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path

# How the files begin that wirelab itself writes, whatever the role: secrets, and what is mounted elsewhere.
WRITTEN = ("password", "replication", "settings.conf", PREFIX, "resolv.conf")


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
        for file in (*role.mentions(node), *node.files.values()):
            yield name, file


def files_have_places(raw: RawScenario) -> Iterator[Violation]:
    """A file of `files` lies where nothing else of wirelab, the engine or the kernel is."""
    for node, values in raw.nodes.items():
        files = values.get("files")
        targets = [target for target in files if isinstance(target, str)] if isinstance(files, dict) else []
        if len(targets) > MOST_FILES:
            yield Violation(("nodes", node, "files"), f"expected at most {MOST_FILES} files, found {len(targets)}")
        for target in targets:
            if message := _taken(target, targets):
                yield Violation(("nodes", node, "files", target), message, at_key=True)


def _taken(target: str, targets: list[str]) -> str:
    meant = {"/etc/hosts": "; write hosts:", "/etc/resolv.conf": "; write resolvers:, search: and resolv_options:"}
    for place in TAKEN:
        if target == place or target.startswith(f"{place}/"):
            return f"{target} is made for each node by itself{meant.get(place, '')}"
    if target in FOLDERS:
        return f"{target} is a folder, and a file would hide all that is in it; write {target}/NAME"
    if target == FILES_AT or (target.startswith(f"{FILES_AT}/") and target.count("/") > 2):
        return f"{FILES_AT} holds files and no folders; write {FILES_AT}/NAME"
    if target.startswith(tuple(f"{FILES_AT}/{name}" for name in WRITTEN)):
        return f"{target} is written by wirelab and cannot be replaced"
    above = next((other for other in targets if target.startswith(f"{other}/")), None)
    return f"{above} is a file, so there is nothing below it" if above else ""


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
