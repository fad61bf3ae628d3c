"""Data goes to standard output, everything said to a person goes to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from orchestrator.errors import FileInvalid, WirelabError, WorldError


def out(text: str) -> None:
    """Print data as it is. Raises WorldError if it cannot be written, and BrokenPipeError if its reader has gone."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (what is buffered would fail once more at the end)
        hint = "make room there, or send the output elsewhere"
        raise WorldError("standard output cannot be written to", why=error.strerror or str(error), hint=hint) from error


def out_text(text: str) -> None:
    """Print text for people: on a terminal it is wrapped at words to the terminal's width."""
    out(_fitted(text, sys.stdout))


def fitted_message(text: str) -> str:
    """A message as `say` prints it."""
    return _fitted(text, sys.stderr)


def _fitted(text: str, stream: TextIO) -> str:
    width = terminal_width(stream)
    if width is None or all(len(line) <= width for line in text.split("\n")):
        return text
    from orchestrator.rendering.terminal import fit_text

    return fit_text(text, width)


def verdict_marks(stream: TextIO, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Symbols and colour where the stream is a terminal that can show them; plain words in a pipe."""
    from orchestrator.rendering.findings import MARKS, terminal_marks

    if not stream.isatty():
        return MARKS
    symbols = (stream.encoding or "").lower().replace("-", "") == "utf8"
    colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return terminal_marks(symbols=symbols, colour=colour)


def terminal_width(stream: TextIO) -> int | None:
    """How many columns the stream has, if it is a terminal."""
    if not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return columns or 80  # a terminal that nobody has told its size says 0


def out_json(document: Any) -> None:
    """Print one JSON document; keys keep the order in which they were put."""
    import json

    out(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Tell a person something: progress, a hint, an error."""
    print(_fitted(text, sys.stderr), file=sys.stderr, flush=True)


def say_error(error: WirelabError) -> None:
    """An error is three lines; a wrong file is a line for each mistake."""
    if isinstance(error, FileInvalid):
        for problem in error.problems:
            say(str(problem))
        return
    for line in error.lines():
        say(line)
