"""What is said where a recording is wanted, and nothing records."""

from __future__ import annotations

import pytest
from lab_in_memory import LabHost

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.lab.capture.lab_capture import LabCapture


def test_a_lab_that_is_not_up_is_brought_up_first(lab_host: LabHost) -> None:
    with pytest.raises(NotFound, match="is not up") as refused:
        LabCapture(lab_host.engine, lab_host.lab()).require_running()
    assert refused.value.hint.startswith("wirelab up")


@pytest.mark.slow
def test_a_lab_that_is_up_lacks_a_capture_alone(lab_host: LabHost) -> None:
    lab = lab_host.lab()
    lab.up()
    with pytest.raises(UsageInvalid, match="no capture of the lab") as refused:
        LabCapture(lab_host.engine, lab).require_running()
    assert refused.value.hint.startswith("wirelab capture start")
