"""A recorder's own count, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.rendering.quantities import counted


def status_text(document: Mapping[str, Any]) -> str:
    """Whether something is recorded, how much, and what is missing."""
    state = document["capture"]
    if state != "running":
        return "no capture is there" if state == "none" else f"the capture is {state}: it records nothing"
    files, packets = counted(document["files"], "file"), counted(document["packets"], "packet")
    lines = [f"recording: {packets}, {document['bytes']} bytes in {files}"]
    lines += [f"narrowed to: {document['narrowed']}"] if document.get("narrowed") else []
    return "\n".join([*lines, *filter(None, [losses_text(document)])])


def losses_text(document: Mapping[str, Any]) -> str:
    """What is missing, in a sentence; empty where nothing is, as far as it is known."""
    parts = [
        (document["overwritten"], "overwritten, for the ring is full (a larger one: capture start --ring MB)"),
        (document["dropped"], "dropped by the kernel, which was faster than the recorder"),
    ]
    return "; ".join(f"packets are missing: {count} {what}" for count, what in parts if count)
