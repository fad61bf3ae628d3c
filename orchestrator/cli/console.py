"""Data goes to standard output, everything said to a person goes to standard error."""

from __future__ import annotations

import sys
from typing import Any

from orchestrator.errors import FileInvalid, WirelabError


def out(text: str) -> None:
    """Print data."""
    print(text, flush=True)


def out_json(document: Any) -> None:
    """Print one JSON document; keys keep the order in which they were put."""
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False), flush=True)


def say(text: str) -> None:
    """Tell a person something: progress, a hint, an error."""
    print(text, file=sys.stderr, flush=True)


def say_error(error: WirelabError) -> None:
    """An error is three lines; a wrong file is a line for each mistake."""
    if isinstance(error, FileInvalid):
        for problem in error.problems:
            say(str(problem))
        return
    say(f"error: {error.what}")
    if error.why:
        say(f"why:   {error.why}")
    if error.hint:
        say(f"try:   {error.hint}")
