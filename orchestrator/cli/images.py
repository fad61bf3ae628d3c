"""`wirelab images build|ls|prune|remove`: the images of the nodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out_json, out_text, say
from orchestrator.errors import UsageInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.host.images.catalog import ImageCatalog, ImageRow


@click.group("images")
def command() -> None:
    """Build and list the images of the nodes."""


@command.command("build")
@click.argument("names", nargs=-1)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before an engine is installed.")
def build(names: tuple[str, ...], yes: bool) -> None:
    """Build the images that are missing (all, or NAMES). An image that exists is not built again.

    Each image also gets the tag wirelab/NAME:latest, so that a Dockerfile of yours can say FROM wirelab/client:latest.
    """
    from orchestrator.host.images.files import images_folder, names_in

    known = names_in(images_folder())
    for name in set(names).difference(known):
        why = f"the images are {', '.join(known)}"
        raise UsageInvalid(f"there is no image {name!r}", why=why, hint="wirelab images build --help")
    wanted = names or known
    catalog = _catalog(start=True, yes=yes)
    catalog.ensure(wanted)
    catalog.name_newest(wanted)
    say(f"images: all there: {', '.join(sorted(wanted))}")


@command.command("ls", short_help="List the images: present, missing, or old.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def ls(as_json: bool) -> None:
    """List the images: present, missing, or old (of an earlier version of this checkout)."""
    from orchestrator.host.images.catalog import document_of

    rows = _catalog(start=False).rows()
    if as_json:
        out_json(document_of(rows))
    else:
        out_text(image_table(rows))


@command.command("prune")
def prune() -> None:
    """Remove the old images."""
    removed = _catalog(start=False).remove_old()
    say(f"images: removed {', '.join(removed)}" if removed else "images: there is no old one")


@command.command("remove", short_help="Remove every image that wirelab made.")
def remove() -> None:
    """Remove every image that wirelab made, of this checkout and of others. An image in use stays: exit code 3."""
    removed = _catalog(start=False).remove_all()
    say(f"images: removed {', '.join(removed)}" if removed else "images: there is none")


def image_table(rows: Sequence[ImageRow]) -> str:
    """The rows as aligned columns; the size is what the engine says, with the layers that images share."""
    lines = [("NAME", "STATE", "SIZE", "RELEASE", "TAG")]
    lines += [(row.name, row.state, _megabytes(row.size), row.release or "-", row.tag) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]]) for line in lines
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size else "-"


def _catalog(*, start: bool, yes: bool = False) -> ImageCatalog:
    from orchestrator.cli.workspace import confirmer
    from orchestrator.host.find import find_engine
    from orchestrator.host.images.catalog import image_catalog
    from orchestrator.host.state_folder import StateFolder

    engine = find_engine(os.environ, StateFolder.of(os.environ), private=start, notify=say, confirm=confirmer(yes))
    return image_catalog(engine.url, StateFolder.of(os.environ), os.environ, say)
