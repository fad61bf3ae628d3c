"""Missing images of ours are built by steps with events: those of a plan, and of an operation that needs one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from lab_in_memory import IMAGES, LabHost, steps_to

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import ImageMissing
from orchestrator.events import StepEvent
from orchestrator.lab.capture.lab_capture import LabCapture

pytestmark = pytest.mark.slow


class Shelf:
    """The images of an engine in memory, of which some are missing, and one cannot be built."""

    def __init__(self, engine: FakeEngine, *missing: str, broken: str = "") -> None:
        self._engine = engine
        self._broken = broken
        self.built: list[str] = []
        for name in missing:
            engine.untag_image(IMAGES[name])

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if not self._engine.image_id(IMAGES[name]))

    def build(self, names: Sequence[str]) -> None:
        for name in names:
            if name == self._broken:
                raise ImageMissing(f"the image {name} could not be built", why="no archive", hint="try again")
            self._engine.tag_image(IMAGES[name])
            self.built.append(name)


def states(events: list[StepEvent]) -> dict[str, str]:
    return {event.step: event.state for event in events}


def test_up_builds_the_missing_images_that_it_needs(lab_host: LabHost) -> None:
    shelf, events = Shelf(lab_host.engine, "dns", "capture"), list[StepEvent]()
    lab = lab_host.lab(missing_images=shelf.missing, build_images=shelf.build, publish=steps_to(events))
    lab.up()
    assert shelf.built == ["dns"]
    assert states(events)["image:dns"] == "done"
    assert not lab.plan()


def test_the_seconds_of_all_steps_count_from_one_beginning(lab_host: LabHost) -> None:
    """A step after the build of an image ends later than it."""
    shelf, events = Shelf(lab_host.engine, "dns"), list[StepEvent]()

    def build(names: Sequence[str]) -> None:
        time.sleep(0.05)
        shelf.build(names)

    lab_host.lab(missing_images=shelf.missing, build_images=build, publish=steps_to(events)).up()
    seconds = [event.seconds for event in events if event.state == "done"]
    assert seconds == sorted(seconds)


def test_a_build_that_fails_is_a_failed_step_and_the_rest_is_skipped(lab_host: LabHost) -> None:
    """What was built before it is done; the error says why, and nothing of the lab is left."""
    shelf, events = Shelf(lab_host.engine, "app", "dns", broken="dns"), list[StepEvent]()
    lab = lab_host.lab(missing_images=shelf.missing, build_images=shelf.build, publish=steps_to(events))
    with pytest.raises(ImageMissing, match="could not be built"):
        lab.up()
    ended = states(events)
    assert (ended.pop("image:app"), ended.pop("image:dns")) == ("done", "failed")
    assert set(ended.values()) == {"skipped"}
    assert "could not be built" in next(event.error for event in events if event.state == "failed")
    assert lab_host.empty()


def test_to_look_at_a_lab_builds_no_image(lab_host: LabHost) -> None:
    """Nor do checks of a lab whose images were removed while it stands."""
    lab_host.lab().up()
    shelf = Shelf(lab_host.engine, *IMAGES)
    lab = lab_host.lab(missing_images=shelf.missing, build_images=shelf.build)
    assert not lab.plan()
    assert [finding.verdict for finding in lab.judge()] == ["pass", "fail"]
    assert shelf.built == []


def test_a_capture_builds_its_image_by_a_step(lab_host: LabHost) -> None:
    lab_host.lab().up()
    shelf, events = Shelf(lab_host.engine, *IMAGES), list[StepEvent]()
    lab = lab_host.lab(
        missing_images=shelf.missing, build_images=shelf.build, publish=steps_to(events), extra_images=("capture",)
    )
    LabCapture(lab_host.engine, lab).start(lab.observe())
    assert shelf.built == ["capture"]
    assert states(events) == {"image:capture": "done"}
