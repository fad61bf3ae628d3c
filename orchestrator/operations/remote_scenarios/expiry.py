"""Remove fetched scenarios that were used longest ago, but none of a lab that stands."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import lab_names, source_of

MOST_BYTES = 256 * 1024 * 1024
MOST_DAYS = 90
# Another command may have found it a moment ago, and not have made its lab yet.
LEAST_SECONDS = 3600.0


@dataclass(frozen=True)
class _Kept:
    folder: Path
    used_at: float
    size: int


def mark_used(folder: Path) -> None:
    """Say that a fetched scenario, by the folder of its pin, is used now."""
    with suppress(OSError):
        os.utime(folder)


def expire(state: StateFolder, folder: Path) -> list[Path]:
    """Remove from `folder` what nobody has used for so long, and then what was used longest ago until the rest fits.

    Stays: what a lab that stands was made from, and what was used in the last hour. Returns what was removed.
    """
    in_use = _in_use(state, folder)
    now = time.time()
    kept = sorted(_kept(folder), key=lambda scenario: scenario.used_at)
    size = sum(scenario.size for scenario in kept)
    removed = []
    for scenario in kept:
        age = now - scenario.used_at
        if scenario.folder.name in in_use or age < LEAST_SECONDS:
            continue
        if age > MOST_DAYS * 86400 or size > MOST_BYTES:
            shutil.rmtree(scenario.folder, ignore_errors=True)
            size -= scenario.size
            removed.append(scenario.folder)
    return removed


def _in_use(state: StateFolder, folder: Path) -> set[str]:
    """The pins of the scenarios that labs were made from."""
    files = (Path(source.file) for lab in lab_names(state) if (source := source_of(state, lab)))
    return {file.relative_to(folder).parts[0] for file in files if file.is_relative_to(folder)}


def _kept(folder: Path) -> Iterable[_Kept]:
    for pin in folder.glob("[!.]*"):
        with suppress(OSError):  # another command removes it
            size = sum(file.lstat().st_size for file in pin.rglob("*") if not file.is_dir())
            yield _Kept(pin, pin.stat().st_mtime, size)
