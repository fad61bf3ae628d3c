"""What an operation works with: the state folder, the container engine in use, and the run that guards what is made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, UsageInvalid, WirelabError
from orchestrator.host.state import State
from orchestrator.lab.interrupts import uninterrupted
from orchestrator.operations.scenario_library import FILE, as_typed, find_scenario, scenario_name

if TYPE_CHECKING:
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.lab.guard import Guard
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.step_events import StepEvent
    from orchestrator.operations.scenario_library import LoadedScenario

LAB_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Workspace:
    """The state folder and one engine, with its address.

    `notify` takes a line of progress for a person, `on_step` each step of a plan as it begins and ends.
    """

    state: State
    url: str
    engine: DockerEngine
    notify: Callable[[str], None] = lambda _text: None
    on_step: Callable[[StepEvent], None] = lambda _event: None

    def images(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the tags of wirelab's own images, and build those that are missing."""
        from orchestrator.host.images.shelf import shelf

        return shelf(self.url, self.state, os.environ, self.notify).ensure(names)

    def image_tags(self, names: Sequence[str]) -> Mapping[str, str]:
        """The tags of wirelab's own images, whether or not the engine has them. Builds nothing."""
        from orchestrator.host.images.files import images_folder, tags_of

        return tags_of(names, images_folder())

    def missing_images(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of wirelab's own images that the engine lacks. Builds nothing."""
        from orchestrator.host.images.shelf import shelf

        return shelf(self.url, self.state, os.environ, self.notify).missing(names)

    def planned_lab(self, scenario: LoadedScenario, name: str | None, **settings: object) -> Lab:
        """A lab that builds missing images as steps of its plan, and none before."""
        return self.lab(
            scenario,
            name,
            images=self.image_tags,
            missing_images=self.missing_images,
            build_images=self.images,
            **settings,
        )

    def isolates_ipv6(self) -> bool | None:
        """Whether this engine isolates internal networks with IPv6; None where nobody can tell."""
        from orchestrator.host.machine import isolates_ipv6

        return isolates_ipv6(self.url)

    def lab(self, scenario: LoadedScenario, name: str | None, **settings: object) -> Lab:
        """The lab of a scenario, with these Settings. It has the scenario's name where `name` is None."""
        from orchestrator.lab.lab import Lab, Settings

        reading = scenario.reading
        usual: dict[str, object] = {
            "images": self.images,
            "shield": uninterrupted,
            "isolates_ipv6": self.isolates_ipv6,
            "called": _scenario_as_typed(scenario),
        }
        whole = Settings(**usual | settings)  # type: ignore[arg-type]
        return Lab(self.engine, self.state, name or reading.scenario.name, reading.scenario, reading.texts, whole)

    def guard(self, *, keep: bool = False) -> Guard:
        """A context that removes what was made inside if this process dies in it. Gives the run's id.

        Where the command is interrupted, cannot remove all of it or loses the engine, the run counts as dead; with
        `keep` what was made then stays.
        """
        from orchestrator.lab.guard import Guard

        return Guard(self.url, self.state, os.environ, keep=keep)


def open_workspace(
    *,
    start: bool = True,
    read_only: bool = False,
    notify: Callable[[str], None],
    confirm: Callable[[str], bool],
    on_step: Callable[[StepEvent], None] = lambda _event: None,
) -> Workspace:
    """Find an engine or, with `start`, start one if `confirm` says yes to the question. Raises EngineMissing.

    `notify` is told which engine it is, unless the command is `read_only`: that line would stand before each answer.
    """
    from orchestrator.host.find import find_engine

    state = State.of(os.environ)
    notify_engine: Callable[[str], None] = (lambda _text: None) if read_only else notify
    private = start and not read_only
    engine = find_engine(os.environ, state, private=private, notify=notify_engine, confirm=confirm)
    from orchestrator.engine.docker import DockerEngine

    try:
        return Workspace(state, engine.url, DockerEngine(engine.url), notify, on_step)
    except EngineMissing as error:
        raise EngineMissing(error.what, why=error.why, hint=engine.hint or error.hint) from error


def valid_lab_name(name: str) -> str:
    """The name, if a lab can have it: it is part of the engine's names and of a folder's. Raises UsageInvalid."""
    if LAB_NAME.fullmatch(name):
        return name
    raise UsageInvalid(
        f"{name!r} is no name for a lab",
        why="it is 1 to 40 of the letters a-z, the digits and '-', and neither begins nor ends with '-'",
        hint="--lab basic-2",
    )


def lab_name_of(name_or_path: str, lab: str | None) -> str:
    """The name of the lab that a command means, also where the scenario's file is gone."""
    if lab:
        return valid_lab_name(lab)
    try:
        return scenario_name(name_or_path)
    except WirelabError:
        if "/" in name_or_path or Path(name_or_path).suffix != "":
            raise
        return valid_lab_name(name_or_path)


def _scenario_as_typed(scenario: LoadedScenario) -> str:
    """What a person types here to name the scenario: its name where that finds it, otherwise its folder."""
    here, name = Path.cwd(), scenario.reading.scenario.name
    try:
        by_name = find_scenario(name, here).resolve()
    except UsageInvalid:
        by_name = None
    # Its file is shown as seen from where it was sought: by a test suite, from beside the test.
    file = scenario.folder / Path(scenario.file).name
    own = Path(as_typed(file, here))
    return name if by_name == file.resolve() else str(own.parent if own.name == FILE else own)
