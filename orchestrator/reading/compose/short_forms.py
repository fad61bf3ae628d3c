"""The values that a Compose file may write in a short or in a long form, as one form."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

from orchestrator.reading.compose.source import items, mapping

PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
MOST_PORTS = 16  # of one range
MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
MIB = {"": 1 / 1048576, "k": 1 / 1024, "m": 1.0, "g": 1024.0}


@dataclass(frozen=True)
class Port:
    """A port of a service; `published` is empty where the host has none for it."""

    number: int
    protocol: str
    published: str


@dataclass(frozen=True)
class Mount:
    """A volume of a service. `kind` is bind, volume or tmpfs."""

    kind: str
    source: str
    target: str


def ports_of(value: Any) -> list[Port]:
    """`8080:80`, `127.0.0.1:8080:80/tcp`, `3000-3002`, or the long form."""
    ports: list[Port] = []
    for item in items(value):
        if isinstance(item, dict):
            text, published = str(item.get("target", "")), str(item.get("published", ""))
            protocol = str(item.get("protocol", "tcp"))
        else:
            whole, _, protocol = str(item).partition("/")
            host, _, text = whole.rpartition(":")
            published = host.rpartition(":")[2] if host else ""
        ports += [Port(number, protocol or "tcp", published) for number in _range(text)]
    return ports


def _range(text: str) -> list[int]:
    if not (match := PORT.fullmatch(text.strip())):
        return []
    first, last = int(match[1]), int(match[2] or match[1])
    return [number for number in range(first, min(last, first + MOST_PORTS - 1) + 1) if 0 < number < 65536]


def mounts_of(value: Any) -> list[Mount]:
    """`./site:/srv:ro`, `data:/var/lib`, `/cache`, or the long form."""
    mounts = []
    for item in items(value):
        if isinstance(item, dict):
            kind, source = str(item.get("type", "volume")), str(item.get("source", ""))
            mounts.append(Mount(kind, source, str(item.get("target", ""))))
            continue
        parts = str(item).split(":")
        source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
        kind = "bind" if source.startswith((".", "/", "~")) else "volume"
        mounts.append(Mount(kind, source, target))
    return mounts


def environment_of(value: Any) -> dict[str, str | None]:
    """A mapping, or a list of `NAME=value`; None where only the name stands there."""
    if isinstance(value, dict):
        return {str(name): None if text is None else _text(text) for name, text in value.items()}
    pairs = (_text(item).partition("=") for item in items(value))
    return {name: text if equals else None for name, equals, text in pairs}


def words_of(value: Any) -> tuple[str, ...]:
    """A command: a list, or a line that is split as a shell splits words. Compose runs no shell for it."""
    if isinstance(value, list):
        return tuple(_text(word) for word in value)
    if value is None:
        return ()
    try:
        return tuple(shlex.split(_text(value)))
    except ValueError:  # quotes that are never closed
        return tuple(_text(value).split())


def names_of(value: Any) -> dict[str, dict[str, Any]]:
    """Names as a list or as a mapping to their options: `networks`, `depends_on`."""
    if isinstance(value, dict):
        return {str(name): mapping(options) for name, options in value.items()}
    return {str(name): {} for name in items(value) if isinstance(name, str | int)}


def mebibytes(value: Any) -> int | None:
    """`512m`, `1.5gb`, or bytes; None where it is none of these."""
    match = MEMORY.fullmatch(_text(value).strip())
    return round(float(match[1]) * MIB[match[2].lower()]) if match else None


def number_of(value: Any) -> float | None:
    try:
        return float(_text(value))
    except ValueError:
        return None


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
    return ""
