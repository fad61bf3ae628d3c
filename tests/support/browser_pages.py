"""What the tests in a browser open: sizes of windows, and pages as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.rendering.graph import Picture
from orchestrator.traffic.story import Story

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 900}


@dataclass(frozen=True)
class Made:
    """A page as a file, and what must be in it."""

    file: Path
    picture: Picture | None = None
    story: Story | None = None
