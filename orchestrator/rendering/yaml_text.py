"""Plain values to YAML that people read: comments, lists and short mappings in one line.

A word stands without quotes only where every version of YAML reads it as this text: `no`, `1e3` and `22:22` are quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100
PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
# Characters that YAML takes for the end of a line, or does not take at all (YAML 1.2.2, sections 5.1 and 5.4).
UNFIT = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# YAML 1.1 reads these as truth values or as nothing (https://yaml.org/type/bool.html), 1.2 only some of them.
OTHERWISE_READ = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


@dataclass(frozen=True)
class Commented:
    """A value of a mapping, with lines of comment above its key."""

    value: Any
    comments: tuple[str, ...]


def yaml_text(document: Mapping[str, Any]) -> str:
    """A document whose keys keep the order in which they were put."""
    return "".join(f"{line}\n" for line in _lines(document, ""))


def comment_lines(comments: Sequence[str], indent: str = "") -> Iterator[str]:
    """Comments, each on one line."""
    yield from (f"{indent}# {' '.join(comment.split())}" for comment in comments)


def _lines(mapping: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, Commented):
            yield from comment_lines(value.comments, indent)
            value = value.value
        head = f"{indent}{scalar(key)}:"
        in_line = f"{head} {_flow(value)}"
        if not isinstance(value, Mapping | list | tuple) or _is_short(value, in_line):
            yield in_line.rstrip()
        elif isinstance(value, Mapping):
            yield head
            yield from _lines(value, indent + "  ")
        else:
            yield head
            yield from _items(value, indent + "  ")


def _items(items: Sequence[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping) and not _is_short(item, f"{indent}- {_flow(item)}"):
            first, *others = _lines(item, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from others
        else:
            yield f"{indent}- {_flow(item)}"


def _is_short(value: Any, line: str) -> bool:
    """Whether a value is read best in one line: it holds no comment and no mapping of mappings."""
    if not value:
        return True
    values = list(value.values()) if isinstance(value, Mapping) else list(value)
    if any(isinstance(part, Commented | Mapping) for part in values):
        return False
    return len(line) <= WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, Commented):
        return _flow(value.value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(value)


def scalar(value: str | int | float | bool | None) -> str:
    """One value; a text in double quotes where it could be read as anything else."""
    if isinstance(value, str):
        is_plain = PLAIN.fullmatch(value) and value.lower() not in OTHERWISE_READ
        quoted = UNFIT.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
        return value if is_plain else quoted
    return json.dumps(value)
