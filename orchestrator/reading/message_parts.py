"""Parts of error messages: lists of words, values in words, paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def listed(words: Iterable[str], most: int = 24) -> str:
    """Words as a list in a sentence, in their own order, shortened where there are very many."""
    names = list(words)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def in_quotes(value: Any) -> str:
    """What stands in the file, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the word {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {short(value)!r}"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a mapping (key: value)" if value else "an empty mapping"


def short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[:most] + "…"


def path_text(path: tuple[str | int, ...]) -> str:
    """`nodes.app.uses[0]`; list items count from 0, as in the JSON Schema."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        if part == "(again)":  # a key that is given twice
            continue
        name = part if part and not set(part) & set(".[] '\"\n") else repr(short(part))
        text += f".{name}" if text else name
    return text
