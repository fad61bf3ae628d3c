"""import: a Compose file as a scenario."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.console import out, say
from orchestrator.errors import OK
from orchestrator.rendering.quantities import counted


@click.command("import", short_help="Make a scenario from a Compose file.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), metavar="FOLDER")
def import_command(file: Path, folder: Path | None) -> int:
    """Make a scenario from a Compose file: scenarios/NAME, or FOLDER.

    A note on standard error, and a comment in the scenario, name each thing that has no equal, with its line in FILE.
    Reads nothing outside of the folder of FILE, and starts nothing.
    """
    from orchestrator.operations.compose_import import import_compose

    imported = import_compose(Path.cwd() / file, folder, Path.cwd())
    for note in imported.notes:
        say(f"note: {note}")
    out(str(imported.file))
    name = imported.file.parent.name if folder is None else imported.file.parent
    say(f"{counted(len(imported.notes), 'note')}; next: wirelab run {name}")
    return OK
