"""The variables of a service, from the Compose file and its env files."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.reading.compose.interpolation import variables_of
from orchestrator.reading.compose.short_forms import environment_of
from orchestrator.reading.compose.source import ComposeSource, items, mapping

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
DATABASE_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://[^@\s]*@")


def environment_of_service(
    source: ComposeSource, service: str, options: dict[str, Any], node: str, kind: str
) -> dict[str, str]:
    """Variables that the node has, in the order of Compose: env files first. A database has none."""
    path = ("services", service, "environment")
    variables: dict[str, str | None] = {}
    for number, item in enumerate(items(options.get("env_file"))):
        name = str(mapping(item).get("path", "") if isinstance(item, dict) else item)
        text = source.folder.text(name)
        if text is None:
            source.note(("services", service, "env_file"), f"{name} is no text file of this folder ({number})", node)
        else:
            variables |= variables_of(text)
    variables |= environment_of(options.get("environment"))
    if kind == "postgresql":
        if variables:
            message = "here the database and its user are called app, and wirelab makes a random password in each lab"
            source.note(path, message, node)
        return {}
    return {name: text for name, text in variables.items() if _is_kept(source, (*path, name), name, text, node)}  # type: ignore[misc]


def _is_kept(source: ComposeSource, path: Any, name: str, text: str | None, node: str) -> bool:
    if not NAME.fullmatch(name):
        source.note(path[:-1], f"{name[:40]!r} is no name of a variable", node)
        return False
    if text is None:
        source.note(path, f"{name} has no value in the file, and wirelab reads none from your shell", node)
        return False
    if DATABASE_URL.search(text):
        source.note(path, "the database and its user are called app here; the password is in /wirelab/password", node)
    return True
