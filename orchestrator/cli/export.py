"""export: a lab as a file for another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.capture import say_filter
from orchestrator.cli.console import out, say
from orchestrator.cli.options import lab_option
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.workspace import Workspace

FORMS = ("compose", "mermaid", "dot")
PACKETS = "pcapng"


@click.command(short_help="Write a lab as a Compose file, or as Mermaid or Graphviz.")
@click.argument("form", type=click.Choice((*FORMS, PACKETS)), metavar="{" + "|".join(FORMS) + "}")
@click.argument("name", required=False)
@lab_option
@click.option("-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def command(form: str, name: str | None, lab: str | None, file: Path | None) -> int:
    """Write a lab as a Compose file, or its picture as Mermaid or Graphviz text.

    Prints to standard output, or writes FILE. The services of a Compose file mount files, which are written beside
    FILE: compose.yaml and the folder compose-files. The packets of a lab are saved by `wirelab capture save`.
    """
    if form == PACKETS:
        hint = f"wirelab capture save {name or 'NAME'} {file or 'packets.pcapng'}"
        raise UsageInvalid("packets are saved by another command", why="only a capture has some", hint=hint)
    target = find_lab(name, lab)
    workspace = open_workspace(read_only=True)
    return _compose(workspace, target, file) if form == "compose" else _picture(workspace, target, form, file)


def _compose(workspace: Workspace, target: LabTarget, file: Path | None) -> int:
    from orchestrator.operations.compose_export import export_compose, mounted_folder

    export = export_compose(workspace, target.scenario, target.lab_name, file)
    for note in export.notes:
        say(f"note: {note}")
    if file is None:
        out(export.text.rstrip())
        say("the files that it mounts are written only with -o: wirelab export compose NAME -o FILE")
    else:
        say(f"saved {file} and {mounted_folder(file)}, which holds the passwords and keys of the lab")
    return OK


def _picture(workspace: Workspace, target: LabTarget, form: str, file: Path | None) -> int:
    from orchestrator.operations.graph import picture_lab
    from orchestrator.operations.output_file import replace_file
    from orchestrator.rendering import graph

    lab_picture = picture_lab(workspace, target.scenario, target.lab_name)
    say_filter(lab_picture.filter)
    if lab_picture.missing:
        say(lab_picture.missing)
    text = graph.mermaid(lab_picture.picture) if form == "mermaid" else graph.dot(lab_picture.picture)
    if file is None:
        out(text)
    else:
        replace_file(file, (f"{text.rstrip()}\n".encode(),))
        say(f"saved {file}")
    return OK
