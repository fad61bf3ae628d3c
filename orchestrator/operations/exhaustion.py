"""Which nodes of a lab have no more memory, processes, disk or descriptors, and the commands that help."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.probes import GetExhausted, NodeExhausted
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.judging import probe_targets
from orchestrator.lab.probe_runner import ProbeRunner

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot


@dataclass(frozen=True)
class LabExhaustion:
    """The nodes that have no more of a resource, each with its resources, and the commands of their lab."""

    resources: Mapping[str, tuple[Exhausted, ...]]
    commands: Commands


def read_exhaustion(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    observed_lab: tuple[Topology, Snapshot],
    node_names: Collection[str] = (),
) -> LabExhaustion:
    """Ask these nodes, or all, side by side. A node that cannot be asked counts as one that lacks nothing."""
    topology, observed = observed_lab
    targets = probe_targets(topology, observed)
    wanted = [name for name in targets if not node_names or name in node_names]
    runner = ProbeRunner(workspace.engine, targets)
    answers = runner.answer([GetExhausted(name) for name in wanted])
    resources = {
        name: answer.resources
        for name, answer in zip(wanted, answers, strict=True)
        if isinstance(answer, NodeExhausted) and answer.resources
    }
    typed = workspace.lab(scenario, lab_name).settings.scenario_argument
    return LabExhaustion(resources, Commands(topology, typed, bool(observed.faults), workspace.member))
