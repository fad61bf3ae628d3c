"""A recorder's count, for people: nothing is said to be lost that is not known to be."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.rendering.capture import losses_text, status_text

WHOLE: dict[str, Any] = {
    "capture": "running",
    "files": 1,
    "bytes": 660,
    "packets": 3,
    "overwritten": 0,
    "dropped": None,
}


def test_a_recording_that_is_whole() -> None:
    assert status_text(WHOLE) == "recording: 3 packets, 660 bytes in 1 file"


@pytest.mark.parametrize("state", ["none", "exited"])
def test_what_does_not_record_says_so(state: str) -> None:
    said = status_text({"capture": state})
    assert said == ("no capture is there" if state == "none" else "the capture is exited: it records nothing")


def test_what_is_missing_is_counted() -> None:
    said = losses_text({**WHOLE, "overwritten": 5, "dropped": 2})
    assert said == (
        "packets are missing: 5 overwritten, for the ring is full (a larger one: capture start --ring MB); "
        "packets are missing: 2 dropped by the kernel, which was faster than the recorder"
    )
