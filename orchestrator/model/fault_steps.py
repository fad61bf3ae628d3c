"""The faults of a check: one, or several that are put in one after the other, of which some may be healed again.

Between them a list may have checks (`model/checks.py`, CheckStep).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count
from typing import Any, ClassVar

from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import Field, ScenarioModel


class Heal(ScenarioModel):
    """A fault that stands before this in the list is healed; the others stay in."""

    kind: ClassVar[str] = "heal"

    heal: str = Field(
        min_length=1,
        description="The id of the fault, as `inject` prints it: its kind and what it breaks.",
        examples=["stop-dns", "cut-client-db-5432"],
    )


def fault_steps(faults: Any) -> tuple[ScenarioModel, ...]:
    """What a check says of its faults, as steps in their order; none where it breaks nothing."""
    return faults if isinstance(faults, tuple) else (faults,) if faults else ()


def new_id(fault: BaseFault, taken: Collection[str]) -> str:
    """A readable id that no other fault of the lab has: stop-dns, and for a second one stop-dns-2."""
    name = fault.short_name
    numbered = (f"{name}-{number}" for number in count(2))
    return name if name not in taken else next(candidate for candidate in numbered if candidate not in taken)


def with_ids(steps: Iterable[ScenarioModel]) -> list[tuple[str, ScenarioModel]]:
    """Each step with the id of the fault that it puts in or heals, in a lab without other faults; of a check, ""."""
    known: list[tuple[str, ScenarioModel]] = []
    within: set[str] = set()
    for step in steps:
        if isinstance(step, Heal):
            within.discard(step.heal)
            known.append((step.heal, step))
        elif isinstance(step, BaseFault):
            fault_id = new_id(step, within)
            within.add(fault_id)
            known.append((fault_id, step))
        else:
            known.append(("", step))
    return known
