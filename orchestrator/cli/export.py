"""export: a lab as a file for another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.capture import refuse_terminal, say_filter, write_pcapng
from orchestrator.cli.console import out, say
from orchestrator.cli.options import lab_option
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.workspace import Workspace

COMPOSE, PACKETS = "compose", "pcapng"
FORMS = (COMPOSE, "mermaid", "dot", PACKETS)


@click.command(short_help="Write a lab as Compose, Mermaid or Graphviz, or its packets.")
@click.argument("form", type=click.Choice(FORMS), metavar="{" + "|".join(FORMS) + "}")
@click.argument("name", required=False)
@lab_option
@click.option("-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option(
    "--read",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CAPTURE",
    help="For pcapng: take the packets of this capture file.",
)
def command(form: str, name: str | None, lab: str | None, file: Path | None, read: Path | None) -> int:
    """Write a lab as a Compose file, its picture as Mermaid or Graphviz text, or its packets as pcapng.

    Prints to standard output, or writes FILE. The services of a Compose file mount files, which are written beside
    FILE: compose.yaml and the folder compose-files. The packets are those that a running capture has recorded; in
    Wireshark, the addresses have the names of the nodes.
    """
    if form == PACKETS and file is None:
        refuse_terminal("wirelab export pcapng NAME -o FILE")
    if read and form != PACKETS:
        raise UsageInvalid("--read is for pcapng alone", hint=f"wirelab export pcapng --read {read}")
    target = find_lab(name, lab)
    workspace = open_workspace(target.lab_name, read_only=True)
    if form == PACKETS:
        return _packets(workspace, target, file, read)
    return _compose(workspace, target, file) if form == COMPOSE else _picture(workspace, target, form, file)


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


def _packets(workspace: Workspace, target: LabTarget, file: Path | None, read: Path | None) -> int:
    from orchestrator.operations.output_file import replace_file
    from orchestrator.operations.packet_export import packets_of_file, recorded_packets

    if read:
        pieces = packets_of_file(workspace, target.scenario, target.lab_name, read, say)
    else:
        pieces = recorded_packets(workspace, target.scenario, target.lab_name)
    if file is None:
        write_pcapng(pieces)
    else:
        replace_file(file, pieces)
        say(f"saved {file}; with the names of the nodes: wireshark -N n {file}")
    return OK
