"""What a plain (unquoted) YAML word means here: close to the core schema of YAML 1.2, with the traps taken out.

Only `true` and `false` are truth values, only `null`, `~` and nothing are null, only decimal digits are whole
numbers; everything else is text. So `22:22`, `no`, `on` and `1_000` are what they look like.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}
NUMBER_START = frozenset("0123456789+-.")
MOST_DIGITS = 18


class Ambiguous(ValueError):
    """The word could be read in two ways; the author has to say which."""


def plain(word: str) -> Scalar:
    """The value of a plain word; raises `Ambiguous` where a reader could reasonably expect another one."""
    if word in WORDS:
        return WORDS[word]
    if word[0] not in NUMBER_START:
        return word
    if LEADING_ZERO.fullmatch(word):
        number = word.lstrip("+-").lstrip("0") or "0"
        raise Ambiguous(
            f'{word} could be a text or a number (some programs read it as octal): write "{word}" or {number}'
        )
    if INTEGER.fullmatch(word):
        if len(word) > MOST_DIGITS:
            raise Ambiguous(
                f'this number has more than {MOST_DIGITS} digits; if it is text, put it in quotes: "{word[:12]}…"'
            )
        return int(word)
    return _float(word) if FLOAT.fullmatch(word) else word


def _float(word: str) -> float:
    number = float(word)
    if number in (float("inf"), float("-inf")):
        raise Ambiguous(f'{word} is too large for a number; if it is text, put it in quotes: "{word}"')
    return number
