"""A program that is told to read its files again: the step ends once it has said so, and fails where it never does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_in_memory import IMAGES, LabHost

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import NodeFailed
from orchestrator.lab.step_handler import StepHandler
from orchestrator.planning.plan import Reload, Step

pytestmark = pytest.mark.slow


def reload(lab_host: LabHost, signal: str, says: str = "all zones loaded", refuses: str = "", before: str = "") -> None:
    lab = lab_host.lab()
    lab.up()
    if before:
        lab_host.engine.write(lab_host.engine.containers("wirelab.node=dns")[0].id, before)
    doing = StepHandler(lab.engine, lab.folder, lab.observe(), lab.named, ready_seconds=0.1)
    dns = lab_host.engine.containers("wirelab.node=dns")[0]
    doing(Step("reload:dns", Reload("dns", dns.id, signal, "", says, refuses), "test"), lambda: False)


def test_a_reload_ends_once_the_program_says_so(lab_host: LabHost) -> None:
    """SIGHUP: it reads its files, and says so."""
    reload(lab_host, "SIGHUP")
    assert [name for _, name in lab_host.engine.signals] == ["SIGHUP"]


def test_a_program_that_never_says_so_fails_the_step(lab_host: LabHost) -> None:
    """With the node's name, and what its log does not say."""
    with pytest.raises(NodeFailed) as failed:
        reload(lab_host, "SIGUSR1")
    assert "'dns' did not read its changed files" in failed.value.what
    assert "'all zones loaded'" in failed.value.why


def test_a_program_that_says_that_it_keeps_its_old_files_fails_the_step_at_once(lab_host: LabHost) -> None:
    """Its own line tells why; nobody waits for the end of the time."""
    with pytest.raises(NodeFailed) as failed:
        reload(lab_host, "SIGHUP", says="reloaded", refuses="zones loaded")
    assert "'dns' goes on by its old files" in failed.value.what
    assert failed.value.why == "all zones loaded"


def test_what_it_said_before_the_signal_does_not_count(lab_host: LabHost) -> None:
    """Neither that it goes by its files, which it said of other files, nor that it does not."""
    with pytest.raises(NodeFailed) as failed:
        reload(lab_host, "SIGUSR1", before="all zones loaded")
    assert "did not read its changed files" in failed.value.what
    reload(lab_host, "SIGHUP", refuses="reloading failed", before="reloading failed")


def test_a_log_of_which_the_engine_keeps_only_the_end(lab_host: LabHost) -> None:
    """An engine begins a log anew once it is large: fewer lines than before are there, and one of them is new."""

    class Rotating(FakeEngine):
        def signal(self, container: str, name: str) -> None:
            for _ in range(3):
                self.write(container, "client 192.168.0.4: query: app.shop.lab IN A")
            self._containers[container].written.clear()
            super().signal(container, name)

    reload(replace(lab_host, engine=Rotating(list(IMAGES.values()))), "SIGHUP")


def test_a_program_that_ends_instead_fails_the_step_at_once(lab_host: LabHost) -> None:
    with pytest.raises(NodeFailed) as failed:
        reload(lab_host, "SIGTERM")
    assert "'dns' ended with exit code 143 when it was told to read its changed files" in failed.value.what
