"""Tell whoever presses Ctrl-C what the command does now."""

from __future__ import annotations

import os

from orchestrator.cli.console import fitted_message
from orchestrator.lab.interrupts import InterruptNotice

NOT_LEFT = "pressing it again does not stop that"
# command -> what it does after the first Ctrl-C; what waits for Ctrl-C alone ("") ends without a word.
STOPPING = {
    "up": f"stopping: removing what this command has made; {NOT_LEFT}",
    "run": f"stopping: a lab that is not complete is removed, and with --rm a complete one too; {NOT_LEFT}",
    "down": "stopping: what is being removed is still removed; down again removes the rest",
    "check": f"stopping: taking out a fault that a check has put in; the lab stays; {NOT_LEFT}",
    "inject": "stopping: waiting for the steps under way; wirelab heal mends what they broke",
    "heal": "stopping: waiting for the steps under way; heal again does the rest",
    "sweep": "stopping: what is being removed is still removed; sweep again removes the rest",
    "capture": "stopping: removing the temporary recorder",
    "trace": "stopping: the story so far follows",
    "events": "",
    "logs": "",
    "exec": "",
    "shell": "",
    "learn": "",
    "web": "stopping the page; the lab stays",
}
WAITING = "still cleaning up; Ctrl-C does not stop that"


def interrupt_notice(command: str) -> InterruptNotice:
    """The notice for a subcommand."""
    return InterruptNotice(lambda: _write(STOPPING.get(command, "stopping")), lambda: _write(WAITING))


def _write(message: str) -> None:
    """Past Python's buffer: a signal handler may have interrupted a write to it, which must not be entered twice."""
    if message:
        os.write(2, f"\n{fitted_message(message)}\n".encode())
