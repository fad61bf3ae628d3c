"""A step that is given up half-way is not written down as done: the next `up` plans it again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from lab_in_memory import LabHost
from networks_in_memory import Helped

from orchestrator.lab.faults import inject
from orchestrator.lab.lab import Lab
from orchestrator.lab.step_handler import StepHandler
from orchestrator.model.faults.cut import Cut
from orchestrator.planning.plan import Reload, Step

pytestmark = pytest.mark.slow


def given_up(lab: Lab, *steps: str) -> str:
    """The plan after its first steps were done, the last of them after somebody had asked to stop."""
    observed, plan = lab.observe(), {step.id: step for step in lab.plan().steps}
    doing = StepHandler(lab.engine, lab.folder, observed, lab.named, ready_seconds=0.1)
    for step in steps:
        asked_to_stop = step == steps[-1]
        doing(plan[step], partial(bool, asked_to_stop))
    return str(lab.plan())


def test_a_node_that_nobody_saw_ready(lab_host: LabHost) -> None:
    """Started again, and the wait given up: nobody knows whether it is ready."""
    lab = lab_host.lab()
    lab.up()
    lab_host.engine.stop(lab_host.engine.containers("wirelab.node=db")[0].id, 0)
    assert "ready:db" in given_up(lab, "start:db", "ready:db")
    lab.up()
    assert str(lab.plan()) == ""


def test_a_cut_that_is_perhaps_still_in(tmp_path: Path) -> None:
    """The helper that takes it out was removed before it said that it had."""
    lab = Helped().lab(tmp_path)
    lab.up()
    inject(lab, Cut(cut=(("near",), ("far",))))
    lab.folder.faults.keep(())
    assert "mend:near" in given_up(lab, "mend:near")


def test_routes_that_are_perhaps_not_set(tmp_path: Path) -> None:
    """Nobody can look into these nodes: what is written down counts."""
    one = Helped()
    lab = one.lab(tmp_path)
    lab.up()
    one.engine.stop(one.engine.containers("wirelab.node=near")[0].id, 0)
    assert "routes:near" in given_up(lab, "start:near", "routes:near")


@pytest.mark.parametrize("stop", [True, False])
def test_files_that_were_perhaps_not_read(lab_host: LabHost, stop: bool) -> None:
    lab = lab_host.lab()
    lab.up()
    dns = lab_host.engine.containers("wirelab.node=dns")[0]
    doing = StepHandler(lab.engine, lab.folder, lab.observe(), lab.named, ready_seconds=0.1)
    doing(Step("reload:dns", Reload("dns", dns.id, "SIGHUP", "another", "all zones loaded"), "test"), lambda: stop)
    record = lab.folder.record("dns")
    assert record is not None
    assert (record.loaded == "another") is not stop
