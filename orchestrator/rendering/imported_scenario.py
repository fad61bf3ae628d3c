"""A scenario that was made from a Compose file, as text: each note stands above the node of which it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.reading.compose.translation import Translation
from orchestrator.rendering.yaml_text import Commented, comment_lines, yaml_text

SCHEMA = "# yaml-language-server: $schema=../../scenario.schema.json\n"


def scenario_text(translation: Translation, file: str) -> str:
    """The scenario.yaml of a translation of `file`."""
    head = [
        f"Made from {file} by wirelab import. What has no equal is told with its line there.",
        *_of(translation, ""),
    ]
    nodes = {name: _with_notes(translation, name, node) for name, node in translation.document["nodes"].items()}
    document = {**translation.document, "nodes": nodes}
    return SCHEMA + "".join(f"{line}\n" for line in comment_lines(head)) + yaml_text(document)


def _with_notes(translation: Translation, name: str, node: Mapping[str, Any]) -> Any:
    notes = _of(translation, name)
    return Commented(node, notes) if notes else node


def _of(translation: Translation, node: str) -> tuple[str, ...]:
    return translation.comments.get(node, ())
