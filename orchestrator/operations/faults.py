"""Put faults into a lab, list them and heal them; read a fault from the words of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.operations.command_record import recorded
from orchestrator.operations.lifecycle import UpOptions, UpResult, bring_up
from orchestrator.operations.node_access import require_node

if TYPE_CHECKING:
    from pydantic import ValidationError

    from orchestrator.host.state_folder import StateFolder
    from orchestrator.model.faults.fault import BaseFault
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.injected_faults import InjectedFault
    from orchestrator.planning.lab_ref import LabRef
    from orchestrator.planning.plan import Plan

FAULT_HELP = "wirelab inject --help"


@dataclass(frozen=True)
class FaultResult:
    """Faults that were put in or healed, and the steps of that; `lab` is how a person names the lab."""

    lab: LabRef
    faults: tuple[InjectedFault, ...]
    plan: Plan


def inject_fault(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, fault: BaseFault) -> FaultResult:
    """Put one fault in. The plan is empty if the lab was so already."""
    from orchestrator.lab.faults import inject

    lab = workspace.lab(scenario, lab_name)
    with recorded(workspace, lab.name):
        change = inject(lab, fault)
        return FaultResult(lab.named, change.faults, change.plan)


def heal_faults(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, fault_ids: Sequence[str]
) -> FaultResult:
    """Heal these faults, and leave everything else as it is. Raises UsageInvalid where one of them is not in."""
    from orchestrator.lab.faults import heal

    lab = workspace.lab(scenario, lab_name)
    with recorded(workspace, lab.name):
        change = heal(lab, fault_ids)
        return FaultResult(lab.named, change.faults, change.plan)


def heal_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, *, look: bool = False) -> UpResult:
    """Heal all faults, and repair whatever else is not as the file declares. With `look`, name what cannot be repaired.

    Raises NotFound where the lab is not up: healing makes no lab.
    """
    workspace.lab(scenario, lab_name).standing()
    return bring_up(workspace, scenario, lab_name, UpOptions(keep=True, heal=True, look=look))


def list_faults(state: StateFolder, lab_name: str) -> tuple[InjectedFault, ...]:
    """The faults that are in a lab, in the order in which they were put in. Asks no engine, and writes nothing.

    Raises NotFound where the lab is not up.
    """
    from orchestrator.lab.store import LabFolder

    folder = LabFolder(state, lab_name)
    if not folder.path.exists():
        raise NotFound(f"the lab {lab_name!r} is not up", hint="wirelab ls")
    return folder.faults.active()


def fault_nodes(fault: BaseFault, nodes: Sequence[str]) -> tuple[str, ...]:
    """Those of these nodes that the words of a fault name."""
    named = {name for word in fault.words[1:] for name in word.split(",")}
    return tuple(node for node in nodes if node in named)


def fault_of_words(words: tuple[str, ...], scenario: Scenario) -> BaseFault:
    """The fault that these words of a command mean, as ("stop", "dns"). Raises UsageInvalid."""
    from pydantic import ValidationError

    from orchestrator.model.faults import FAULTS
    from orchestrator.model.faults.fault import WrongWords
    from orchestrator.reading.spelling import near

    kind, *rest = words or ("",)
    if kind not in FAULTS:
        meant = near(kind, FAULTS)
        hint = f"did you mean {meant!r}?  {FAULT_HELP}" if meant else FAULT_HELP
        raise UsageInvalid(f"there is no fault {kind!r}", why=f"the faults are {', '.join(FAULTS)}", hint=hint)
    usage = f"usage: {kind} {FAULTS[kind].usage}"
    try:
        fields = FAULTS[kind].from_words(tuple(rest))
    except WrongWords as error:
        meant = near(error.word, error.known)
        hint = f"did you mean {meant!r}?  {FAULT_HELP}" if meant else FAULT_HELP
        raise UsageInvalid(str(error), why=usage, hint=hint) from error
    if fields is None:
        does_not = f"does not take {_count_of(rest)}" if rest else "needs words after it"
        raise UsageInvalid(f"{kind!r} {does_not}", why=usage, hint=FAULT_HELP)
    for node_name in _node_names(FAULTS[kind], fields):
        if node_name not in scenario.groups:
            require_node(scenario, node_name)
    try:
        return FAULTS[kind].model_validate(fields)
    except ValidationError as error:
        raise UsageInvalid(_wrong_word(FAULTS[kind], fields, error), why=usage, hint=FAULT_HELP) from error


def _node_names(model: type[BaseFault], fields: dict[str, Any]) -> list[str]:
    """The texts in the fault that name a node."""
    from orchestrator.model.values import Reference
    from orchestrator.reading.raw_scenario import walk
    from orchestrator.reading.schema_forms import form_of

    values = [(value.form.metadata_of(Reference), value.value) for value in walk(form_of(model), fields, ())]
    return [value for reference, value in values if reference and reference.to == "node" and isinstance(value, str)]


def _count_of(words: Sequence[str]) -> str:
    return "1 word" if len(words) == 1 else f"{len(words)} words"


def _wrong_word(model: type[BaseFault], fields: dict[str, Any], error: ValidationError) -> str:
    """What is wrong with the first wrong value of a fault, as `validate` says it of a scenario file."""
    from orchestrator.reading.schema_forms import form_of
    from orchestrator.reading.violations import FormValidator

    violation = next(FormValidator().violations(form_of(model), fields, ()), None)
    return violation.message if violation else str(error.errors()[0]["msg"])
