"""class replay: what a seat did in its lesson, in order."""

from __future__ import annotations

import os

import click

from orchestrator.cli.console import out, out_json
from orchestrator.cli.options import json_option
from orchestrator.errors import OK


@click.command("replay")
@click.argument("name")
@click.argument("seat")
@json_option
def replay_command(name: str, seat: str, as_json: bool) -> int:
    """Print the attempts, causes and hints of SEAT in order, if its learner has agreed to that on the page."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.classroom.folder import ClassStore
    from orchestrator.operations.classroom.replay import seat_replay
    from orchestrator.rendering.replay import replay_document, replay_text

    store = ClassStore(StateFolder.of(os.environ))
    replay = seat_replay(store, store.require(name), seat)
    if as_json:
        out_json(replay_document(replay.class_name, replay.lesson, replay.seat, replay.steps))
    else:
        out(replay_text(replay.seat, replay.steps))
    return OK
