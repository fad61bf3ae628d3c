"""Make an offline file: images, wheels, scenarios and the engine's packages."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import __version__
from orchestrator.errors import DiskFull, ImageMissing, UsageInvalid, WorldError
from orchestrator.host.offline_packages import (
    distribution,
    download_packages,
    has_packages,
    machine,
    python_version,
)
from orchestrator.operations.offline import manifest
from orchestrator.operations.offline.archive import NAME, archive_pieces, staged_members
from orchestrator.operations.offline.manifest import Image, Manifest, Target
from orchestrator.operations.offline.wheels import save_wheels
from orchestrator.operations.output_file import replace_file
from orchestrator.operations.scenario_library import LoadedScenario, all_scenarios, load_scenario

if TYPE_CHECKING:
    from orchestrator.engine.images import ImageTransfer

Notify = Callable[[str], None]
# What every lab may need: the client asks for nodes that cannot, `trace` and lessons record with the other one.
ALWAYS = ("client", "capture")


@dataclass(frozen=True)
class Sources:
    """Where the parts come from; tests have others.

    `images` makes sure that wirelab's own images are there and gives their tags. `installer` is the script that
    installs wirelab from the file. Without `packages`, the file has none.
    """

    store: ImageTransfer
    images: Callable[[Sequence[str]], Sequence[str]]
    installer: Path
    wheels: Callable[[Path], None] = save_wheels
    packages: Callable[[Path, Notify], None] | None = download_packages


def make_offline_file(file: Path, names: Sequence[str], cwd: Path, sources: Sources, notify: Notify) -> Manifest:
    """Write the file with these scenarios, or all that are found by name. Until it is whole, nothing is at `file`.

    Raises UsageInvalid and FileInvalid for scenarios that are not there or are wrong, WorldError for a full disk.
    """
    scenarios = [load_scenario(name, cwd) for name in names or [name for name, _ in all_scenarios(cwd)]]
    with _stage(file) as folder:
        scenario_names = _stage_scenarios(scenarios, folder)
        notify(f"offline: the scenarios, with their lessons: {', '.join(scenario_names)}")
        notify("offline: getting the wheels of wirelab and of what it needs")
        (folder / manifest.WHEELS).mkdir()
        sources.wheels(folder / manifest.WHEELS)
        _stage_packages(folder, sources, notify)
        images = _stage_images(scenarios, folder, sources, notify)
        shutil.copyfile(sources.installer, folder / manifest.INSTALLER)
        members = staged_members(folder, _staged(folder))
        target = Target(machine(), python_version(), distribution())
        made = Manifest(__version__, target, images, scenario_names, members)
        notify(f"offline: writing {len(members)} members")
        replace_file(file, archive_pieces(made, folder))
    return made


@contextmanager
def _stage(file: Path) -> Iterator[Path]:
    """A folder beside the file, which goes in the end, whatever happens."""
    if file.is_dir() or not file.parent.is_dir():
        why = "it is a folder" if file.is_dir() else f"there is no folder {file.parent}"
        raise UsageInvalid(f"{file} cannot be written", why=why)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", suffix=".part", dir=file.parent) as folder:
            yield Path(folder)
    except OSError as error:
        why = error.strerror or str(error)
        raise WorldError(f"{file} cannot be made", why=why, hint="name a file on a disk with more room") from error


def _staged(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    for name in names:
        if not NAME.fullmatch(name):
            raise UsageInvalid(f"{name!r} cannot be put into the file", why="its name has other signs than A-Z a-z 0-9")
    # The script comes first, so that tar finds it at once.
    return sorted(names, key=lambda name: (name != manifest.INSTALLER, name == manifest.IMAGES, name))


def _stage_scenarios(scenarios: Sequence[LoadedScenario], folder: Path) -> tuple[str, ...]:
    for scenario in scenarios:
        into = folder / manifest.SCENARIOS / scenario.folder.resolve().name
        for path in scenario_files(scenario.folder):
            target = into / path.relative_to(scenario.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return tuple(sorted({scenario.folder.resolve().name for scenario in scenarios}))


def scenario_files(folder: Path) -> list[Path]:
    """The regular files of a scenario's folder, without hidden ones, caches and links."""
    files = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        paths = (Path(top, name) for name in sorted(names) if not name.startswith("."))
        files += [path for path in paths if path.is_file() and not path.is_symlink()]
    return files


def _stage_packages(folder: Path, sources: Sources, notify: Notify) -> None:
    if sources.packages is None:
        return
    if not has_packages():
        notify("note: this is not Debian or Ubuntu, so the file has no engine; the room needs one of its own")
        return
    notify("offline: getting the distribution's packages of Docker Engine")
    packages = folder / manifest.PACKAGES
    packages.mkdir()
    sources.packages(packages, notify)
    shutil.rmtree(packages / "partial", ignore_errors=True)
    (packages / "lock").unlink(missing_ok=True)
    for package in packages.iterdir():  # %3a stands for the `:` of an epoch
        package.rename(package.with_name(package.name.replace("%3a", ".")))


def _stage_images(
    scenarios: Sequence[LoadedScenario], folder: Path, sources: Sources, notify: Notify
) -> tuple[Image, ...]:
    from orchestrator.planning.desired import image_of

    nodes = [node for loaded in scenarios for node in loaded.reading.scenario.nodes.values()]
    own = sources.images(sorted({name for node in nodes if (name := image_of(node))} | set(ALWAYS)))
    tags = sorted({*own, *(node.image for node in nodes if node.image)})
    images = tuple(Image(tag, sources.store.digest(tag)) for tag in tags)
    for image in images:
        if not image.digest:
            raise ImageMissing(f"the engine has no image {image.tag!r}", hint=f"docker pull {image.tag}")
    notify(f"offline: saving {len(images)} images")
    try:
        with (folder / manifest.IMAGES).open("xb") as output:
            output.writelines(sources.store.save([image.tag for image in images]))
    except DiskFull as error:
        raise WorldError("there is no room for the images", why=error.why, hint="free some disk space") from error
    return images
