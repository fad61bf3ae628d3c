"""`${NAME:-default}` in the values of a Compose file (Compose Specification, "Interpolation")."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FORM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?")
DEEPEST = 8  # defaults within defaults
LONGEST = 64 * 1024  # characters of one value


class InterpolationError(Exception):
    """A value that cannot be filled in, with the reason."""


def interpolate(text: str, variables: Mapping[str, str], missing: set[str], depth: int = 0) -> str:
    """The text with its variables filled in; those that nobody has set are empty, and added to `missing`.

    Raises InterpolationError where the text asks for a variable that must be there, or is no text of this form.
    """
    if depth > DEEPEST:
        raise InterpolationError(f"more than {DEEPEST} defaults within each other")
    pieces: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        pieces.append(text[at:dollar])
        if text[dollar + 1 : dollar + 2] == "$":
            filled, at = "$", dollar + 2
        elif text[dollar + 1 : dollar + 2] == "{":
            end = _closing(text, dollar + 2)
            filled, at = _filled(text[dollar + 2 : end], variables, missing, depth), end + 1
        elif name := NAME.match(text, dollar + 1):
            filled, at = _value(name[0], variables, missing), name.end()
        else:
            raise InterpolationError("a $ stands before no name; write $$ for the character itself")
        pieces.append(filled)
    whole = "".join((*pieces, text[at:]))
    if len(whole) > LONGEST:
        raise InterpolationError(f"the value has more than {LONGEST // 1024} KiB")
    return whole


def _closing(text: str, at: int) -> int:
    """Where the brace closes that is open at `at`."""
    depth = 1
    for place in range(at, len(text)):
        if text[place] == "{" and text[place - 1] == "$":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place
    raise InterpolationError("a ${ is never closed")


def _filled(inner: str, variables: Mapping[str, str], missing: set[str], depth: int) -> str:
    form = FORM.match(inner)
    if form is None or (form[2] is None and form.end() < len(inner)):
        raise InterpolationError(f"${{{inner[:40]}}} is no variable")
    name, operator, rest = form[1], form[2] or "", inner[form.end() :]
    value = variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    match operator[-1:]:
        case "-" if not is_set:
            return interpolate(rest, variables, missing, depth + 1)
        case "+":
            return interpolate(rest, variables, missing, depth + 1) if is_set else ""
        case "?" if not is_set:
            raise InterpolationError(f"the variable {name} must be set: {rest[:80]}")
    return _value(name, variables, missing)


def _value(name: str, variables: Mapping[str, str], missing: set[str]) -> str:
    if name not in variables:
        missing.add(name)
    return variables.get(name, "")


def variables_of(text: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value` lines, comments, and quotes around values."""
    variables = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and NAME.fullmatch(name.strip()):
            variables[name.strip()] = _unquoted(value.strip())
    return variables


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value.endswith(value[0]):
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value)
