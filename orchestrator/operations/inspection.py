"""Look at labs without changing anything: what is declared, and what there is of it now."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.model.topology import Topology
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.leftovers import LabLeftovers
    from orchestrator.planning.snapshot import ObservedContainer, Snapshot
    from orchestrator.rendering.labs import LabSummary, LastCheck


def lab_summaries(workspace: Workspace) -> tuple[LabSummary, ...]:
    """The labs that have a container on the engine, those of other people too."""
    from orchestrator.lab.member_pin import may_stand_on

    nodes: dict[str, list[ObservedContainer]] = {}
    for container in workspace.engine.containers(labels.LAB):
        if labels.NODE in container.labels and labels.SIDECAR not in container.labels:
            nodes.setdefault(container.labels[labels.LAB], []).append(container)
    names = [name for name in sorted(nodes) if may_stand_on(workspace.state, name, workspace.member)]
    summaries = (_summary(workspace.state, lab_name, nodes[lab_name]) for lab_name in names)
    return tuple(replace(summary, member=workspace.member) for summary in summaries)


def _summary(state: StateFolder, lab_name: str, containers: Sequence[ObservedContainer]) -> LabSummary:
    from orchestrator.engine.timestamps import unix_seconds
    from orchestrator.lab.expiry import end_of, has_timer
    from orchestrator.lab.run_registry import is_foreign
    from orchestrator.lab.source import source_of
    from orchestrator.lab.store import LabFolder
    from orchestrator.rendering.labs import LabSummary

    oldest = min(containers, key=lambda container: container.started)
    own = not is_foreign(state, oldest.labels)
    source = source_of(state, lab_name) if own else None
    end = end_of(state, lab_name) if own else None
    return LabSummary(
        lab_name,
        oldest.labels.get(labels.SCENARIO, "?"),
        len(containers),
        sum(container.state == "running" for container in containers),
        _user_name() if own else None,
        oldest.labels.get(labels.RUN, ""),
        source.made if source else unix_seconds(oldest.started),
        source.file if source else "",
        len(LabFolder(state, lab_name).faults.active()) if own else 0,
        _last_check(state, lab_name) if own else None,
        end.at if end else None,
        has_timer(state, lab_name) if end else False,
    )


def _last_check(state: StateFolder, lab_name: str) -> LastCheck | None:
    from orchestrator.events import FindingEvent
    from orchestrator.lab.journal_reader import last_findings
    from orchestrator.rendering.labs import LastCheck

    entries = last_findings(state, lab_name)
    verdicts = tuple(entry.event.verdict for entry in entries if isinstance(entry.event, FindingEvent))
    return LastCheck(max(entry.time for entry in entries), verdicts) if verdicts else None


def _user_name() -> str:
    """The name of the user of this process: the state folder is closed to other people."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def lab_leftovers(workspace: Workspace) -> tuple[LabLeftovers, ...]:
    """The labs whose removal is not complete, and what is left of each."""
    from orchestrator.lab.incomplete_removal import incomplete_removals

    return incomplete_removals(workspace.engine, workspace.state, workspace.member)


def observe_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> tuple[Topology, Snapshot]:
    """The topology of a lab, and what there is of it now."""
    lab = workspace.lab(scenario, lab_name)
    observed = lab.observe()
    return lab.topology(observed), observed
