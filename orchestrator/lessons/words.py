"""The words that a learner types in any task, beside answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.reading.spelling import did_you_mean

WORDS = {
    "hint": "show the next hint of the task",
    "solution": "show what completes the task; the task stays open",
    "why": "say what is wrong now, in a task that asks you to repair something",
    "restore": "make the lab what it was when this task began",
    "restore TASK": "go to a task, by its number or name, in the lab as that task begins",
    "undo": "take back the faults that you have put in yourself",
    "reset task": "begin this task anew, in the lab as it was when the task began",
    "reset lab": "make all machines of the lab anew, with their data",
    "reset": "begin the lesson anew",
    "quit": "end the lesson for now",
}


@dataclass(frozen=True)
class Command:
    """A word that was understood; `task` is the name of the task that is meant, where one is named."""

    word: Literal["help", "reset", "reset task", "reset lab", "restore", "undo"]
    task: str = ""


def command_of(line: str, task_names: Sequence[str]) -> Command | str | None:
    """The command that a line means; a sentence where it names no task; None where it is no such command."""
    match re.sub(r"\s+", " ", line.strip().lower()).split(" "):
        case ["?" | "help"]:
            return Command("help")
        case ["r" | "reset"]:
            return Command("reset")
        case ["reset", "task"]:
            return Command("reset task")
        case ["reset", "lab"]:
            return Command("reset lab")
        case ["restore"]:
            return Command("restore")
        case ["undo"]:
            return Command("undo")
        case ["restore", task]:
            return _restore(task, task_names)
    return None


def help_text() -> str:
    """All words with what they do, as a list."""
    return "\n".join(f"- {word}: {what}" for word, what in WORDS.items())


def _restore(task: str, names: Sequence[str]) -> Command | str:
    if task.isdigit() and 1 <= int(task) <= len(names):
        return Command("restore", names[int(task) - 1])
    if task in names:
        return Command("restore", task)
    hint = did_you_mean(task, names) or ";"
    return f"There is no task {task!r}{hint} type a number from 1 to {len(names)}, or one of {', '.join(names)}."
