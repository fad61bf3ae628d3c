"""What is said where a recording is wanted, and nothing records, or the recorder says nothing."""

from __future__ import annotations

import pytest
from lab_in_memory import LabHost

from orchestrator.engine.programs import Output
from orchestrator.errors import NotFound, UsageInvalid, WorldError
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


@pytest.mark.parametrize(
    ("err", "why"), [("", "exit code 137"), ("no room on the disk\n", "no room on the disk")], ids=["ended", "says why"]
)
def test_a_recorder_that_tells_no_counts_is_an_error_that_names_it(
    lab_host: LabHost, monkeypatch: pytest.MonkeyPatch, err: str, why: str
) -> None:
    """A live view looks again after such an error; any other one would end its thread."""
    monkeypatch.setattr(lab_host.engine, "run", lambda *_words, **_options: Output(137, "", err))
    with pytest.raises(WorldError, match="does not say what it has recorded") as failed:
        LabCapture(lab_host.engine, lab_host.lab()).status("recorder")
    assert why in failed.value.why
