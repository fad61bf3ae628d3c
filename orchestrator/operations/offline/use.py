"""Use an offline file: put in only what this machine lacks. After an interruption, a second call goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.install import installed
from orchestrator.host.offline_packages import (
    distribution,
    install_packages,
    machine,
    missing_packages,
    python_version,
)
from orchestrator.operations.offline.manifest import IMAGES, PACKAGES, SCENARIOS, Manifest, Target
from orchestrator.operations.output_file import replace_file
from orchestrator.operations.scenario_library import FILE, find_scenario

if TYPE_CHECKING:
    from orchestrator.engine.images import ImageTransfer
    from orchestrator.operations.offline.archive import OfflineFile

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Machine:
    """What this machine is, and how packages get on it; tests have others."""

    target: Target
    has_engine: Callable[[], bool] = installed
    missing: Callable[[tuple[str, ...]], tuple[str, ...]] = missing_packages
    install: Callable[[list[Path], Notify], None] = install_packages


def this_machine() -> Machine:
    """The machine on which this runs."""
    return Machine(Target(machine(), python_version(), distribution()))


def require_usable(manifest: Manifest, target: Target) -> None:
    """Raise UsageInvalid where the file is for another processor or another Python."""
    for word, made_for, here in (
        ("processor", manifest.target.machine, target.machine),
        ("Python", manifest.target.python, target.python),
    ):
        if made_for != here:
            what = f"the file is for another {word}"
            raise UsageInvalid(what, why=f"it was made for {made_for}, and this is {here}", hint="make one for it")


def put_in_packages(offline: OfflineFile, here: Machine, notify: Notify) -> int:
    """Install those of the engine's packages that are missing, if there is no engine; how many these were.

    Raises UsageInvalid where the file has none, or those of another distribution.
    """
    if here.has_engine():
        notify("offline: Docker Engine is installed already")
        return 0
    manifest = offline.manifest
    names = tuple(member.name for member in manifest.below(PACKAGES))
    hint = "install Docker Engine from the distribution, then this command again"
    if not names:
        raise UsageInvalid("there is no engine here, and none in the file", why="it was made without", hint=hint)
    if manifest.target.distribution != here.target.distribution:
        why = f"they are for {manifest.target.distribution}, and this is {here.target.distribution or 'unknown'}"
        raise UsageInvalid("the file has the engine's packages of another distribution", why=why, hint=hint)
    missing = here.missing(names)
    notify(f"offline: installing {len(missing)} packages of the distribution")
    with tempfile.TemporaryDirectory() as folder:
        here.install(offline.write(missing, Path(folder)), notify)
    return len(missing)


def put_in_scenarios(offline: OfflineFile, cwd: Path, notify: Notify) -> tuple[str, ...]:
    """Write the scenarios that cannot be found from `cwd` to its folder `scenarios/`; their names."""
    written = []
    for name in offline.manifest.scenarios:
        members = [member.name for member in offline.manifest.below(f"{SCENARIOS}{name}/")]
        # The scenario itself comes last: until it is there, the folder is no scenario, and a second call writes it.
        members.sort(key=lambda member: member.endswith(f"/{name}/{FILE}"))
        there = _folder_of(name, cwd)
        if there is not None:
            if not _equal(offline, members, there, name):
                notify(f"note: the scenario {name!r} that is found here differs from the one in the file; it stays")
            continue
        for member in members:
            target = cwd / member
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, (offline.stream(member).read(),))
        written.append(name)
    return tuple(written)


def _folder_of(name: str, cwd: Path) -> Path | None:
    try:
        return find_scenario(name, cwd).parent
    except UsageInvalid:
        return None


def _equal(offline: OfflineFile, members: list[str], folder: Path, name: str) -> bool:
    for member in members:
        beside = folder / member.removeprefix(f"{SCENARIOS}{name}/")
        if not beside.is_file() or beside.read_bytes() != offline.stream(member).read():
            return False
    return True


def put_in_images(offline: OfflineFile, store: ImageTransfer, notify: Notify) -> int:
    """Load the images if the engine lacks one of them; how many it lacked.

    Raises WorldError where an image that the engine then has is another one.
    """
    images = offline.manifest.images
    missing = [image for image in images if store.digest(image.tag) != image.digest]
    if not missing:
        notify(f"offline: the engine has all {len(images)} images")
        return 0
    notify(f"offline: loading the images; {len(missing)} of {len(images)} are missing")
    store.load(offline.stream(IMAGES))
    for image in missing:
        if (digest := store.digest(image.tag)) != image.digest:
            why = f"{image.tag} is {digest or 'not there'}; the file names {image.digest}"
            raise WorldError("the engine did not take an image as it is in the file", why=why, hint="docker system df")
    return len(missing)
