"""class collect: judge the results that learners with their own machines handed in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from orchestrator.cli.console import out, out_json, say, terminal_width
from orchestrator.cli.options import json_option
from orchestrator.errors import CHECK_FAILED, OK, WORLD


@click.command("collect")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--class", "name", required=True, metavar="NAME", help="The class whose codes were handed out.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write results.csv, results.json and results.html to this folder; by default NAME-results.",
)
@json_option
def collect_command(folder: Path, name: str, output: Path | None, as_json: bool) -> int:
    """Judge the results in FOLDER again: seals, seeds, packets, and what repeats the evidence of another seat.

    Exit code 0: all are right; 1: one is altered, copied or of another seat; 3: one cannot be read or judged.
    """
    from orchestrator.cli.workspace import open_workspace
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.classroom.collect import collect, write_results
    from orchestrator.operations.classroom.folder import ClassStore
    from orchestrator.rendering import collected

    classroom = ClassStore(StateFolder.of(os.environ)).require(name)
    output = output or Path(f"{name}-results")
    collection = collect(folder, classroom, output, open_workspace)
    texts = {
        "results.csv": collected.collection_csv(collection),
        "results.json": collected.collection_json(collection),
        "results.html": collected.collection_page(collection),
    }
    write_results(output, texts)
    if as_json:
        out_json(collected.collection_document(collection))
    else:
        out(collected.collection_text(collection, terminal_width(sys.stdout)))
    say(f"written to {output}: {', '.join(texts)}")
    return CHECK_FAILED if collection.is_wrong else WORLD if collection.is_unknown else OK
