"""offline: one file for a room without a network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out_json, out_text, say
from orchestrator.cli.options import json_option
from orchestrator.errors import OK
from orchestrator.rendering.quantities import counted

if TYPE_CHECKING:
    from orchestrator.operations.offline.manifest import Manifest

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("offline")
def command() -> None:
    """Put all that a room without a network needs into one file, and use that file there."""


@command.command("make", short_help="Write the file.")
@click.argument("file", type=FILE)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--no-engine", is_flag=True, help="Leave out the distribution's packages of Docker Engine.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before an engine is installed.")
def make(file: Path, scenarios: tuple[str, ...], no_engine: bool, yes: bool) -> int:
    """Write FILE, a tar archive: images, wheels, the scenarios with their lessons, and the engine's packages.

    Without SCENARIO, it has all that are found by name. The file is for machines with this processor, this version of
    Python and, for the packages, this distribution.
    """
    from orchestrator.cli.workspace import open_workspace
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.operations.offline.make import Sources, make_offline_file

    workspace = open_workspace(yes=yes)
    sources = Sources(
        DockerImageStore(workspace.url),
        images=lambda names: tuple(workspace.images(names).values()),
        installer=Path(__file__).with_name("offline_installer.py"),
    )
    if no_engine:
        sources = replace(sources, packages=None)
    say(made_text(str(file), make_offline_file(file, scenarios, Path.cwd(), sources, say)))
    return OK


@command.command("show", short_help="List what is in the file, and verify it.")
@click.argument("file", type=FILE)
@json_option
def show(file: Path, as_json: bool) -> int:
    """Verify every byte of FILE, and list what is in it. Exit code 2 names the member that has changed."""
    import json

    from orchestrator.operations.offline.archive import opened

    with opened(file) as offline:
        if as_json:
            out_json(json.loads(offline.manifest.text()))
        else:
            out_text(manifest_text(offline.manifest))
    return OK


@command.command("use", short_help="Put in what this machine lacks.")
@click.argument("file", type=FILE)
@click.option("--packages", "only_packages", is_flag=True, help="Only install the engine's packages.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before an engine is started.")
def use(file: Path, only_packages: bool, yes: bool) -> int:
    """Verify FILE, and put in what this machine lacks: the engine, scenarios, images. Uses no network.

    After an interruption, the same command goes on.
    """
    from orchestrator.cli.own_command import own_command
    from orchestrator.cli.workspace import confirmer
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.host.find import find_engine, running_engine
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.offline import use as operation
    from orchestrator.operations.offline.archive import opened

    here, state = operation.this_machine(), StateFolder.of(os.environ)
    say(f"offline: verifying {file}")
    with opened(file) as offline:
        operation.require_usable(offline.manifest, here.target)
        if only_packages or running_engine(os.environ, state) is None:
            operation.put_in_packages(offline, here, say)
        if only_packages:
            return OK
        written = operation.put_in_scenarios(offline, Path.cwd(), say)
        engine = find_engine(os.environ, state, notify=say, confirm=confirmer(yes))
        operation.put_in_images(offline, DockerImageStore(engine.url), say)
        names = offline.manifest.scenarios
    if written:
        say(f"offline: written to scenarios/: {', '.join(written)}")
    say(f"all is there; next: {own_command()} run {'basic' if 'basic' in names else names[0]}")
    return OK


def made_text(file: str, manifest: Manifest) -> str:
    """What was written, and what to type in the room."""
    what = f"{file} is written: {counted(len(manifest.members), 'member')}, {_megabytes(manifest.size)}"
    return f"{what}\nin the room: tar -xf {file} install.py && python3 install.py {file}"


def manifest_text(manifest: Manifest) -> str:
    """For whom the file is, its images, and its members with size and SHA-256."""
    target = manifest.target
    lines = [
        f"wirelab {manifest.wirelab} for Python {target.python} on {target.machine}, made on {target.distribution}",
        f"scenarios: {', '.join(manifest.scenarios)}",
        *(f"image: {image.tag} {image.digest}" for image in manifest.images),
        *(f"{member.sha256}  {member.size:>11}  {member.name}" for member in manifest.members),
        f"verified: {counted(len(manifest.members), 'member')}, {_megabytes(manifest.size)}",
    ]
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
