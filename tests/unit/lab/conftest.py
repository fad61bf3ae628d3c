"""What the tests of labs on the engine in memory share."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, LabHost, bash

from orchestrator.engine.fake import FakeEngine
from orchestrator.host.state_folder import StateFolder


@pytest.fixture
def lab_host(tmp_path: Path) -> LabHost:
    return LabHost(FakeEngine(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state"))
