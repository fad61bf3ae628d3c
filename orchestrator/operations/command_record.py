"""Record in a lab's journal that an operation began, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import BUG, INTERRUPTED, OK, WirelabError
from orchestrator.events import CommandEvent

if TYPE_CHECKING:
    from orchestrator.operations.workspace import Workspace


@dataclass
class CommandRecord:
    """How the operation ends, unless an error ends it."""

    exit_code: int = OK


@contextmanager
def recorded(workspace: Workspace, lab_name: str, run: str = "") -> Iterator[CommandRecord]:
    """Around an operation on a lab: its beginning, and its end with an exit code and the error, are events."""
    publish = workspace.publisher(workspace.journal(lab_name, run))
    began = time.monotonic()
    publish(CommandEvent("started", workspace.actor.command))
    record = CommandRecord()
    try:
        yield record
    except BaseException as error:
        seconds = round(time.monotonic() - began, 3)
        publish(CommandEvent("ended", (), seconds, exit_code_of(error), _error_text(error)))
        raise
    publish(CommandEvent("ended", (), round(time.monotonic() - began, 3), record.exit_code))


def exit_code_of(error: BaseException) -> int:
    """The exit code with which the command line ends after this error."""
    match error:
        case WirelabError():
            return error.exit_code
        case KeyboardInterrupt():
            return INTERRUPTED
        case SystemExit(code=int(code)):
            return code
        case _:
            return BUG


def _error_text(error: BaseException) -> str:
    if isinstance(error, WirelabError):
        return f"{error.what}: {error.why}" if error.why else error.what
    return f"{type(error).__name__}: {error}".rstrip(": ")
