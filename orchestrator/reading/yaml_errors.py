"""What a YAML parser complains of -> a sentence for a person who has never read the YAML specification.

PyYAML has two parsers, whose words differ; both are in the table, so that the message does not depend on which one
is installed.
"""

from __future__ import annotations

import re
from typing import Any

DEEPEST = 24
TOO_DEEP = f"more than {DEEPEST} levels of nesting"
TAB = "a tab is used where spaces are needed; YAML is indented with spaces only"
INDENT = "this line does not fit the lines above it: its indentation, or a ':' or '-' before it, is wrong"

COLON = "a ':' is not expected here: the line begins too far to the right, or a text that holds ': ' needs quotes"
NO_BREAK = "this line, or the one above, begins with a space that does not break (U+00A0); write plain spaces"
AFTER_QUOTES = "the quotes end before this; inside them a quote is written twice (''), or use the other kind around"
QUOTED = re.compile(r"""(: |- |^\s*)('[^']*'|"[^"]*")\s*$""")

# a part of the parser's problem -> our sentence; the first that fits
SENTENCES: tuple[tuple[str, str], ...] = (
    ("tab character", TAB),
    # libyaml's scanner runs ahead of its parser, and gives up at a thousand before the parser hands over the first.
    ("maximum nesting depth", TOO_DEEP),
    ("mapping values are not allowed", COLON),
    ("found unexpected ':'", COLON),
    ("sequence entries are not allowed", "a '-' is not expected here; begin the list on the next line"),
    ("could not find expected ':'", "a ':' is missing after the key"),
    ("end of stream", "the quotes that open here are never closed"),
    ("unknown escape character", "there is no such escape (\\) in double quotes; use single quotes"),
    ("expected ',' or ']'", "the '[' that opens here needs a ',' or a ']'"),
    ("expected ',' or '}'", "the '{' that opens here needs a ',' or a '}'"),
    ("expected key", INDENT),
    ("expected '-' indicator", INDENT),
    ("expected <block end>", INDENT),
    ("node content", "a value is missing here, or a bracket too many"),
    ("incompatible YAML document", "this version of YAML is not known; remove the %YAML line"),
    ("directive", "lines that begin with '%' are not used here; remove it"),
    ("<document start>", "one document ends here and something else follows; remove '---', '...' and '%' lines"),
)
AMONG_KEYS = ("expected key", "expected '-' indicator", "expected <block end>")
# these sentences speak of where something was opened
OPENING = ("end of stream", "could not find expected ':'", "expected ',' or ']'", "expected ',' or '}'")


def yaml_sentence(error: Any, text: str) -> tuple[str, Any]:
    """The sentence for a YAML error, and the parser's mark of where it stands."""
    problem = error.problem or error.context or ""
    place = error.problem_mark or error.context_mark
    if place is None:
        return f"this is not YAML: {problem}", None
    if _is_tab(text, place):
        return TAB, place
    if "\u00a0" in _indent(text, place.line) + _indent(text, place.line - 1):
        return NO_BREAK, place
    if "alphabetic or numeric" in problem or "while scanning an a" in str(error.context):
        return f"a text cannot begin with {_at(text, place, -1)!r} unless it stands in quotes", place
    if any(part in problem for part in AMONG_KEYS) and QUOTED.search(_line(text, place)[: place.column]):
        return AFTER_QUOTES, place
    if "cannot start any token" in problem:
        return f"a text cannot begin with {_at(text, place)!r} unless it stands in quotes", place
    for part, sentence in SENTENCES:
        if part in problem.replace("did not find ", ""):
            if part in OPENING and error.context_mark:
                place = error.context_mark
            return sentence, place
    return f"this is not YAML: {problem}", place


def _at(text: str, place: Any, off: int = 0) -> str:
    line = _line(text, place)
    return line[place.column + off] if 0 <= place.column + off < len(line) else ""


def _line(text: str, place: Any) -> str:
    lines = text.splitlines()
    return lines[place.line] if place.line < len(lines) else ""


def _is_tab(text: str, place: Any) -> bool:
    return "\t" in _indent(text, place.line) or _at(text, place) == "\t"


def _indent(text: str, number: int) -> str:
    line = text.splitlines()[number] if 0 <= number < len(text.splitlines()) else ""
    return line[: len(line) - len(line.lstrip())]
