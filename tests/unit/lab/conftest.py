"""What the tests of labs on the engine in memory share."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, Place, bash

from orchestrator.engine.fake import FakeEngine
from orchestrator.host.state import State


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(FakeEngine(list(IMAGES.values()), answer=bash), State(tmp_path / "state"))
