"""How much of a machine one lab may use: a file of somebody else must not take the machine from its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.errors import WorldError
from orchestrator.model.node import Limits
from orchestrator.model.replicas import group_of
from orchestrator.model.scenario import Scenario

# MiB; so much every lab may use, without a look at the machine.
FREE_MEMORY = 4096
# On a larger machine, a lab may use this many quarters of the memory.
QUARTERS = 3
# Half of what a kernel has at least where nobody changed it (pid_max, proc(5)).
MOST_PROCESSES = 16384
FilePath = tuple[str | int, ...]


def require_budget(scenario: Scenario, machine_memory: Callable[[], int], place: Callable[[FilePath], str]) -> None:
    """Raise WorldError if the limits of all nodes together exceed the budget of one lab.

    `machine_memory` gives the memory of the engine's machine in MiB, 0 where nobody knows; `place` the file and line of
    what stands at a path of the file.
    """
    processes, memory = lab_processes(scenario), lab_memory(scenario)
    if processes > MOST_PROCESSES:
        why = f"its nodes may have {processes} processes together (limits: pids), and one lab may have {MOST_PROCESSES}"
        raise _too_large(scenario, why, "pids", place)
    if memory <= FREE_MEMORY or not (machine := machine_memory()):
        return
    if memory > (budget := max(FREE_MEMORY, machine * QUARTERS // 4)):
        why = (
            f"its nodes may use {memory} MiB together (limits: memory), and one lab may use {budget} of the "
            f"{machine} MiB of the engine's machine"
        )
        raise _too_large(scenario, why, "memory", place)


def budget_notes(scenario: Scenario) -> Iterator[tuple[FilePath, str]]:
    """What in a file `up` refuses on every machine, or on a small one: its place in the file, and why."""
    if (processes := lab_processes(scenario)) > MOST_PROCESSES:
        what = f"the nodes may have {processes} processes together; up refuses more than {MOST_PROCESSES}"
        yield largest(scenario, "pids"), f"{what}, unless you say --trusted"
    if (memory := lab_memory(scenario)) > FREE_MEMORY:
        needed = -(-memory * 4 // QUARTERS)
        what = f"the nodes may use {memory} MiB together; up refuses that on a machine with less than {needed} MiB"
        yield largest(scenario, "memory"), f"{what}, unless you say --trusted"


def lab_memory(scenario: Scenario) -> int:
    """How much memory the nodes may use together, in MiB."""
    return sum(limits.memory for limits in _limits(scenario).values())


def lab_processes(scenario: Scenario) -> int:
    """How many processes and threads the nodes may have together."""
    return sum(limits.pids for limits in _limits(scenario).values())


def largest(scenario: Scenario, limit: str) -> FilePath:
    """The place in the file of the node with the highest limit of this kind."""
    limits = _limits(scenario)
    name = max(limits, key=lambda node: getattr(limits[node], limit))
    declared = group_of(name, scenario.nodes[name]) or name
    return ("nodes", declared, "limits", limit) if scenario.nodes[name].limits else ("nodes", declared)


def _limits(scenario: Scenario) -> dict[str, Limits]:
    return {name: node.limits or scenario.roles[name].limits for name, node in scenario.nodes.items()}


def _too_large(scenario: Scenario, why: str, limit: str, place: Callable[[FilePath], str]) -> WorldError:
    what = f"{place(largest(scenario, limit))}: {scenario.name} is larger than one lab may be"
    return WorldError(what, why=why, hint=f"lower `limits: {limit}` of nodes; if you trust the file: up --trusted")
