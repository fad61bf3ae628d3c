"""Look at labs without changing anything: what is declared, and what there is of it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.leftovers import LabLeftovers
    from orchestrator.planning.snapshot import ObservedContainer, Snapshot


def lab_containers(workspace: Workspace) -> tuple[ObservedContainer, ...]:
    """The containers of all labs on the engine."""
    return tuple(workspace.engine.containers(labels.LAB))


def lab_leftovers(workspace: Workspace) -> tuple[LabLeftovers, ...]:
    """The labs whose removal is not complete, and what is left of each."""
    from orchestrator.lab.incomplete_removal import incomplete_removals

    return incomplete_removals(workspace.engine, workspace.state)


def observe_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> tuple[Topology, Snapshot]:
    """The topology of a lab, and what there is of it now."""
    lab = workspace.planned_lab(scenario, lab_name)
    observed = lab.observe()
    return lab.topology(observed), observed
