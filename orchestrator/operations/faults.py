"""Put faults into a lab and heal them; read a fault from the words of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageInvalid
from orchestrator.operations.command_record import recorded
from orchestrator.operations.lifecycle import UpOptions, UpResult, bring_up
from orchestrator.operations.nodes import require_node

if TYPE_CHECKING:
    from orchestrator.model.faults import AnyFault
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.lab_ref import LabRef
    from orchestrator.planning.plan import Plan

KINDS = (
    "stop NODE | pause NODE | disconnect NODE [NETWORK] | cut NODE,... NODE,... [ipv4|ipv6] | "
    "record DNS-NODE NAME TYPE [VALUE...]"
)


def inject_fault(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, fault: AnyFault
) -> tuple[LabRef, Plan]:
    """Put one fault in; the plan is empty if it is in already. Returns how a person names the lab, and the plan."""
    from orchestrator.lab.faults import inject

    lab = workspace.lab(scenario, lab_name)
    with recorded(workspace, lab.name):
        return lab.named, inject(lab, fault)


def heal_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> UpResult:
    """Repair whatever is not as the file declares. Raises NotFound where the lab is not up: healing makes no lab."""
    workspace.lab(scenario, lab_name).standing()
    return bring_up(workspace, scenario, lab_name, UpOptions(keep=True))


def fault_of_words(words: tuple[str, ...], scenario: Scenario) -> AnyFault:
    """The fault that these words of a command mean, as ("stop", "dns"). Raises UsageInvalid."""
    return _read(words, _fields(words), scenario)


def _fields(fault: tuple[str, ...]) -> dict[str, Any]:
    """A fault as it stands in a file, from the words of the command line. Raises UsageInvalid where they are none."""
    match fault:
        case ("stop" | "pause" | "disconnect" as kind, node):
            return {kind: node}
        case ("disconnect", node, network):
            return {"disconnect": node, "network": network}
        case ("cut", left, right):
            return {"cut": [left.split(","), right.split(",")]}
        case ("cut", left, right, only):
            return {"cut": [left.split(","), right.split(",")], "only": only}
        case ("record", server, name, kind, *values):
            return {"record": {"server": server, "name": name, "type": kind} | ({"value": values} if values else {})}
    from orchestrator.model.faults import FAULTS
    from orchestrator.reading.spelling import near

    meant = near(fault[0], FAULTS) if fault[0] not in FAULTS else None
    raise _no_fault(fault, f"did you mean {meant!r}?" if meant else "")


def _read(fault: tuple[str, ...], fields: dict[str, Any], scenario: Scenario) -> AnyFault:
    """The fault, of nodes that the scenario has. Raises UsageInvalid."""
    from pydantic import ValidationError

    from orchestrator.model.faults import FAULTS

    kind = fault[0]
    for node in _nodes(fields[kind]):
        if node not in scenario.groups:
            require_node(scenario, node)
    try:
        return FAULTS[kind].model_validate(fields)
    except ValidationError as error:
        raise _no_fault(fault, error.errors()[0]["msg"]) from error


def _no_fault(fault: tuple[str, ...], why: str) -> UsageInvalid:
    return UsageInvalid(f"{' '.join(fault)!r} is no fault", why=why, hint=KINDS)


def _nodes(named: str | list[list[str]] | dict[str, str]) -> list[str]:
    if isinstance(named, dict):
        return [named["server"]]
    return [named] if isinstance(named, str) else [node for group in named for node in group]
