"""What the lab commands share: the engine in use, the state folder, the run and its watchdog."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.console import say
from orchestrator.host.state import State
from orchestrator.lab.interrupts import uninterrupted

if TYPE_CHECKING:
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.lab.lab import Lab
    from orchestrator.operations.scenario_library import Loaded


@dataclass(frozen=True)
class Session:
    """One command's way to the world."""

    state: State
    url: str
    engine: DockerEngine
    told: Callable[[str], None] = say

    def images(self, names: Sequence[str]) -> Mapping[str, str]:
        """Tags of images of ours; those that are missing are built, and progress is told."""
        from orchestrator.host.images.shelf import shelf

        return shelf(self.url, self.state, os.environ, self.told).ensure(names)

    def isolates_ipv6(self) -> bool | None:
        """Whether this engine keeps internal networks with IPv6 apart; None where nobody can tell."""
        from orchestrator.host.machine import isolates_ipv6

        return isolates_ipv6(self.url)


def state() -> State:
    return State.of(os.environ)


def open_session(
    *, start: bool = True, yes: bool = False, looks: bool = False, told: Callable[[str], None] = say
) -> Session:
    """Find an engine, or, if `start`, make one run. Raises EngineMissing.

    Says which one it is, unless the command only `looks` at a lab: that line would stand before each of its answers.
    """
    from orchestrator.host.find import find_engine

    notify: Callable[[str], None] = (lambda _text: None) if looks else told
    found = find_engine(os.environ, state(), private=start and not looks, notify=notify, confirm=confirmer(yes))
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.errors import EngineMissing

    try:
        return Session(state(), found.url, DockerEngine(found.url), told)
    except EngineMissing as error:
        raise EngineMissing(error.what, why=error.why, hint=found.hint or error.hint) from error


def confirmer(yes: bool) -> Callable[[str], bool]:
    """Ask on a terminal; where nobody can answer, go on."""

    def confirm(question: str) -> bool:
        if yes or os.environ.get("CI") or not sys.stdin.isatty():
            return True
        import click

        return click.confirm(question, default=True, err=True)

    return confirm


def lab_of(session: Session, loaded: Loaded, name: str | None, **more: object) -> Lab:
    """The lab of a scenario, with `more` Settings; it bears the scenario's name unless told otherwise."""
    from orchestrator.lab.lab import Lab, Settings

    reading = loaded.reading
    settings = Settings(
        images=session.images,
        shield=uninterrupted,
        isolates_ipv6=session.isolates_ipv6,
        called=_called(loaded),
        **more,  # type: ignore[arg-type]
    )
    return Lab(session.engine, session.state, name or reading.scenario.name, reading.scenario, reading.texts, settings)


def _called(loaded: Loaded) -> str:
    """How a person who stands here names the scenario: by its name where that finds it, otherwise by its folder."""
    from orchestrator.errors import UsageInvalid
    from orchestrator.operations.scenario_library import FILE, as_typed, find_scenario

    here, name = Path.cwd(), loaded.reading.scenario.name
    try:
        found = find_scenario(name, here).resolve()
    except UsageInvalid:
        found = None
    # Its file is shown as seen from where it was sought: by a test suite, from beside the test.
    file = loaded.folder / Path(loaded.file).name
    own = Path(as_typed(file, here))
    return name if found == file.resolve() else str(own.parent if own.name == FILE else own)


def valid_lab(name: str) -> str:
    """A lab's name is part of names of the engine and of a folder's name. Raises UsageInvalid."""
    import re

    from orchestrator.errors import UsageInvalid

    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
        return name
    raise UsageInvalid(
        f"{name!r} is no name for a lab",
        why="it is 1 to 40 of the letters a-z, the digits and '-', and neither begins nor ends with '-'",
        hint="--lab basic-2",
    )


def guarded(session: Session, *, keep: bool = False) -> AbstractContextManager[str]:
    """Around what makes something: if this process dies inside, what it made is removed. Gives the run's id.

    Where the command is interrupted, cannot remove all of it or loses the engine, the run counts as dead; with `keep`
    what was made then stays.
    """
    from orchestrator.lab.guard import Guard

    return Guard(session.url, session.state, os.environ, keep=keep)


def lab_name(name_or_path: str, lab: str | None) -> str:
    """The lab that a command means, also where the scenario's file is no longer there."""
    if lab:
        return valid_lab(lab)
    from orchestrator.errors import WirelabError
    from orchestrator.operations.scenario_library import scenario_name

    try:
        return scenario_name(name_or_path)
    except WirelabError:
        if "/" in name_or_path or not Path(name_or_path).suffix == "":
            raise
        return valid_lab(name_or_path)
