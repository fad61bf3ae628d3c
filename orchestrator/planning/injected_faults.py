"""The faults that are in a lab, and what is desired of the lab because of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.effect import FaultEffect, combined
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.topology import Topology


@dataclass(frozen=True)
class InjectedFault:
    """A fault that is in: since when (seconds since 1970), who put it in, and in which run.

    A fault `of_check` ends with the run of that check.
    """

    id: str
    fault: BaseFault
    since: float
    by: str = ""
    run: str = ""
    of_check: bool = False


def effect_of(topology: Topology, injected: Iterable[InjectedFault]) -> FaultEffect:
    """What is desired while these faults are in. One that the lab's changed file has no room for has no effect."""
    return combined(effect for fault in injected if (effect := _effect(topology, fault.fault)))


def _effect(topology: Topology, fault: BaseFault) -> FaultEffect | None:
    try:
        return fault.effect(topology)
    except UsageInvalid:
        return None
