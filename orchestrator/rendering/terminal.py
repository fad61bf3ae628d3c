"""Fit text to a terminal: long lines are wrapped at words, and go on below the text that they began with."""

from __future__ import annotations

import re

# Below so many columns there is no room for columns that stand below each other.
NARROW = 60
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What stands before a text: "but seen: ", or the mark of a verdict.
LABEL = re.compile(r" *[a-z][a-z ]{1,10}: +|(\S )?[A-Z]{4,7} +")
# What can be typed is left whole: a terminal breaks it at its edge, and it is copied as one line.
COMMAND = re.compile(r" *(try: +)?(\S*/)?wirelab [a-z]")
# A command that ends a sentence counts as one word.
WORD = re.compile(r"( *)((?<=: )(?:\S*/)?wirelab [a-z][^:]*$|\S+)")


def fit_text(text: str, width: int | None) -> str:
    """The text in lines of at most `width` columns, where its words allow that; unchanged where there is no width."""
    lines = text.split("\n")
    if width is None or all(_columns(line) <= width for line in lines):
        return text
    if width < NARROW:
        lines = [_without_columns(line) for line in lines]
    return "\n".join(_fit_line(line, width) for line in lines)


def _fit_line(line: str, width: int) -> str:
    if _columns(line) <= width or COMMAND.match(line):
        return line
    indent = " " * _hanging_indent(line, width)
    start = len(line) - len(line.lstrip())
    wrapped, current = [], line[:start]
    for gap, word in WORD.findall(line, start):
        if current.strip() and _columns(current + gap + word) > width:
            wrapped.append(current)
            current = indent + word
        else:
            current += gap + word
    return "\n".join([*wrapped, current])


def _without_columns(line: str) -> str:
    """The line with half of its indentation, and two blanks where columns were aligned with more."""
    text = line.lstrip(" ")
    return " " * ((len(line) - len(text)) // 2) + re.sub(r" {3,}", "  ", text)


def _hanging_indent(line: str, width: int) -> int:
    """Where a wrapped line goes on: below its last column or after its label, if enough room is left there."""
    plain = COLOUR.sub("", line)
    most = max(width - 36, width // 2 - 4)
    label = LABEL.match(plain)
    starts = [gap.end() for gap in re.finditer(r"(?<=\S) {2,}", plain)] + ([label.end()] if label else [])
    start = len(plain) - len(plain.lstrip())
    return max((place for place in starts if place <= most), default=min(start + 2, most))


def _columns(line: str) -> int:
    """How many columns a line takes; colour takes none."""
    return len(COLOUR.sub("", line))
