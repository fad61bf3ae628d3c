"""What `ls` knows of a lab: from the engine, from the lab's folder, and from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lab_in_memory import Place

from orchestrator.checks.verdict import Verdict
from orchestrator.events import Actor, FindingEvent, OtherEvent
from orchestrator.host.state import State
from orchestrator.lab.faults import inject
from orchestrator.lab.journal import Journal
from orchestrator.lab.run_registry import Run
from orchestrator.lab.source import LabSource
from orchestrator.model.faults.stop import Stop
from orchestrator.operations.inspection import lab_summaries
from orchestrator.operations.workspace import Workspace
from orchestrator.rendering.labs import LabSummary

SOURCE = LabSource("shop", "/far/shop/scenario.yaml", "", {})


def summary(place: Place) -> LabSummary:
    (found,) = lab_summaries(Workspace(place.state, "unix:///nobody", place.engine))  # type: ignore[arg-type]
    return found


def checked(place: Place, run: str, verdicts: Sequence[tuple[str, Verdict]]) -> None:
    """Write to the journal what a run found."""
    journal = Journal(place.state, "shop", Actor(run))
    for check, verdict in verdicts:
        journal.publish(FindingEvent(check, "http", "client", verdict, "200", "200", ('"event":"finding"',), 0.1))
        journal.publish(OtherEvent("note", (("text", '"event":"finding"'),)))
    journal.close()


def test_a_lab_is_summed_up(place: Place) -> None:
    """Its containers are counted without those who look on; its file and age are those that it has recorded."""
    run = Run(place.state).id
    place.lab(run=run, source=SOURCE).up()
    found = summary(place)
    assert (found.lab, found.scenario, found.nodes, found.running) == ("shop", "shop", 4, 4)
    assert (found.owner, found.run, found.file) == (found.owner or "?", run, SOURCE.file)
    assert found.made > 1_700_000_000
    assert (found.faults, found.check) == (0, None)


def test_the_faults_that_are_in_are_counted(place: Place) -> None:
    lab = place.lab()
    lab.up()
    inject(lab, Stop(stop="db"))
    assert summary(place).faults == 1


def test_a_stopped_node_does_not_run(place: Place) -> None:
    lab = place.lab()
    lab.up()
    container = lab.observe().container_of("app")
    assert container
    place.engine.stop(container.id, 0)
    assert (summary(place).nodes, summary(place).running) == (4, 3)


def test_the_last_run_that_checked_counts_and_of_each_check_its_last_finding(place: Place) -> None:
    place.lab().up()
    checked(place, "first", [("a", "fail"), ("b", "fail")])
    checked(place, "second", [("a", "fail"), ("b", "pass"), ("a", "pass")])
    found = summary(place).check
    assert found
    assert sorted(found.verdicts) == ["pass", "pass"]
    checked(place, "third", [("b", "unknown")])
    found = summary(place).check
    assert found
    assert found.document()["verdict"] == "unknown"


def test_of_a_lab_of_somebody_else_only_the_engine_tells(place: Place, tmp_path: Path) -> None:
    """A lab of ours with that name may have stood once: its journal says nothing of theirs."""
    theirs = replace(place, state=State(tmp_path / "theirs"))
    theirs.lab(run=Run(theirs.state).id, source=SOURCE).up()
    checked(place, "mine", [("a", "pass")])
    found = summary(place)
    assert (found.owner, found.file, found.check, found.nodes) == (None, "", None, 4)


@pytest.mark.parametrize("content", ["", '{"event":"finding"', "\0\n\n"])
def test_a_torn_journal_has_no_last_check(place: Place, content: str) -> None:
    place.lab().up()
    (place.state.root / "journals").mkdir(parents=True, exist_ok=True)
    (place.state.root / "journals/shop.jsonl").write_text(content)
    assert summary(place).check is None
