"""Put faults into a lab and heal them; read a fault from the words of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageInvalid
from orchestrator.operations.command_record import recorded
from orchestrator.operations.lifecycle import UpOptions, UpResult, bring_up
from orchestrator.operations.nodes import require_node

if TYPE_CHECKING:
    from orchestrator.model.faults.fault import BaseFault
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.lab_ref import LabRef
    from orchestrator.planning.plan import Plan


def inject_fault(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, fault: BaseFault
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


def fault_usage() -> str:
    """The words of each kind of fault on the command line."""
    from orchestrator.model.faults import FAULTS

    return " | ".join(f"{kind} {fault.usage}" for kind, fault in FAULTS.items())


def fault_of_words(words: tuple[str, ...], scenario: Scenario) -> BaseFault:
    """The fault that these words of a command mean, as ("stop", "dns"). Raises UsageInvalid."""
    from pydantic import ValidationError

    from orchestrator.model.faults import FAULTS
    from orchestrator.reading.spelling import near

    kind, *rest = words or ("",)
    if kind not in FAULTS:
        meant = near(kind, FAULTS)
        raise _no_fault(words, f"did you mean {meant!r}?" if meant else "")
    fields = FAULTS[kind].from_words(tuple(rest))
    if fields is None:
        raise _no_fault(words, f"it is used so: {kind} {FAULTS[kind].usage}")
    for node_name in _node_names(FAULTS[kind], fields):
        if node_name not in scenario.groups:
            require_node(scenario, node_name)
    try:
        return FAULTS[kind].model_validate(fields)
    except ValidationError as error:
        raise _no_fault(words, error.errors()[0]["msg"]) from error


def _node_names(model: type[BaseFault], fields: dict[str, Any]) -> list[str]:
    """The texts in the fault that name a node."""
    from orchestrator.model.values import Reference
    from orchestrator.reading.raw_scenario import walk
    from orchestrator.reading.schema_forms import form_of

    values = [(value.form.metadata_of(Reference), value.value) for value in walk(form_of(model), fields, ())]
    return [value for reference, value in values if reference and reference.to == "node" and isinstance(value, str)]


def _no_fault(words: tuple[str, ...], why: str) -> UsageInvalid:
    return UsageInvalid(f"{' '.join(words)!r} is no fault", why=why, hint=fault_usage())
