"""What a YAML parser complains of -> a sentence for a person who has never read the YAML specification.

PyYAML has two parsers, whose words differ; both are in the table, so that the message does not depend on which one
is installed.
"""

from __future__ import annotations

from typing import Any

DEEPEST = 24
TOO_DEEP = f"more than {DEEPEST} levels of nesting"
TAB = "a tab stands where spaces are needed; YAML is indented with spaces only"
INDENT = "this line does not fit the lines above it: its indentation, or a ':' or '-' before it, is wrong"

# a part of the parser's problem -> our sentence; the first that fits
SENTENCES: tuple[tuple[str, str], ...] = (
    ("tab character", TAB),
    # libyaml's scanner runs ahead of its parser, and gives up at a thousand before the parser hands over the first.
    ("maximum nesting depth", TOO_DEEP),
    ("mapping values are not allowed", "a ':' is not expected here; a text that holds ': ' needs quotes"),
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
# these sentences speak of where something was opened
OPENING = ("end of stream", "expected ',' or ']'", "expected ',' or '}'")


def yaml_sentence(error: Any, text: str) -> tuple[str, Any]:
    """The sentence for a YAML error, and the parser's mark of where it stands."""
    problem = error.problem or error.context or ""
    place = error.problem_mark or error.context_mark
    if place is None:
        return f"this is not YAML: {problem}", None
    if _is_tab(text, place):
        return TAB, place
    if "cannot start any token" in problem:
        return f"a text cannot begin with {_at(text, place)!r} unless it stands in quotes", place
    for part, sentence in SENTENCES:
        if part in problem.replace("did not find ", ""):
            if part in OPENING and error.context_mark:
                place = error.context_mark
            return sentence, place
    return f"this is not YAML: {problem}", place


def _at(text: str, place: Any) -> str:
    line = _line(text, place)
    return line[place.column] if place.column < len(line) else ""


def _line(text: str, place: Any) -> str:
    lines = text.splitlines()
    return lines[place.line] if place.line < len(lines) else ""


def _is_tab(text: str, place: Any) -> bool:
    line = _line(text, place)
    indent = line[: len(line) - len(line.lstrip())]
    return "\t" in indent or _at(text, place) == "\t"
