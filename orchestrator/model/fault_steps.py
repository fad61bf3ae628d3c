"""The faults of a check: one, or several that are put in one after the other, of which some may be healed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count
from typing import Annotated, Any, ClassVar

from orchestrator.model.faults import FAULTS, Fault
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import Field, ScenarioModel, union_by_key
from orchestrator.model.values import DisplayName, VariantNames


class Heal(ScenarioModel):
    """A fault that stands before this in the list is healed; the others stay in."""

    kind: ClassVar[str] = "heal"

    heal: str = Field(
        min_length=1,
        description="The id of the fault, as `inject` prints it: its kind and what it breaks.",
        examples=["stop-dns", "cut-client-db-5432"],
    )


_STEPS: dict[str, type[ScenarioModel]] = {**FAULTS, Heal.kind: Heal}


FaultStep: Any = union_by_key(
    _STEPS, VariantNames("fault", "what is broken (or, in a list, healed again)", "such as {stop: dns}")
)
FaultSteps = Annotated[tuple[FaultStep, ...], Field(strict=False, min_length=1)]
Faults = Annotated[FaultSteps | Fault, DisplayName("a fault, or a list of faults")]


def fault_steps(faults: Any) -> tuple[BaseFault | Heal, ...]:
    """What a check says of its faults, as steps in their order; none where it breaks nothing."""
    return faults if isinstance(faults, tuple) else (faults,) if faults else ()


def new_id(fault: BaseFault, taken: Collection[str]) -> str:
    """A readable id that no other fault of the lab has: stop-dns, and for a second one stop-dns-2."""
    name = fault.short_name
    numbered = (f"{name}-{number}" for number in count(2))
    return name if name not in taken else next(candidate for candidate in numbered if candidate not in taken)


def with_ids(steps: Iterable[BaseFault | Heal]) -> list[tuple[str, BaseFault | Heal]]:
    """Each step with the id of the fault that it puts in or heals, in a lab without other faults."""
    known: list[tuple[str, BaseFault | Heal]] = []
    within: set[str] = set()
    for step in steps:
        if isinstance(step, Heal):
            within.discard(step.heal)
            known.append((step.heal, step))
        else:
            fault_id = new_id(step, within)
            within.add(fault_id)
            known.append((fault_id, step))
    return known
