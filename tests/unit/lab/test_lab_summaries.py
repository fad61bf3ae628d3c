"""What `ls` knows of a lab: from the engine, from the lab's folder, and from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lab_in_memory import LabHost

from orchestrator.checks.verdict import Verdict
from orchestrator.events import Actor, FindingEvent, OtherEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.faults import inject
from orchestrator.lab.journal import Journal
from orchestrator.lab.run_registry import Run
from orchestrator.lab.source import LabSource
from orchestrator.model.faults.stop import Stop
from orchestrator.operations.inspection import lab_summaries
from orchestrator.operations.workspace import Workspace
from orchestrator.rendering.labs import LabSummary

pytestmark = pytest.mark.slow

SOURCE = LabSource("shop", "/far/shop/scenario.yaml", "", {})


def summary(lab_host: LabHost) -> LabSummary:
    (found,) = lab_summaries(Workspace(lab_host.state, "unix:///nobody", lab_host.engine))
    return found


def checked(lab_host: LabHost, run: str, verdicts: Sequence[tuple[str, Verdict]]) -> None:
    """Write to the journal what a run found."""
    journal = Journal(lab_host.state, "shop", Actor(run))
    for check, verdict in verdicts:
        journal.publish(FindingEvent(check, "http", "client", verdict, "200", "200", ('"event":"finding"',), 0.1))
        journal.publish(OtherEvent("note", (("text", '"event":"finding"'),)))
    journal.close()


def test_a_lab_is_summed_up(lab_host: LabHost) -> None:
    """Its containers are counted without those who look on; its file and age are those that it has recorded."""
    run = Run(lab_host.state).id
    lab_host.lab(run=run, source=SOURCE).up()
    found = summary(lab_host)
    assert (found.lab, found.scenario, found.nodes, found.running) == ("shop", "shop", 4, 4)
    assert (found.owner, found.run, found.file) == (found.owner or "?", run, SOURCE.file)
    assert found.made > 1_700_000_000
    assert (found.faults, found.check) == (0, None)


def test_the_faults_that_are_in_are_counted(lab_host: LabHost) -> None:
    lab = lab_host.lab()
    lab.up()
    inject(lab, Stop(stop="db"))
    assert summary(lab_host).faults == 1


def test_a_stopped_node_does_not_run(lab_host: LabHost) -> None:
    lab = lab_host.lab()
    lab.up()
    container = lab.observe().container_of("app")
    assert container
    lab_host.engine.stop(container.id, 0)
    assert (summary(lab_host).nodes, summary(lab_host).running) == (4, 3)


def test_the_last_run_that_checked_counts_and_of_each_check_its_last_finding(lab_host: LabHost) -> None:
    lab_host.lab().up()
    checked(lab_host, "first", [("a", "fail"), ("b", "fail")])
    checked(lab_host, "second", [("a", "fail"), ("b", "pass"), ("a", "pass")])
    found = summary(lab_host).check
    assert found
    assert sorted(found.verdicts) == ["pass", "pass"]
    checked(lab_host, "third", [("b", "unknown")])
    found = summary(lab_host).check
    assert found
    assert found.document()["verdict"] == "unknown"


def test_of_a_lab_of_somebody_else_only_the_engine_tells(lab_host: LabHost, tmp_path: Path) -> None:
    """A lab of ours with that name may have stood once: its journal says nothing of theirs."""
    theirs = replace(lab_host, state=StateFolder(tmp_path / "theirs"))
    theirs.lab(run=Run(theirs.state).id, source=SOURCE).up()
    checked(lab_host, "mine", [("a", "pass")])
    found = summary(lab_host)
    assert (found.owner, found.file, found.check, found.nodes) == (None, "", None, 4)


@pytest.mark.parametrize("content", ["", '{"event":"finding"', "\0\n\n"])
def test_a_torn_journal_has_no_last_check(lab_host: LabHost, content: str) -> None:
    lab_host.lab().up()
    (lab_host.state.root / "journals").mkdir(parents=True, exist_ok=True)
    (lab_host.state.root / "journals/shop.jsonl").write_text(content)
    assert summary(lab_host).check is None
