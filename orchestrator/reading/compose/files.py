"""Volumes, configs and secrets of a Compose file: which files of its folder a node sees."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from orchestrator.model.mounted_files import MOST_FILES, TAKEN
from orchestrator.reading.compose.short_forms import mounts_of
from orchestrator.reading.compose.source import ComposeSource, items, mapping
from orchestrator.reading.reading import Path

TARGET = re.compile(r"(/\.?[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+")
# Where wirelab has its own files, and what a node keeps in its memory.
OURS = ("/wirelab", "/usr/lib/wirelab", "/tmp", "/home/student", *TAKEN)
FOLDER = "files"


@dataclass
class ServiceFiles:
    """The files that a service mounts: path in the node -> path from the Compose file, or the text itself."""

    mounted: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)


def files_of(source: ComposeSource, service: str, options: dict[str, Any], node: str) -> ServiceFiles:
    """The files that a service mounts. What cannot be one of them is noted."""
    files = ServiceFiles()
    for number, mount in enumerate(mounts_of(options.get("volumes"))):
        path: Path = ("services", service, "volumes", number)
        if mount.kind == "bind":
            _bind(source, files, mount.source, mount.target, path, node)
        elif mount.kind == "tmpfs":
            source.note(path, "no equal: a node keeps /tmp in its memory, and nothing else", node)
        elif mount.target:
            source.note(path, "no equal: nothing is kept there; only a database has a volume", node)
    _configs(source, files, service, options, node)
    if options.get("secrets"):
        path = ("services", service, "secrets")
        source.note(path, "no equal: wirelab makes the passwords of databases itself, in /wirelab/password", node)
    return files


def _bind(source: ComposeSource, files: ServiceFiles, name: str, target: str, path: Path, node: str) -> None:
    inside = posixpath.normpath(name)
    if name.startswith(("/", "~")) or inside.split("/")[0] == "..":
        source.note(path, f"no equal: {name} lies outside of the folder of the Compose file", node)
        return
    below = source.folder.files_below(inside)
    pairs = [(inside, target.rstrip("/"))] if not below else [
        (file, posixpath.join(target, posixpath.relpath(file, inside))) for file in below
    ]  # fmt: skip
    for file, place in pairs:
        text = source.folder.text(file)
        if text is None:
            source.note(path, f"{file} is no text file of at most 1 MiB in this folder", node)
        elif _has_place(files, place):
            files.mounted[place] = file
        else:
            source.note(path, f"no equal: {file} at {place or '/'}", node)


def _has_place(files: ServiceFiles, target: str) -> bool:
    mine = any(target == place or target.startswith(f"{place}/") for place in OURS)
    is_below = any(target.startswith(f"{other}/") or other.startswith(f"{target}/") for other in files.mounted)
    return bool(TARGET.fullmatch(target)) and not mine and not is_below and len(files.mounted) < MOST_FILES


def _configs(source: ComposeSource, files: ServiceFiles, service: str, options: dict[str, Any], node: str) -> None:
    declared = mapping(source.values.get("configs"))
    for number, item in enumerate(items(options.get("configs"))):
        path: Path = ("services", service, "configs", number)
        name = str(mapping(item).get("source", "") if isinstance(item, dict) else item)
        target = str(mapping(item).get("target") or f"/{name}")
        config = mapping(declared.get(name))
        if isinstance(config.get("file"), str):
            _bind(source, files, config["file"], target, path, node)
        elif isinstance(config.get("content"), str) and _has_place(files, target):
            place = f"{FOLDER}/{node}-{posixpath.basename(target)}"
            files.mounted[target] = place
            files.written[place] = config["content"]
        else:
            source.note(path, f"no equal: the config {name}", node)
