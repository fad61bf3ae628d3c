"""`wirelab class stop`: end the server of a class, and remove all its labs."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import say
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import LEFTOVERS, OK, LabBusy
from orchestrator.host.state_folder import StateFolder

if TYPE_CHECKING:
    from orchestrator.operations.classroom.folder import Classroom, ClassStore

LOOK_SECONDS = 0.5
STOP_SECONDS = 90.0


@click.command("stop")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Delete also the seats, their links and their progress.")
def stop_command(name: str, forget: bool) -> int:
    """End the server of a class, and remove all its labs. Results stay until --forget."""
    from orchestrator.operations.classroom.folder import ClassStore
    from orchestrator.operations.classroom.service import forget_class, remove_class_labs

    store = ClassStore(StateFolder.of(os.environ))
    _end_server(store, classroom := store.require(name))
    workspace, failed = open_workspace(start=False).without_watcher(), False
    with store.serving(name):
        for removal in remove_class_labs(workspace, classroom):
            what = "its lab is removed" if removal.was_there else "it had no lab"
            say(f"{removal.seat}: {removal.error.what if removal.error else what}")
            failed = failed or removal.error is not None
        if forget and not failed:
            forget_class(store, classroom)
    return LEFTOVERS if failed else OK


def _end_server(store: ClassStore, classroom: Classroom) -> None:
    """Ask the server to end where one runs, and wait for it. Raises LabBusy where it does not end."""
    if not store.is_served(classroom.name):
        return
    from orchestrator.web.board_client import ask_board

    ask_board(classroom.endpoint, classroom.board_token, "end")
    until = time.monotonic() + STOP_SECONDS
    while store.is_served(classroom.name):
        if time.monotonic() > until:
            raise LabBusy(f"the server of the class {classroom.name!r} does not end", hint="end it with Ctrl-C")
        time.sleep(LOOK_SECONDS)
