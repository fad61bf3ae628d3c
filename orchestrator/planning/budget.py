"""How much of a machine one lab may use: a file of somebody else must not take the machine from its owner."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import WorldError
from orchestrator.model.scenario import Scenario

# MiB; so much every lab may use, without a look at the machine.
FREE_MEMORY = 4096
# Half of what a kernel has at least where nobody changed it (pid_max, proc(5)).
MOST_PROCESSES = 16384


def require_budget(scenario: Scenario, machine_memory: Callable[[], int]) -> None:
    """Raise WorldError if the limits of all nodes together exceed the budget of one lab.

    `machine_memory` gives the memory of the engine's machine in MiB, 0 where nobody knows.
    """
    limits = [node.limits or scenario.roles[name].limits for name, node in scenario.nodes.items()]
    processes, memory = sum(limit.pids for limit in limits), sum(limit.memory for limit in limits)
    if processes > MOST_PROCESSES:
        why = f"its nodes may have {processes} processes together (limits: pids), and one lab may have {MOST_PROCESSES}"
        raise _too_large(scenario, why, "pids")
    if memory > FREE_MEMORY and 0 < (machine := machine_memory()) < memory:
        why = f"its nodes may use {memory} MiB together (limits: memory), and the engine's machine has {machine} MiB"
        raise _too_large(scenario, why, "memory")


def _too_large(scenario: Scenario, why: str, limit: str) -> WorldError:
    what = f"{scenario.name} may use more than one lab may have"
    return WorldError(what, why=why, hint=f"lower `limits: {limit}` of nodes")
