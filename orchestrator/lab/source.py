"""What a lab was made from, in its folder: a command finds the lab by its name alone, also where the file is gone.

<state>/labs/<lab>/source.json
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from shlex import join

from orchestrator.errors import UsageInvalid
from orchestrator.host.state_folder import StateFolder
from orchestrator.planning import labels
from orchestrator.planning.snapshot import Snapshot
from orchestrator.quick_dataclass import dataclass

SOURCE_FILE = "source.json"


@dataclass(frozen=True)
class LabSource:
    """A scenario as the last `up` read it: its name, its file (absolute), its text, and the texts of files beside it.

    `made` is when the lab first came up, in seconds since 1970. `trusted`: somebody said that they trust these texts.
    """

    scenario: str
    file: str
    text: str
    beside: Mapping[str, str]
    made: float = 0.0
    trusted: bool = False


def keep_source(state: StateFolder, lab: str, source: LabSource, now: float) -> None:
    """Write down what the lab is made from. The time at which it was first made stays. The caller holds its lock."""
    kept = source_of(state, lab)
    source = replace(source, made=kept.made if kept else now)
    if source == kept:
        return
    target = state.private(state.labs / lab) / SOURCE_FILE
    new = target.with_suffix(".new")
    new.write_text(json.dumps(asdict(source)))
    # A reader sees the old one or the new one.
    os.replace(new, target)


def source_of(state: StateFolder, lab: str) -> LabSource | None:
    """What the lab was made from; None where it does not stand, or an earlier version of wirelab has made it."""
    try:
        return LabSource(**json.loads((state.labs / lab / SOURCE_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def was_trusted(state: StateFolder, lab: str, source: LabSource) -> bool:
    """Whether the lab stands, and was made from just these texts by somebody who trusted them.

    A file that has changed since then has to be trusted anew: nobody has said that of its new text.
    """
    kept = source_of(state, lab)
    if kept is None or not kept.trusted:
        return False
    return (kept.file, kept.text, dict(kept.beside)) == (source.file, source.text, dict(source.beside))


def require_scenario(observed: Snapshot, lab_name: str, scenario_name: str) -> None:
    """Raise UsageInvalid where the nodes of a lab were made from another scenario: they would all be replaced."""
    for container in observed.containers:
        made_from = container.labels.get(labels.SCENARIO, scenario_name)
        if made_from != scenario_name:
            raise UsageInvalid(
                f"the lab {lab_name!r} is made from the scenario {made_from!r}, not from {scenario_name!r}",
                why="its nodes and their data would be replaced",
                hint=f"choose another name with --lab, or remove it first: {join(('wirelab', 'down', lab_name))}",
            )


def labs_made_from(state: StateFolder, file: Path) -> Iterator[str]:
    """The labs whose last `up` read this file."""
    for record in sorted(state.labs.glob(f"*/{SOURCE_FILE}")):
        source = source_of(state, record.parent.name)
        if source and source.file == os.path.abspath(file):
            yield record.parent.name


def lab_names(state: StateFolder) -> list[str]:
    """The labs that have a folder, which `up` makes and `down` removes."""
    return sorted(folder.name for folder in state.labs.iterdir()) if state.labs.is_dir() else []
