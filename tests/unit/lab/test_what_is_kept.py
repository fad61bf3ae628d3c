"""What is kept of a lab for a report: what was heard on its wires, and the bundle of a failed test."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_in_memory import IMAGES, LabHost, bash

from orchestrator.engine.fake import Behaviour, FakeEngine, as_declared
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.bundle import bundle
from orchestrator.lab.capture.window import CaptureWindow
from orchestrator.lab.lab import Lab
from orchestrator.planning.specs import ContainerSpec


def recorder_dies(spec: ContainerSpec) -> Behaviour:
    """A machine on which nothing may be recorded."""
    return Behaviour(("no permission",), 1) if "wirelab.capture" in spec.labels else as_declared(spec)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab that stands and that nobody can record."""
    engine = FakeEngine(list(IMAGES.values()), answer=bash, behave=recorder_dies)
    return LabHost(engine, StateFolder(tmp_path / "state")).lab(extra_images=("capture",))


@pytest.mark.slow
def test_a_lab_that_cannot_be_recorded_is_reported_all_the_same(lab: Lab) -> None:
    """The reason stands where the story would; nothing of the recorder is left."""
    lab.up()
    window = CaptureWindow.open(lab)
    result = window.result(lab.topology(lab.observe()))
    window.close()
    assert (result.events, "no permission" in result.missing) == ((), True)
    assert [
        container for container in lab.engine.containers("wirelab.lab") if "wirelab.capture" in container.labels
    ] == []


def test_nothing_is_heard_of_a_lab_that_is_down(lab: Lab) -> None:
    assert CaptureWindow.open(lab).missing == "The lab was not up."


@pytest.mark.slow
def test_without_a_capture_the_way_to_one_is_told(lab: Lab) -> None:
    lab.up()
    assert "wirelab capture start shop" in CaptureWindow.of_running_capture(lab).missing


@pytest.mark.slow
def test_a_bundle_has_a_file_for_all_and_says_what_could_not_be_had(lab: Lab) -> None:
    """A stopped node still tells what it wrote; why the rest is missing stands in its lab_host."""
    lab.up()
    app = lab.observe().container_of("app")
    assert app is not None
    lab.engine.stop(app.id, 0)
    files = bundle(lab)
    nodes = ("app", "client", "db", "dns")
    kinds = (("logs", "log"), ("resolv.conf", "conf"), ("sockets", "txt"))
    assert set(files) == {f"{kind}/{node}.{end}" for kind, end in kinds for node in nodes} | {"dns-queries.log"}
    assert b"wirelab: ready" in files["logs/app.log"]
    assert files["sockets/app.txt"] == b"This could not be had: the node app is stopped.\n"
    assert files["resolv.conf/client.conf"]
